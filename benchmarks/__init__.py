"""The measurements in README and docs/benchmarks.md: `python -m benchmarks [NAME ...]`."""
