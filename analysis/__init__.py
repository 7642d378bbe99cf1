"""What happened in a run: logs in, tables, verdicts and metrics out."""
