"""Runs from the logs of other programs: infer their conventions and match their messages.

An importer extracts events line by line. Their meaning is inferred here, from all lines together,
and reported: in `Run.conventions`, and in the column `inferred` for each receive that was matched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.history.run import (
    ANY_FITS,
    NO_RECEIVER,
    NO_SEND_FITS,
    SEVERAL_FIT,
    TORN,
    Damage,
    InputError,
    Noise,
    Rival,
    Run,
    schema_of,
)
from analysis.logs.conventions import Conventions, layout, trials, words
from analysis.logs.conventions.clocks import Numbers, readings
from analysis.logs.conventions.fitting import LAGS, Fitted, Trial, deciding, fit, is_whole
from analysis.logs.limits import MAX_CELLS, MAX_MACHINES
from analysis.logs.matching import BY_CLOCK, BY_ORDER, BY_STAMP, Matches

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
METHODS = (None, BY_STAMP, BY_ORDER, BY_CLOCK, NO_SEND_FITS, SEVERAL_FIT, ANY_FITS, NO_RECEIVER)
#: The columns of messages that arrived and were not received.
INBOX_COLUMNS = {"machine": pl.String, "sender": pl.String, "stamp": pl.Int64}


@dataclass(frozen=True)
class Extract:
    """Everything that an importer read in the logs of one run.

    `events` has EXTRACT_COLUMNS, machine by machine in the order of the logs; `inbox` has
    INBOX_COLUMNS. `conventions` are notes of the importer, and `given` the conventions that are
    not inferred. `torn` are the lines without a line end, by file.
    """

    name: str
    path: Path
    format: str
    machines: tuple[str, ...]
    events: pl.DataFrame
    files: dict[str, str]
    inbox: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INBOX_COLUMNS))
    damage: tuple[Damage, ...] = ()
    noise: tuple[Noise, ...] = ()
    tick_rates_hz: Mapping[str, int] = field(default_factory=dict)
    queue_left: Mapping[str, int] = field(default_factory=dict)
    conventions: tuple[str, ...] = ()
    given: Conventions = field(default_factory=Conventions)
    torn: Mapping[str, int] = field(default_factory=dict)


def check_size(path: Path, events: int, machines: int) -> None:
    """Check that the events of a run are not too many; InputError if they are."""
    if events * machines > MAX_CELLS or machines > MAX_MACHINES:
        raise InputError(
            f"{path}: {events:,} events of {machines} machines: at most {MAX_MACHINES}, and"
            f" {MAX_CELLS:,} events times machines are read"
        )


def runs_of(extract: Extract) -> list[Run]:
    """Turn an extract into runs: one, or several if trials were appended in each log."""
    check_size(extract.path, extract.events.height, len(extract.machines))
    notes = list(extract.conventions)
    events = layout.without_own_receivers(extract.events, extract.machines, notes)
    events = layout.one_row_a_send(events, notes)
    events = layout.one_row_a_receiver(events, extract.machines, notes)
    events = layout.queue_after(events, extract.given.queue or "", notes)
    parts = trials.split(events, notes)
    damage = trials.damage_by_trial(extract.damage, parts)
    inboxes = [extract.inbox.clear() for _ in parts[1:]] + [extract.inbox]
    some = [
        _trial(extract.machines, part, lines, inbox)
        for part, lines, inbox in zip(parts, damage, inboxes, strict=True)
    ]
    found = fit(some, extract.given)
    if torn := [
        line for one, its in zip(some, found.best, strict=True) for line in _torn(extract, one, its)
    ]:
        return runs_of(_without_torn(extract, torn))
    runs = _runs(extract, some, found.best, damage, notes)
    rivals = list[list[Rival]]()
    for other in found.rivals:
        readings_ = found.best[0].conventions, other[0].conventions
        given = deciding(some, extract.given, *readings_)
        asked = words.question(*readings_)
        own, its = (words.settings(reading, given) for reading in readings_)
        others = _runs(extract, some, other, damage, notes)
        rivals.append([Rival(asked, own, its, is_whole(other), run) for run in others])
    return [replace(run, rivals=tuple(one[n] for one in rivals)) for n, run in enumerate(runs)]


def _runs(
    extract: Extract,
    trials_: Sequence[Trial],
    found: Sequence[Fitted],
    damage: Sequence[tuple[Damage, ...]],
    notes: Sequence[str],
) -> list[Run]:
    """Return the runs of the trials under one reading."""
    several = len(trials_) > 1
    return [
        _run(
            replace(extract, noise=extract.noise if n == 1 else ()),
            trial,
            one,
            lines,
            f"{extract.name}#{n}" if several else extract.name,
            (*notes, *words.of_reading(one.conventions)),
        )
        for n, (trial, one, lines) in enumerate(zip(trials_, found, damage, strict=True), 1)
    ]


def _torn(extract: Extract, trial: Trial, found: Fitted) -> list[tuple[str, int]]:
    """Return the lines without a line end that break a rule: a number in them may be cut."""
    wrong = np.flatnonzero(found.clocks.wrong | (found.clocks.post <= found.clocks.pre)).tolist()
    rows = [row for row in (*wrong, *found.matches.orphans, *found.matches.broken) if row >= 0]
    lines = trial.events[rows].select("file", "line").unique().iter_rows()
    torn = [(file, line) for file, line in lines if extract.torn.get(file) == line]
    # A line with many events is an array, and whole.
    return [
        one
        for one in torn
        if trial.events.filter((pl.col("file") == one[0]) & (pl.col("line") == one[1])).height == 1
    ]


def _without_torn(extract: Extract, torn: list[tuple[str, int]]) -> Extract:
    damage = [Damage(file, line, f"{TORN}: as it is, it breaks a rule") for file, line in torn]
    events = extract.events
    for file, line in torn:
        events = events.filter((pl.col("file") != file) | (pl.col("line") != line))
    return replace(extract, events=events, damage=(*extract.damage, *damage), torn={})


def _trial(
    machines: tuple[str, ...],
    events: pl.DataFrame,
    damage: tuple[Damage, ...],
    inbox: pl.DataFrame,
) -> Trial:
    """Number the rows of a trial, and count the damaged lines before each."""
    rows = events.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    rows = rows.with_columns(gap=_damaged_before(rows, damage))
    return Trial(machines, rows, readings(rows), inbox)


def _damaged_before(events: pl.DataFrame, damage: tuple[Damage, ...]) -> pl.Series:
    """Return by row whether damaged lines are between it and the row before it in its log."""
    gap = np.zeros(events.height, bool)
    if damage:
        lines = events["line"].to_numpy()
        for file, rows in events.group_by("file").agg("row").iter_rows():
            at = np.searchsorted(lines[rows], [d.line for d in damage if d.file == file])
            gap[np.array(rows)[at[at < len(rows)]]] = True
    return pl.Series(gap)


def _run(
    extract: Extract,
    trial: Trial,
    found: Fitted,
    damage: tuple[Damage, ...],
    name: str,
    notes: Iterable[str],
) -> Run:
    own = list(notes)
    events, resolution_ns = layout.dated(trial.events, own)
    step = pl.Series(1 + _missing(trial, found))
    events = events.with_columns(step=step, clock=found.clocks.post)
    events = events.with_columns(index=pl.col("step").cum_sum().over("machine") - 1)
    layout.note_matches(events, found.matches, own)
    assert found.conventions.stamp is not None
    return Run(
        name=name,
        path=extract.path,
        format=extract.format,
        clocks=("lamport",),
        machines=extract.machines,
        tick_rates_hz=dict(extract.tick_rates_hz),
        queue_left=dict(extract.queue_left),
        files=extract.files,
        scan=_table(name, events, found.matches).lazy(),
        damage=damage,
        noise=extract.noise,
        unread=_unread(events, trial.inbox, found.matches),
        resolution_ns=resolution_ns,
        keeps_order=None if (way := extract.given.channels) is None else way == "ordered",
        is_closed=found.conventions.machines == "closed",
        initial=found.clocks.initial,
        stamp_lag=LAGS[found.conventions.stamp],
        misfit=found.misfit,
        conventions=tuple(own),
        causes=tuple(words.of_mistakes(trial, found)),
    )


def _missing(trial: Trial, found: Fitted) -> Numbers:
    """Return by row how many events are missing before it: one where a damaged line explains a
    step of the clock."""
    logged = np.roll(found.clocks.post, 1)
    logged[~trial.seen.follows] = found.clocks.initial
    missing: Numbers = (trial.seen.gap & (found.clocks.pre != logged)).astype(np.int64)
    return missing


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
    schema = schema_of(["lamport"])
    absent = [pl.lit(None).alias(name) for name in schema if name not in table.columns]
    return table.with_columns(absent).select(pl.col(n).cast(type_) for n, type_ in schema.items())


def _inferred(events: pl.DataFrame, matched: pl.DataFrame, matches: Matches) -> pl.Series:
    """Return the column `inferred`, of receives and of sends without logged receivers."""
    method = np.zeros(events.height, np.uint32)
    unnamed = (events["kind"] == "send") & (events["to"].list.len().fill_null(0) == 0)
    method[unnamed.to_numpy()] = METHODS.index(NO_RECEIVER)
    for number, name in enumerate(METHODS[1:], 1):
        method[matched.filter(method=name)["row"].to_numpy()] = number
    several = ANY_FITS if matches.is_explained else SEVERAL_FIT
    for rows, name in ((matches.orphans, NO_SEND_FITS), (matches.ambiguous, several)):
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
