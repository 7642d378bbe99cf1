"""Runs as points of an experiment: one row for each run, with the values of its axes.

The folder of an experiment holds in `experiment.json` the values of its axes at each point; its
runs are called `<point>-seed<seed>`. The runs in any other folder form one point.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from analysis.history.run import MAX_INT64, InputError
from analysis.metrics.across import per_runs
from analysis.metrics.run import METRICS
from vm.files import EXPERIMENT, name_of, parse_json
from vm.quoting import quoted
from vm.spec import FIELDS

#: The tables of an experiment file have 1,000 each.
MAX_AXES = 3000
RUN = re.compile(r"(?P<point>.*)-seed(?P<seed>[0-9]{1,18})")


@dataclass(frozen=True)
class RunPoint:
    """The point of a run in its experiment, with the values of the axes there, and its seed."""

    point: str
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


def point_of(directory: Path) -> RunPoint:
    """Return the point of the run in a directory, by the names of the run and its folder."""
    folder = directory.resolve().parent
    name = RUN.fullmatch(directory.resolve().name)
    point = _points(folder).get(name["point"]) if name else None
    if name is None or point is None:
        return RunPoint(name_of(folder))
    return RunPoint(name["point"], point["values"], int(name["seed"]))


@lru_cache
def _points(folder: Path) -> Mapping[str, Any]:
    try:
        points: Mapping[str, Any] = parse_json(folder / EXPERIMENT)["points"]
        axes = set[str]().union(*(point["values"].keys() for point in points.values()))
        # Names and values become cells of tables, which hold no lone surrogate.
        json.dumps(points, ensure_ascii=False).encode()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / EXPERIMENT} cannot be read: {error}") from None
    if len(axes) > MAX_AXES:
        raise InputError(f"{folder / EXPERIMENT}: {len(axes):,} axes are more than {MAX_AXES:,}")
    for axis in axes:
        if axis == "seed" or axis.partition(".")[0] not in FIELDS:
            raise InputError(f"{folder / EXPERIMENT}: {quoted(axis)} cannot be an axis")
    return points


def by_run(runs: Sequence[Mapping[str, Any]], points: Sequence[RunPoint]) -> pl.DataFrame:
    """Return one row per run: `run`, `point`, a column for each axis, `seed`, and the metrics.

    A value that is not one number or word is written as JSON.
    """
    return per_runs(runs).select("run", *columns_of(points), *METRICS)


def columns_of(points: Sequence[RunPoint]) -> list[pl.Series]:
    """Return the columns `point`, one for each axis, and `seed`, with a row for each point."""
    axes = dict.fromkeys(axis for point in points for axis in point.values)
    return [
        pl.Series("point", [point.point for point in points], dtype=pl.String),
        *(_column(axis, [point.values.get(axis) for point in points]) for axis in axes),
        pl.Series("seed", [point.seed for point in points], dtype=pl.Int64),
    ]


def _is_long(value: Any) -> bool:
    return isinstance(value, dict | list) or (isinstance(value, int) and abs(value) > MAX_INT64)


def _column(axis: str, values: Sequence[Any]) -> pl.Series:
    cells = [json.dumps(value) if _is_long(value) else value for value in values]
    # Not strict: integers beside floats become floats, numbers beside words become words.
    return pl.Series(axis, cells, strict=False)
