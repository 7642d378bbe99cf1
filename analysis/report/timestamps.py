"""The timestamps of a run's clocks as packed columns of its page.

Each place of a timestamp is a column; lists of lists are one list of all their numbers. Texts are
one column of all their bytes, and one of their lengths.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from analysis.history.run import Run
from analysis.report.encoding import Column
from vm.clocks import clock_of

#: Clocks with more numbers or bytes than this, over all events, are left out of the page.
MAX_NUMBERS = 24_000_000


def clocks_of(run: Run) -> list[dict[str, Any]]:
    """Return the clocks with timestamps: name, kind, promise, and column with its widths, which
    are the numbers in each list of a timestamp."""
    return [_clock(run, name) for name in run.clocks if _has_timestamps(run, name)]


def _has_timestamps(run: Run, name: str) -> bool:
    return run.events[f"clock_{name}"].null_count() < run.events.height


def _clock(run: Run, name: str) -> dict[str, Any]:
    clock = clock_of(name)
    return {
        "name": name,
        "kind": name.partition(":")[0],
        "promise": clock.promise,
        "column": clock.column,
        "widths": _widths(run, name),
    }


def _widths(run: Run, name: str) -> list[int]:
    values = run.events[f"clock_{name}"]
    if values.dtype == pl.List(pl.Int64):
        return [_most(values.list.len())]
    if values.dtype == pl.List(pl.List(pl.Int64)):
        inner = range(_most(values.list.len()))
        return [_most(values.list.get(n, null_on_oob=True).list.len()) for n in inner]
    return []


def _most(lengths: pl.Series) -> int:
    most = lengths.max()
    assert isinstance(most, int)
    return most


def left_out(run: Run) -> list[str]:
    """Return the clocks that are too large for the page."""
    return [c["name"] for c in clocks_of(run) if _numbers(run, c) > MAX_NUMBERS]


def _numbers(run: Run, clock: dict[str, Any]) -> int:
    if clock["column"] == "text":
        sizes = run.events[f"clock_{clock['name']}"].str.len_bytes()
        return int(sizes.sum())
    return int(sum(clock["widths"])) * run.events.height


def timestamp_columns(run: Run) -> dict[str, Column]:
    """Return the columns of all clocks that are not left out, and `main` if its clock is."""
    shown = [clock for clock in clocks_of(run) if clock["name"] not in left_out(run)]
    columns = {key: column for clock in shown for key, column in _columns(run, clock)}
    if run.main not in [c["name"] for c in shown if c["column"] in ("number", "list")]:
        columns["main"] = Column(run.events["main"])
    return columns


def _columns(run: Run, clock: dict[str, Any]) -> Iterator[tuple[str, Column]]:
    name, values = f"clock {clock['name']}", run.events[f"clock_{clock['name']}"]
    if clock["column"] == "number":
        yield name, Column(values)
    elif clock["column"] == "text":
        data = "".join(values.fill_null("")).encode()
        yield name, Column(pl.Series(list(data), dtype=pl.Int64), order=0)
        yield f"{name} bytes", Column(values.str.len_bytes().cast(pl.Int64), order=0)
    elif clock["column"] == "list":
        for n in range(clock["widths"][0]):
            yield f"{name} {n}", Column(values.list.get(n, null_on_oob=True))
    else:
        numbers = 0
        for n, width in enumerate(clock["widths"]):
            inner = values.list.get(n, null_on_oob=True)
            for m in range(width):
                yield f"{name} {numbers}", Column(inner.list.get(m, null_on_oob=True))
                numbers += 1
