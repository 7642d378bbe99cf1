"""What the README and docs/benchmarks.md state, measured: `python -m benchmarks [NAME ...]`."""
