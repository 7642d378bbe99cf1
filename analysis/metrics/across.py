"""Metrics over several runs: a row for each, and means with their confidence intervals."""

from collections.abc import Mapping, Sequence
from functools import cache
from math import sqrt
from statistics import fmean
from typing import Any

import polars as pl

from analysis.metrics.machine import MACHINE_METRICS
from analysis.metrics.run import METRICS, RUN_METRICS
from analysis.metrics.student import t_quantile


def per_runs(runs: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return one row per run: the metrics of the run, and the means of its machines' metrics."""
    types = {"run": pl.String} | dict.fromkeys(METRICS, pl.Float64)
    return pl.DataFrame([_means(one) for one in runs], schema=types, strict=False)


def statistics(runs: pl.DataFrame) -> pl.DataFrame:
    """Return three rows, `mean`, `sd` and `ci95_half_width`, over some rows of `per_runs`.

    The mean plus and minus `ci95_half_width` is its 95 % confidence interval (Student's t). Runs
    without a value are left out; a single run has neither deviation nor interval.
    """
    rows = runs.drop("run")
    mean, sd, count = rows.mean(), rows.std(), rows.count()
    half = sd.select(
        pl.col(name) * half_width_in_sd(n) for name, n in count.row(0, named=True).items()
    )
    named = {"mean": mean, "sd": sd, "ci95_half_width": half}
    return pl.concat(
        row.select(pl.lit(name).alias("name"), pl.all()) for name, row in named.items()
    )


@cache
def half_width_in_sd(runs: int) -> float | None:
    """Return half the width of a mean's 95 % confidence interval, in standard deviations of a run.

    None for a single run.
    """
    return t_quantile(0.975, runs - 1) / sqrt(runs) if runs > 1 else None


def _means(one: Mapping[str, Any]) -> dict[str, object]:
    known = {
        name: [m[name] for m in one["machines"] if m.get(name) is not None]
        for name in MACHINE_METRICS
    }
    means = {name: fmean(values) if values else None for name, values in known.items()}
    return {"run": one["run"], **means} | {name: one.get(name) for name in RUN_METRICS}
