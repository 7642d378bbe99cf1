"""A run out of what the logs of other programs tell: conventions found out, messages matched.

An importer only reads. What the lines mean is found out here, from all of them, and said: in
`Run.conventions`, and for every receive whose send was concluded in the column `inferred`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.history.run import NO_SEND_FITS, SCHEMA, SEVERAL_FIT, Damage, Run
from analysis.logs import conventions
from analysis.logs.matching import BY_CLOCK, BY_ORDER, BY_STAMP, RECEIVES, SENDS, Matches, match

#: What an importer tells of an event, null where the log does not: `clock` reads after the event,
#: `stamp` is what its message carried, `to` whom it was sent to and `sender` whom it came from.
TOLD: dict[str, Any] = {
    "machine": pl.String,
    "kind": pl.String,
    "at_ns": pl.Int64,
    "arrived_ns": pl.Int64,
    "queue": pl.Int64,
    "clock": pl.Int64,
    "stamp": pl.Int64,
    "to": pl.List(pl.String),
    "sender": pl.String,
    "file": pl.String,
    "line": pl.Int64,
}
#: How the cause of a receive can have been found out, and that it was not.
HOW = (None, BY_STAMP, BY_ORDER, BY_CLOCK, NO_SEND_FITS, SEVERAL_FIT)
#: What had arrived at a machine and was not received: from whom, and with which stamp.
LEFT = {"machine": pl.String, "sender": pl.String, "stamp": pl.Int64}


@dataclass(frozen=True)
class Told:
    """All that the logs of one run tell.

    `events` has the columns of TOLD, machine by machine, each in the order of its log. `queue` is
    when the queue is counted at a receive: "before" or "after" it, "" if nobody says.
    """

    name: str
    path: Path
    format: str
    machines: tuple[str, ...]
    events: pl.DataFrame
    files: dict[str, str]
    left: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEFT))
    damage: tuple[Damage, ...] = ()
    tick_rates_hz: Mapping[str, int] = field(default_factory=dict)
    queue_left: Mapping[str, int] = field(default_factory=dict)
    queue: str = ""
    conventions: tuple[str, ...] = ()


def run_of(told: Told) -> Run:
    """The run; InputError if it is more than one."""
    conventions.refuse_several(told.events)
    notes = list(told.conventions)
    events = conventions.one_row_a_send(told.events, notes)
    events = conventions.queue_after(events, told.queue, notes)
    events, resolution_ns = conventions.dated(events, notes)
    index = pl.int_range(pl.len(), dtype=pl.Int64).over(pl.col("machine").rle_id())
    events = events.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64), index=index)
    before = pl.when(pl.col("index") > 0).then(pl.col("clock").shift(1)).otherwise(0)
    events = events.with_columns(before=before)
    lag, matches = _matched(events, told, notes)
    conventions.say_matches(events, matches, notes)
    return Run(
        name=told.name,
        path=told.path,
        format=told.format,
        clocks=("lamport",),
        machines=told.machines,
        missing=(),
        starts={},
        stops={},
        tick_rates_hz=dict(told.tick_rates_hz),
        queue_left=dict(told.queue_left),
        files=told.files,
        scan=_table(told.name, events, matches).lazy(),
        damage=told.damage,
        unread=_unread(events, told.left, matches),
        resolution_ns=resolution_ns,
        stamp_lag=lag,
        conventions=tuple(notes),
    )


def _matched(events: pl.DataFrame, told: Told, notes: list[str]) -> tuple[int, Matches]:
    """How far stamps lag behind the clocks of their sends, and the matches.

    A clock that is stamped before it is advanced lets receives fit no send if it is taken for one
    that is stamped after.
    """
    receives = _receives(events, told.left)
    sends = _sends(events, told.machines)
    if (lag := conventions.logged_lag(events)) is not None:
        return lag, match(sends.select(*SENDS), receives)
    after, before = (
        match(sends.with_columns(stamp=pl.col("stamp") - lag).select(*SENDS), receives)
        for lag in (0, 1)
    )
    lag = int(len(before.orphans) < len(after.orphans))
    if lag:
        notes.append(conventions.STAMPED_BEFORE)
    return lag, before if lag else after


def _sends(events: pl.DataFrame, machines: tuple[str, ...]) -> pl.DataFrame:
    """Each receiver of each send; where the log does not tell, every other machine can be one."""
    sends = events.select("row", "kind", "clock", "stamp", "to", sender="machine")
    anybody = pl.lit(list(machines), pl.List(pl.String))
    to = pl.when(pl.col("to").list.len() > 0).then("to").otherwise(anybody)
    return (
        sends.filter(kind="send")
        .with_columns(receiver=to)
        .explode("receiver")
        .filter(pl.col("receiver") != pl.col("sender"))
        .with_columns(stamp=pl.coalesce("stamp", "clock"))
    )


def _receives(events: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """The receives, and as if they were some what was left at the end: their rows are negative."""
    known = [name for name in RECEIVES if name != "receiver"]
    received = events.select("kind", *known, receiver="machine").filter(kind="receive")
    far = pl.lit(2**62, pl.Int64)
    waiting = left.with_columns(
        row=-1 - pl.int_range(pl.len(), dtype=pl.Int64),
        receiver=pl.col("machine"),
        clock=far,
        before=far,
    )
    return pl.concat([received.select(*RECEIVES), waiting.select(*RECEIVES)])


def _table(name: str, events: pl.DataFrame, matches: Matches) -> pl.DataFrame:
    """The events table, with the receivers of sends where only the matches tell them."""
    matched = matches.table.filter(pl.col("row") >= 0)
    found = np.full(events.height, -1)
    found[matched["row"].to_numpy()] = matched["send"].to_numpy()
    send = pl.Series(found).replace(-1, None)
    received_by = matched.select(send="send", by=events["machine"].gather(matched["row"]))
    table = events.with_columns(
        run=pl.lit(name),
        sender=pl.coalesce(pl.col("machine").gather(send), "sender"),
        cause=pl.col("index").gather(send),
        inferred=_inferred(events.height, matched, matches),
        to=_receivers(events, received_by),
        main=pl.col("clock"),
        clock_lamport=pl.col("clock"),
    )
    nothing = [pl.lit(None).alias(name) for name in SCHEMA if name not in table.columns]
    return table.with_columns(nothing).select(pl.col(n).cast(type_) for n, type_ in SCHEMA.items())


def _inferred(events: int, matched: pl.DataFrame, matches: Matches) -> pl.Series:
    """How the cause of each receive was found out, or that it was not."""
    how = np.zeros(events, np.uint32)
    for number, name in enumerate(HOW[1:], 1):
        how[matched.filter(how=name)["row"].to_numpy()] = number
    for rows, name in ((matches.orphans, NO_SEND_FITS), (matches.ambiguous, SEVERAL_FIT)):
        how[[row for row in rows if row >= 0]] = HOW.index(name)
    return pl.Series(HOW, dtype=pl.String).gather(how)


def _receivers(events: pl.DataFrame, received_by: pl.DataFrame) -> pl.Series:
    """The receivers as logs tell them, or else those that received."""
    known = (events["to"].list.len() > 0).fill_null(False)
    if (known | (events["kind"] != "send")).all():
        return events["to"]
    receivers = received_by.group_by("send", maintain_order=True).agg("by")
    found = events.select(send="row").join(receivers, on="send", how="left", maintain_order="left")
    return pl.select(pl.when(known).then(events["to"]).otherwise(found["by"])).to_series()


def _unread(
    events: pl.DataFrame, left: pl.DataFrame, matches: Matches
) -> dict[str, tuple[tuple[str, int], ...]]:
    """The messages in the inboxes at the end, as far as it is known which they are."""
    unread: dict[str, tuple[tuple[str, int], ...]] = {}
    for row, send, _ in matches.table.filter(pl.col("row") < 0).iter_rows():
        machine, name = left["machine"][-1 - row], (events["machine"][send], events["index"][send])
        unread[machine] = (*unread.get(machine, ()), name)
    return unread
