"""The analysis of a run: read logs; compute tables, metrics and verdicts."""
