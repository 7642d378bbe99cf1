"""Runs of a few hundred events for charts and pages; every call gives the same ones."""

from pathlib import Path
from typing import Any

import polars as pl

from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.spec import Spec

#: Plain specs, by the name of the example.
EXAMPLE_RUNS = {
    "fault_free": {
        "duration_s": 20,
        "ticks": [2, 8],
        "clocks": ["lamport", "vector"],
        "workload": "tight",
        "seed": 3,
    },
    "faulty": {
        "machines": 4,
        "duration_s": 20,
        "ticks": [3, 7],
        "seed": 4,
        "latency": {"kind": "lognormal", "median_s": 0.05, "sigma": 0.6},
        "faults": [
            {"kind": "loss", "probability": 0.1},
            {"kind": "duplication", "probability": 0.15, "at_s": 2, "until_s": 16},
            {
                "kind": "partition",
                "groups": [["vm1", "vm2"], ["vm3", "vm4"]],
                "at_s": 4,
                "until_s": 7,
            },
            {"kind": "pause", "machine": "vm2", "at_s": 9, "until_s": 12},
            {"kind": "restart", "machine": "vm1", "at_s": 13, "until_s": 15},
            {"kind": "crash", "machine": "vm3", "at_s": 17},
        ],
    },
    "not_fifo": {
        "duration_s": 20,
        "ticks": [3, 9],
        "clocks": ["lamport", "vector"],
        "fifo": False,
        "seed": 5,
        "latency": {"kind": "lognormal", "median_s": 0.4, "sigma": 1.2},
    },
}


def write_example(example: str, directory: Path) -> Path:
    """Simulate an example and write its run directory; return it."""
    write(simulate(Spec.parse(EXAMPLE_RUNS[example]), example), directory)
    return directory


def rows_of(spec: dict[str, Any]) -> pl.DataFrame:
    """Return the rows behind a chart."""
    return pl.DataFrame(spec["data"]["values"], infer_schema_length=None)
