"""Conventions of foreign logs, inferred from their content.

Each function returns the events in the conventions of the events table, and appends its findings
to the notes.
"""

import numpy as np
import polars as pl

from analysis.history.run import InputError
from analysis.logs.matching import BY_CLOCK, BY_ORDER, BY_STAMP, Matches

STAMPED_BEFORE = (
    "messages carry the clock from before their send advanced it, so a receive can read the same"
    " as its send"
)
#: At least this many receives must agree before queues are taken as counted before the receive.
MIN_AGREEING = 5
#: The names of resolutions of time columns.
RESOLUTIONS = {1_000_000_000: "whole seconds", 1_000_000: "milliseconds", 1000: "microseconds"}
MAX_EXAMPLES = 3


def refuse_several(events: pl.DataFrame) -> None:
    """Raise InputError if a machine's clock starts again and continues: several runs were appended.

    A clock that is wrong at a single event does not count.
    """
    own, same = pl.col("clock"), pl.col("machine")
    before = pl.when(same == same.shift(1)).then(own.shift(1))
    after = pl.when(same == same.shift(-1)).then(own.shift(-1))
    falls = events.select((own < before) & (own < after) & (after < before)).to_series()
    if not falls.any():
        return
    firsts = events.group_by("machine").agg(first=own.first())
    again = events.filter(falls).join(firsts, on="machine", maintain_order="left")
    again = again.filter(own <= pl.col("first"))
    if again.height:
        machine, file, line, clock = again.select("machine", "file", "line", "clock").row(0)
        raise InputError(
            f"{file}:{line}: the clock of {machine} starts again at {clock}: the logs of several"
            " runs were appended; give each run a file of its own"
        )


def one_row_a_send(events: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Merge a multicast that is logged once per receiver, with one clock, into one event."""
    same = (pl.col(name) == pl.col(name).shift(1) for name in ("kind", "clock", "machine"))
    copy = pl.all_horizontal(pl.col("kind") == "send", *same)
    is_copy = events.select(copy=copy.fill_null(False)).to_series()
    if not (copies := is_copy.sum()):
        return events
    several = events.with_columns(is_copy, event=(~is_copy).cum_sum())
    merged = several.group_by("event", maintain_order=True).agg(
        pl.all().exclude("to", "copy").first(), pl.col("to").explode().drop_nulls()
    )
    sends = several.filter("copy")["event"].n_unique()
    notes.append(
        f"a send to several is logged once per receiver, with one clock: {copies + sends} lines are"
        f" {sends} events"
    )
    to = pl.when(pl.col("kind") == "send").then("to")
    return merged.with_columns(to=to).select(events.columns)


def queue_after(events: pl.DataFrame, counted: str, notes: list[str]) -> pl.DataFrame:
    """Convert the queue of a receive to the length after it.

    `counted` is "before", "after", or "" to infer it from the queues.
    """
    known = (pl.col("kind") == "receive") & pl.col("queue").is_not_null()
    queues = events.select(pl.col("queue").filter(known)).to_series()
    if not len(queues):
        return events
    before = counted == "before"
    if not counted and len(queues) >= MIN_AGREEING and queues.min() == 1:
        before = True
    if not before:
        why = "defined by the format" if counted else "some are 0"
        notes.append(f"the queue is counted after each receive: {why}")
        return events
    why = "defined by the format" if counted else "the shortest is 1, never 0"
    notes.append(f"the queue is counted before each receive: {why}; one less is shown")
    less = pl.when(pl.col("kind") == "receive").then(pl.col("queue") - 1).otherwise("queue")
    return events.with_columns(queue=less)


def dated(events: pl.DataFrame, notes: list[str]) -> tuple[pl.DataFrame, int]:
    """Make times relative to the first event of all; also return their resolution in ns."""
    times = events.select("at_ns", "arrived_ns").unpivot()["value"].drop_nulls()
    if not len(times):
        notes.append("events have no times: their order on a machine is that of the log")
        return events, 1
    resolution_ns = int(np.gcd.reduce(times.to_numpy()))
    for known, name in RESOLUTIONS.items():
        if resolution_ns % known == 0:
            notes.append(f"times have a resolution of {name}")
            resolution_ns = known
            break
    epoch_ns = events["at_ns"].min()
    return events.with_columns(pl.col("at_ns", "arrived_ns") - epoch_ns), max(1, resolution_ns)


def logged_lag(events: pl.DataFrame) -> int | None:
    """Return by how much the logged stamps of sends lag behind clocks; None without stamps."""
    behind = pl.col("clock") - pl.col("stamp")
    known = behind.filter(pl.col("kind") == "send").drop_nulls()
    commonest: list[int] = events.select(known.mode()).to_series().to_list()
    return min(commonest, default=None)


def note_matches(events: pl.DataFrame, matches: Matches, notes: list[str]) -> None:
    """Note how many receives were matched by each method, and which were not matched."""
    received = (events["kind"] == "receive").sum()
    matched = matches.table.filter(pl.col("row") >= 0)
    counts = dict(matched.group_by("method").len().iter_rows())
    for method in (BY_STAMP, BY_ORDER, BY_CLOCK):
        if count := counts.get(method):
            notes.append(f"{count} of {received} receives belong to their send by {method}")
    for problem, rows in (
        ("fit several sends, and stay unmatched", [*matches.ambiguous]),
        ("fit no send in these logs", [row for row in matches.orphans if row >= 0]),
    ):
        if rows:
            where = events[rows[:MAX_EXAMPLES]].select("file", "line").iter_rows()
            examples = ", ".join(f"{file}:{line}" for file, line in where)
            notes.append(f"{len(rows)} of {received} receives {problem}: {examples}")
