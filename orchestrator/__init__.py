"""Execution of experiments: each run gets a fresh cluster and a directory for its logs."""
