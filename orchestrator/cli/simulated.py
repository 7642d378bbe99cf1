"""Simulated runs: what a worker does for each."""
