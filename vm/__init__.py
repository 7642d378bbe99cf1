"""The machine: its clocks, workloads, channels, spec and log (pure), and its host (not)."""

__version__ = "0.2.0"
