"""Columns of the events table as arrays, with one entry per event.

Machines are numbers, by their order in the run; -1 is a name outside the run. UNKNOWN stands for
null. A table in memory is converted at once, a big one column by column on demand.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.history.derived import derived
from analysis.history.run import Run

#: Stands for null in columns of numbers.
UNKNOWN = np.iinfo(np.int64).min
#: Types of columns with many numbers per event: read in half the space if the values fit.
NARROW: dict[Any, Any] = {pl.List(pl.Int64): pl.List(pl.Int32)}


def column(run: Run, name: str) -> NDArray[Any]:
    """Return a column of COLUMNS. Columns of a big run are read on each call, and not kept."""
    return _read(run, run.scan, [name])[name] if run.is_big else _columns(run)[name]


def series(run: Run, name: str) -> pl.Series:
    """Return a column of the events table; of a big one, numbers may be narrower than there."""
    if not run.is_big:
        return run.events[name]
    try:
        type_ = run.scan.collect_schema()[name]
        narrow = pl.col(name).cast(NARROW.get(type_, type_))
        return run.scan.select(narrow).collect().to_series()
    except pl.exceptions.InvalidOperationError:
        return run.scan.select(name).collect().to_series()


@derived
def _columns(run: Run) -> dict[str, NDArray[Any]]:
    return _read(run, run.events.lazy(), COLUMNS)


def _read(run: Run, table: pl.LazyFrame, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    numbers = pl.Enum(run.machines)
    read = table.select(COLUMNS[name](numbers).alias(name) for name in names).collect()
    return {name: read[name].to_numpy() for name in names}


def numbers_of(names: pl.Expr, machines: pl.Enum) -> pl.Expr:
    """Convert names of machines to their numbers."""
    return names.cast(machines, strict=False).to_physical().cast(pl.Int32).fill_null(-1)


def _machine(name: str) -> Callable[[pl.Enum], pl.Expr]:
    return lambda machines: numbers_of(pl.col(name), machines)


def _number(name: str) -> Callable[[pl.Enum], pl.Expr]:
    return lambda _: pl.col(name).fill_null(UNKNOWN)


def _length(name: str) -> Callable[[pl.Enum], pl.Expr]:
    return lambda _: pl.col(name).list.len().fill_null(0).cast(pl.Int64)


#: The expression for each column; lists are read as their lengths.
COLUMNS: dict[str, Callable[[pl.Enum], pl.Expr]] = {
    "machine": _machine("machine"),
    "index": _number("index"),
    "sends": lambda _: (pl.col("to").list.len() > 0).fill_null(False),
    "receives": lambda _: pl.col("kind") == "receive",
    "tick": _number("tick"),
    "due_ns": _number("due_ns"),
    "at_ns": _number("at_ns"),
    "arrived_ns": _number("arrived_ns"),
    "queue": _number("queue"),
    "to": _length("to"),
    "lost": _length("lost"),
    "duplicated": _length("duplicated"),
    "sender": _machine("sender"),
    "cause": _number("cause"),
    "line": _number("line"),
}
