"""Formats that claim the same logs: which of them leaves less unexplained."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from analysis.history.run import Format, InputError, Run

#: The doubts about a format that cannot read the logs.
UNREADABLE = float("inf")


def doubts(format_: Format, path: Path, files: Sequence[Path]) -> float:
    """Return the cost of all that the reading of logs in a format leaves unexplained.

    That is, besides steps of clocks and messages: damaged lines, and names of machines without a
    log. UNREADABLE if there is nothing to read.
    """
    try:
        return sum(map(_doubts_of, format_.load(path, files)))
    except InputError:
        return UNREADABLE


def _doubts_of(run: Run) -> float:
    to = run.events["to"].explode().drop_nulls()
    unlogged = int((~to.is_in(pl.Series([*run.machines], dtype=pl.String).implode())).sum())
    return run.misfit + len(run.damage) + unlogged
