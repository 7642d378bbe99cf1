"""Many runs side by side: a row for each, and what each point of an experiment comes to.

An experiment's folder says in `experiment.json` which values its axes have at each point; its
runs are called `<point>-seed<seed>`. Runs that are in no such folder count as one point of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from analysis.history.run import InputError
from analysis.logs.finding import FIGURES, is_logged, load
from analysis.metrics.run import METRICS, figures, per_figures, statistics
from analysis.text.summary import FLUID_MODEL_ACROSS_RUNS, print_table, say

EXPERIMENT = "experiment.json"
RUN = re.compile(r"(?P<point>.*)-seed(?P<seed>\d+)")
#: Columns of the table by point, as in `analysis.text.summary`.
POINTS = {
    "runs": "runs",
    "final_spread": "final\nspread",
    "skew_mean": "clock\nskew: mean",
    "jump_mean": "jump\nmean",
    "queue_mean_on_receive": "queue\nmean on receive",
    "concurrency_share": "concurrency",
}


@dataclass(frozen=True)
class Place:
    """Where a run stands in its experiment: at a point with these values, with a seed."""

    point: str
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


def place_of(directory: Path) -> Place:
    """Where the run of a directory stands, by its name and by the folder that it is in."""
    folder = directory.resolve().parent
    name = RUN.fullmatch(directory.resolve().name)
    point = _points(folder).get(name["point"]) if name else None
    if name is None or point is None:
        return Place(folder.name)
    return Place(name["point"], point["values"], int(name["seed"]))


@lru_cache
def _points(folder: Path) -> Mapping[str, Any]:
    try:
        points: Mapping[str, Any] = json.loads((folder / EXPERIMENT).read_bytes())["points"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder / EXPERIMENT} cannot be read: {error}") from None
    return points


def figures_of(directory: Path) -> dict[str, Any]:
    """The figures of a run: from its logs, or as they were measured if there are none."""
    return figures(load(directory)) if is_logged(directory) else measured(directory)


def measured(directory: Path) -> dict[str, Any]:
    """The figures of a run that was measured at once; InputError if they cannot be read."""
    path = directory / FIGURES
    try:
        (one,) = json.loads(path.read_bytes())["runs"]
        return {"run": str(one["run"]), **one, "machines": list(map(dict, one["machines"]))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def by_run(runs: Sequence[Mapping[str, Any]], places: Sequence[Place]) -> pl.DataFrame:
    """One row a run: `run`, `point`, a column for each axis, `seed`, and the metrics.

    A value that is not one number or word is written as JSON.
    """
    axes = dict.fromkeys(axis for place in places for axis in place.values)
    rows = per_figures(runs)
    return rows.select(
        "run",
        pl.Series("point", [place.point for place in places], dtype=pl.String),
        *(_column(axis, [place.values.get(axis) for place in places]) for axis in axes),
        pl.Series("seed", [place.seed for place in places], dtype=pl.Int64),
        *METRICS,
    )


def _column(axis: str, values: Sequence[Any]) -> pl.Series:
    cells = [json.dumps(value) if isinstance(value, dict | list) else value for value in values]
    # Not strict: whole numbers and others are both numbers, numbers and words both words.
    return pl.Series(axis, cells, strict=False)


def print_points(rows: pl.DataFrame, console: Console) -> None:
    """Tables of what the runs of each point come to; `rows` as from `by_run`."""
    means, cells = [], []
    for (point,), group in rows.group_by("point", maintain_order=True):
        mean, _, half = statistics(group.select("run", *METRICS)).to_dicts()
        means.append({"point": point} | mean)
        shown = {name: _plus_minus(mean[name], half[name]) for name in POINTS if name in METRICS}
        cells.append({"point": str(point), "runs": len(group), **shown})
    points = "1 point" if len(cells) == 1 else f"{len(cells)} points"
    say(console, f"\n{len(rows)} runs at {points}; the mean over a point's runs ± its")
    say(console, "95 % confidence interval; of a machine's figures the mean over a run's machines")
    print_table(console, pl.DataFrame(cells), POINTS)
    say(console, "measured against the fluid model")
    print_table(console, pl.DataFrame(means), FLUID_MODEL_ACROSS_RUNS)


def _plus_minus(mean: float | None, half: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.2f}" if half is None else f"{mean:.2f} ± {half:.2f}"
