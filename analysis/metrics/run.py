"""Metrics of a run as a whole, and all of its metrics together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from analysis.history.causality import causality, concurrency_share, longest_causal_chain
from analysis.history.derived import derived
from analysis.history.run import Run
from analysis.metrics.alignment import align
from analysis.metrics.machine import MACHINE_METRICS, per_machine

Value = int | float | None


def metrics_of(run: Run) -> dict[str, Any]:
    """Return all metrics of a run by their names, those of its machines under `machines`."""
    return {"run": run.name, **per_run(run), "machines": per_machine(run).to_dicts()}


@derived
def per_run(run: Run) -> dict[str, Value]:
    """Return the metrics of RUN_METRICS by their names."""
    return {name: metric(run) for name, metric in RUN_METRICS.items()}


def final_spread(run: Run) -> Value:
    """How far apart are the clocks of the machines' last events, regardless of their times?"""
    first = causality(run).first
    if not np.diff(first).all():
        return None
    last = run.events["main"].gather(first[1:] - 1)
    return None if last.null_count() else int(last.max()) - int(last.min())  # type: ignore[arg-type]


def skew_mean(run: Run) -> Value:
    """How far apart were the clocks at the same instant, on average over time?"""
    return align(run).spread_mean


def skew_max(run: Run) -> Value:
    """How far apart were the clocks at the same instant, at most?"""
    spread = align(run).spread
    return int(spread.max()) if spread.size else None


def skew_end(run: Run) -> Value:
    """How far apart were the clocks when the first machine had its last event?"""
    spread = align(run).spread
    return int(spread[-1]) if spread.size else None


def skews(run: Run) -> pl.DataFrame:
    """Return the spread of the main clocks at every common instant, as `at_ns` and `spread`."""
    return pl.DataFrame({"at_ns": align(run).at_ns, "spread": align(run).spread})


RUN_METRICS: dict[str, Callable[[Run], Value]] = {
    "final_spread": final_spread,
    "skew_mean": skew_mean,
    "skew_max": skew_max,
    "skew_end": skew_end,
    "concurrency_share": concurrency_share,
    "longest_causal_chain": longest_causal_chain,
}

METRICS: dict[str, Callable[..., Any]] = {**MACHINE_METRICS, **RUN_METRICS}
