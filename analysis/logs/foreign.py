"""Runs from the logs of other programs: infer their conventions and match their messages.

An importer extracts events line by line. Their meaning is inferred here, from all lines together,
and reported: in `Run.conventions`, and in the column `inferred` for each receive that was matched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.history.run import (
    NO_RECEIVER,
    NO_SEND_FITS,
    SCHEMA,
    SEVERAL_FIT,
    Damage,
    InputError,
    Run,
)
from analysis.logs import conventions
from analysis.logs.limits import MAX_CELLS, MAX_MACHINES
from analysis.logs.matching import (
    BY_CLOCK,
    BY_ORDER,
    BY_STAMP,
    RECEIVE_COLUMNS,
    SEND_COLUMNS,
    Matches,
    match,
)

#: The columns of extracted events, null where the log holds no value. `clock` is the reading after
#: the event, `stamp` that of its message, `to` the receivers of a send, `sender` that of a receive.
EXTRACT_COLUMNS: dict[str, Any] = {
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
#: The values of the column `inferred`: how the send of a receive was found, or why it was not.
METHODS = (None, BY_STAMP, BY_ORDER, BY_CLOCK, NO_SEND_FITS, SEVERAL_FIT, NO_RECEIVER)
#: The columns of messages that arrived and were not received.
INBOX_COLUMNS = {"machine": pl.String, "sender": pl.String, "stamp": pl.Int64}


@dataclass(frozen=True)
class Extract:
    """Everything that an importer read in the logs of one run.

    `events` has EXTRACT_COLUMNS, machine by machine in the order of the logs; `inbox` has
    INBOX_COLUMNS. `queue` is when a receive counts the queue: "before", "after", or "" if unknown.
    """

    name: str
    path: Path
    format: str
    machines: tuple[str, ...]
    events: pl.DataFrame
    files: dict[str, str]
    inbox: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INBOX_COLUMNS))
    damage: tuple[Damage, ...] = ()
    tick_rates_hz: Mapping[str, int] = field(default_factory=dict)
    queue_left: Mapping[str, int] = field(default_factory=dict)
    queue: str = ""
    conventions: tuple[str, ...] = ()


def check_size(path: Path, events: int, machines: int) -> None:
    """Check that the events of a run are not too many; InputError if they are."""
    if events * machines > MAX_CELLS or machines > MAX_MACHINES:
        raise InputError(
            f"{path}: {events:,} events of {machines} machines: at most {MAX_MACHINES}, and"
            f" {MAX_CELLS:,} events times machines are read"
        )


def run_of(extract: Extract) -> Run:
    """Turn an extract into a run; InputError if it holds several runs."""
    check_size(extract.path, extract.events.height, len(extract.machines))
    conventions.refuse_several(extract.events)
    notes = list(extract.conventions)
    events = conventions.one_row_a_send(extract.events, notes)
    events = conventions.queue_after(events, extract.queue, notes)
    events, resolution_ns = conventions.dated(events, notes)
    index = pl.int_range(pl.len(), dtype=pl.Int64).over(pl.col("machine").rle_id())
    events = events.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64), index=index)
    before = pl.when(pl.col("index") > 0).then(pl.col("clock").shift(1)).otherwise(0)
    events = events.with_columns(before=before)
    lag, matches = _matched(events, extract, notes)
    conventions.note_matches(events, matches, notes)
    return Run(
        name=extract.name,
        path=extract.path,
        format=extract.format,
        clocks=("lamport",),
        machines=extract.machines,
        tick_rates_hz=dict(extract.tick_rates_hz),
        queue_left=dict(extract.queue_left),
        files=extract.files,
        scan=_table(extract.name, events, matches).lazy(),
        damage=extract.damage,
        unread=_unread(events, extract.inbox, matches),
        resolution_ns=resolution_ns,
        stamp_lag=lag,
        conventions=tuple(notes),
    )


def _matched(events: pl.DataFrame, extract: Extract, notes: list[str]) -> tuple[int, Matches]:
    """Return by how much stamps lag behind the clocks of their sends, and the matches.

    The lag is 1 in programs that stamp a message before they advance the clock. If the logs do
    not show it, both lags are tried; the one that leaves fewer receives without a send is right.
    """
    receives = _receives(events, extract.inbox)
    sends = _sends(events, extract.machines)
    if (lag := conventions.logged_lag(events)) is not None:
        return lag, match(sends.select(*SEND_COLUMNS), receives)
    after, before = (
        match(sends.with_columns(stamp=pl.col("stamp") - lag).select(*SEND_COLUMNS), receives)
        for lag in (0, 1)
    )
    lag = int(len(before.orphans) < len(after.orphans))
    if lag:
        notes.append(conventions.STAMPED_BEFORE)
    return lag, before if lag else after


def _sends(events: pl.DataFrame, machines: tuple[str, ...]) -> pl.DataFrame:
    """Return a row for each receiver of each send: if unknown, for every other machine."""
    sends = events.select("row", "kind", "clock", "stamp", "to", sender="machine")
    all_machines = pl.lit(list(machines), pl.List(pl.String))
    to = pl.when(pl.col("to").list.len() > 0).then("to").otherwise(all_machines)
    return (
        sends.filter(kind="send")
        .with_columns(receiver=to)
        .explode("receiver")
        .filter(pl.col("receiver") != pl.col("sender"))
        .with_columns(stamp=pl.coalesce("stamp", "clock"))
    )


def _receives(events: pl.DataFrame, inbox: pl.DataFrame) -> pl.DataFrame:
    """Return the receives, and with negative rows the messages in inboxes, as if received last."""
    known = [name for name in RECEIVE_COLUMNS if name != "receiver"]
    received = events.select("kind", *known, receiver="machine").filter(kind="receive")
    far = pl.lit(2**62, pl.Int64)
    waiting = inbox.with_columns(
        row=-1 - pl.int_range(pl.len(), dtype=pl.Int64),
        receiver=pl.col("machine"),
        clock=far,
        before=far,
    )
    return pl.concat([received.select(*RECEIVE_COLUMNS), waiting.select(*RECEIVE_COLUMNS)])


def _table(name: str, events: pl.DataFrame, matches: Matches) -> pl.DataFrame:
    """Build the events table; receivers that the log lacks come from the matches."""
    matched = matches.table.filter(pl.col("row") >= 0)
    found = np.full(events.height, -1)
    found[matched["row"].to_numpy()] = matched["send"].to_numpy()
    send = pl.Series(found).replace(-1, None)
    received_by = matched.select(send="send", by=events["machine"].gather(matched["row"]))
    table = events.with_columns(
        run=pl.lit(name),
        sender=pl.coalesce(pl.col("machine").gather(send), "sender"),
        cause=pl.col("index").gather(send),
        inferred=_inferred(events, matched, matches),
        to=_receivers(events, received_by),
        main=pl.col("clock"),
        clock_lamport=pl.col("clock"),
    )
    absent = [pl.lit(None).alias(name) for name in SCHEMA if name not in table.columns]
    return table.with_columns(absent).select(pl.col(n).cast(type_) for n, type_ in SCHEMA.items())


def _inferred(events: pl.DataFrame, matched: pl.DataFrame, matches: Matches) -> pl.Series:
    """Return the column `inferred`, of receives and of sends without logged receivers."""
    method = np.zeros(events.height, np.uint32)
    unnamed = (events["kind"] == "send") & (events["to"].list.len().fill_null(0) == 0)
    method[unnamed.to_numpy()] = METHODS.index(NO_RECEIVER)
    for number, name in enumerate(METHODS[1:], 1):
        method[matched.filter(method=name)["row"].to_numpy()] = number
    for rows, name in ((matches.orphans, NO_SEND_FITS), (matches.ambiguous, SEVERAL_FIT)):
        method[[row for row in rows if row >= 0]] = METHODS.index(name)
    return pl.Series(METHODS, dtype=pl.String).gather(method)


def _receivers(events: pl.DataFrame, received_by: pl.DataFrame) -> pl.Series:
    """Return the receivers of each send: those in the log, or else the machines it reached."""
    known = (events["to"].list.len() > 0).fill_null(False)
    if (known | (events["kind"] != "send")).all():
        return events["to"]
    receivers = received_by.group_by("send", maintain_order=True).agg("by")
    found = events.select(send="row").join(receivers, on="send", how="left", maintain_order="left")
    return pl.select(pl.when(known).then(events["to"]).otherwise(found["by"])).to_series()


def _unread(
    events: pl.DataFrame, inbox: pl.DataFrame, matches: Matches
) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return the names of the matched messages in each inbox at the end."""
    unread: dict[str, tuple[tuple[str, int], ...]] = {}
    for row, send, _ in matches.table.filter(pl.col("row") < 0).iter_rows():
        machine, name = inbox["machine"][-1 - row], (events["machine"][send], events["index"][send])
        unread[machine] = (*unread.get(machine, ()), name)
    return unread
