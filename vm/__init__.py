"""The machine: clocks, workloads, channels, spec and log, all pure, and the host that runs it."""

__version__ = "0.2.0"
