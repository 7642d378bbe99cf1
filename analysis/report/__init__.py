"""HTML pages: one self-contained file per run, per experiment, and for all runs."""
