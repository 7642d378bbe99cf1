"""Experiments in, runs out: a fresh cluster for each, and its logs in a directory of their own."""
