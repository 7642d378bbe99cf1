"""A history: the events of a run as one table, the same for logs of all formats."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from vm.clocks import clock_of
from vm.clocks.clock import Column
from vm.clocks.states import stamped
from vm.quoting import quoted
from vm.records import UNKNOWN, Event, Recovery, Start, Stop, Timestamp
from vm.spec import Spec

HEAD_BYTES = 64 * 1024
MAX_INT64 = 2**63 - 1
#: In the column `inferred`: no send, or more than one, can be the cause of a receive.
NO_SEND_FITS = "no send fits"
SEVERAL_FIT = "several sends fit"
#: The same, but the clocks are right whichever of the sends it is.
ANY_FITS = "any of several sends fits"
#: In the same column: no log names the receivers of a send; `to` holds those that were found.
NO_RECEIVER = "no receiver named"
#: The beginning of the reason for a last line without a line end.
TORN = "torn last line"


COLUMN_TYPES: Mapping[Column, Any] = {
    "number": pl.Int64,
    "list": pl.List(pl.Int64),
    "lists": pl.List(pl.List(pl.Int64)),
    "text": pl.String,
}

#: The events table: one row per event, in the order of the machines and then of their logs.
#: Values that the log lacks are null: `to`, `lost`, `duplicated` of all but sends; `sender`,
#: `cause`, `arrived_ns` of all but receives. `main` is the main clock as one number: of lists the
#: sum of all numbers, so for a vector every event of the past counts one; null for a clock whose
#: timestamps are texts. `inferred` names the method by which the cause of a receive was found if
#: the log lacks it. `file` and `line` (from 1) are the place of the event in the logs. The columns
#: of the run's clocks follow (`schema_of`).
SCHEMA: dict[str, Any] = {
    "run": pl.String,
    "machine": pl.String,
    "index": pl.Int64,
    "kind": pl.String,
    "tick": pl.Int64,
    "due_ns": pl.Int64,
    "at_ns": pl.Int64,
    "arrived_ns": pl.Int64,
    "queue": pl.Int64,
    "main": pl.Int64,
    "to": pl.List(pl.String),
    "lost": pl.List(pl.String),
    "duplicated": pl.List(pl.String),
    "sender": pl.String,
    "cause": pl.Int64,
    "inferred": pl.String,
    "file": pl.String,
    "line": pl.Int64,
}


def schema_of(clocks: Iterable[str]) -> dict[str, Any]:
    """Return the columns of the events table of a run with these clocks.

    `clock_<name>` holds timestamps; `physical_ns` the time by the physical clock, if a clock reads
    it; `stamp_<name>` the received stamp, as digits, of a clock whose state no timestamp gives.
    """
    names = tuple(clocks)
    reads_physical = any(clock_of(name).reads_physical for name in names)
    return {
        **SCHEMA,
        **({"physical_ns": pl.Int64} if reads_physical else {}),
        **{f"clock_{name}": COLUMN_TYPES[clock_of(name).column] for name in names},
        **{f"stamp_{name}": pl.String for name in stamped(names)},
    }


class InputError(ValueError):
    """Raised for input that the analysis cannot use, with the problem, its place and a remedy."""


class Damage(NamedTuple):
    """A line that could not be used; lines count from 1."""

    file: str
    line: int
    reason: str

    @property
    def is_torn(self) -> bool:
        """Whether it is the last line of a machine that was killed while it wrote."""
        return self.reason.startswith(TORN)


class Noise(NamedTuple):
    """Lines of one shape that describe no event: their number, their text with `…` where they
    differ ("" for lines of many shapes), and the place of the first; lines count from 1."""

    lines: int
    shape: str
    file: str
    line: int


@dataclass(frozen=True)
class Clash:
    """Two events of one machine with the same count, and so the same index.

    `places` are their files and lines.
    """

    machine: str
    counts: int
    index: int
    places: tuple[tuple[str, int], tuple[str, int]]


@dataclass(frozen=True, eq=False)
class Rival:
    """Another reading of the logs of a run, which explains them as well as the run's own.

    `question` asks which of the two is right. `own` are the settings (FIELD=VALUE) that answer it
    for the run's reading, and `other` those for this one. It `is_whole` if it leaves no step of
    a clock and no message unexplained.
    """

    question: str
    own: tuple[str, ...]
    other: tuple[str, ...]
    is_whole: bool
    run: "Run"


@dataclass(frozen=True, eq=False)
class Run:
    """A run, read from the directory or file `path`. A run is equal only to itself.

    Every event has a timestamp of each of `clocks`, the main one first. `format` is the `NAME` of
    the module that reads the logs. A machine that was killed has no stop; `missing` are the
    machines without a usable log. `tick_rates_hz` and `queue_left` (messages in the inbox at the
    end) hold the machines for which they are known. `files` are the names of the machines' logs.
    `recoveries` are the recovery records of machines that were killed and restarted,
    `recovery_lines` their lines in the logs. Times are known to `resolution_ns`. `scan` is the
    events table, not yet read if the run is big; `events` is the whole table in memory. `unread`
    are the messages in inboxes at the end (sender, cause) that no stop record lists. Scalar clocks
    begin at `initial`; a message carries the clock of its send less `stamp_lag`.

    For logs of other programs, `conventions` lists the inferred conventions, `causes` the mistakes
    that are made throughout, `misfit` the cost of the steps and messages that their reading leaves
    unexplained, and `unknown` the checks that the logs do not allow, with the reason;
    `noise` are the lines that describe no event; `unknown_files` are files beside the logs that
    seem to be logs of another format, each with the reason why it was not read. If a run
    `is_closed`, messages without a named sender are of its machines, too. `keeps_order` is whether
    its channels do; None if only the events can show it. `rivals` are readings that may be right
    instead.

    `by_vectors` means that the logs hold nothing but vector clocks: these number the events, and
    show the messages that brought news. `begun` are the machines whose first event is their start,
    which no rule gives a timestamp; `absent` are the ranges of events that no log holds; `joined`
    are further sends (rows of the receive and the send) of events that received several messages
    at once. Of a machine with a clash, only the events before it are in the table.
    """

    name: str
    path: Path
    format: str
    clocks: tuple[str, ...]
    machines: tuple[str, ...]
    files: dict[str, str]
    scan: pl.LazyFrame
    damage: tuple[Damage, ...]
    missing: tuple[str, ...] = ()
    starts: dict[str, Start] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)
    tick_rates_hz: dict[str, int] = field(default_factory=dict)
    queue_left: dict[str, int] = field(default_factory=dict)
    recoveries: dict[str, tuple[Recovery, ...]] = field(default_factory=dict)
    recovery_lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    resolution_ns: int = 1
    is_big: bool = False
    unread: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    is_closed: bool = False
    keeps_order: bool | None = None
    initial: int = 0
    stamp_lag: int = 0
    causes: tuple[str, ...] = ()
    misfit: float = 0
    rivals: tuple[Rival, ...] = ()
    conventions: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    noise: tuple[Noise, ...] = ()
    unknown_files: tuple[tuple[str, str], ...] = ()
    by_vectors: bool = False
    begun: frozenset[str] = frozenset()
    absent: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    joined: tuple[tuple[int, int], ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def main(self) -> str:
        """The main clock."""
        return self.clocks[0]

    @cached_property
    def events(self) -> pl.DataFrame:
        """The events table."""
        return self.scan.collect()

    @property
    def in_format(self) -> str:
        """The format as a phrase: "in a recognised format", "in the format shiviz"."""
        is_said = self.format in ("delimited", "described", "recognised")
        return f"in a {self.format} format" if is_said else f"in the format {self.format}"

    def absence(self, machine: str) -> str:
        """Return why a machine is one of `missing`."""
        if machine in self.files:
            return f"the log of {machine} has no start record"
        return f"there is no log of {machine}"

    @property
    def logged(self) -> tuple[str, ...]:
        """The machines with a log."""
        return tuple(machine for machine in self.machines if machine not in self.missing)


class Format(Protocol):
    """A module that reads one kind of log."""

    def knows(self, head: str) -> bool:
        """Return whether a file with this beginning is a log of this format."""

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the runs of the `files` of this format in a directory, or of the one file `path`.

        InputError if they are not complete runs.
        """


def table(
    machine: str, file: str, clocks: Sequence[str], lines: Sequence[int], events: Sequence[Event]
) -> pl.DataFrame:
    """Return the events of one machine as a table, with all columns of `schema_of` but `run`.

    In the events, -1 and "" stand for unknown values.
    """
    schema = schema_of(clocks)
    columns = {
        "machine": [machine] * len(events),
        "index": [e.index for e in events],
        "kind": [e.kind for e in events],
        "tick": [_known(e.tick) for e in events],
        "due_ns": [_known(e.due_ns) for e in events],
        "at_ns": [e.at_ns for e in events],
        "arrived_ns": [_known(e.arrived_ns) for e in events],
        "queue": [_known(e.queue) for e in events],
        "main": [scalar(e.clock[clocks[0]]) for e in events],
        "to": _names([e.to if e.kind == "send" else None for e in events]),
        "lost": _names([e.lost if e.kind == "send" else None for e in events]),
        "duplicated": _names([e.duplicated if e.kind == "send" else None for e in events]),
        "sender": [e.sender or None for e in events],
        "cause": [_known(e.cause) for e in events],
        "inferred": [None] * len(events),
        "file": [file] * len(events),
        "line": lines,
        "physical_ns": [_known(e.physical_ns) for e in events],
        **{f"clock_{clock}": [e.clock[clock] for e in events] for clock in clocks},
        **{
            f"stamp_{clock}": [None if e.stamps is None else e.stamps[clock].hex() for e in events]
            for clock in stamped(clocks)
        },
    }
    return pl.DataFrame(
        {name: column for name, column in columns.items() if name in schema},
        {name: type_ for name, type_ in schema.items() if name != "run"},
    )


def _names(values: Sequence[tuple[str, ...] | None]) -> pl.Series:
    """Return a column of lists. Few lists differ, and converting one takes long."""
    there = dict.fromkeys(value for value in values if value is not None)
    positions = {value: n for n, value in enumerate(there)}
    different = pl.Series([list(value) for value in there], dtype=pl.List(pl.String))
    rows = [None if value is None else positions[value] for value in values]
    return different.gather(pl.Series(rows, dtype=pl.UInt32))


def renamed(run: Run, name: str) -> Run:
    """Return the run with another name, also in its events."""
    return replace(run, name=name, scan=run.scan.with_columns(run=pl.lit(name)))


def timestamp(value: Any) -> Timestamp:
    """Return a value of a column as a timestamp: with tuples instead of lists."""
    if isinstance(value, list | tuple):
        parts: Any = map(timestamp, value)
        return tuple(parts)
    read: Timestamp = value
    return read


def scalar(timestamp: Timestamp) -> int | None:
    """Return the timestamp as one number: the sum of a list; None for a text.

    >>> scalar(7), scalar((1, 2)), scalar(((1, 2), (3, 4))), scalar("x")
    (7, 3, 10, None)
    """
    if isinstance(timestamp, tuple):
        return sum(numbers_of(timestamp))
    return timestamp if isinstance(timestamp, int) else None


def numbers_of(timestamp: Timestamp) -> Iterator[int]:
    """Yield all numbers of a timestamp."""
    if isinstance(timestamp, int):
        yield timestamp
    elif isinstance(timestamp, tuple):
        for part in timestamp:
            yield from numbers_of(part)


def _known(number: int) -> int | None:
    return None if number == UNKNOWN else number


def unusable(event: Event, spec: Spec) -> str:
    """Return why an event does not fit into the table of a run, or "" if it does."""
    machines = len(spec.machines)
    for name in spec.clocks:
        reading, clock = event.clock.get(name), clock_of(name)
        if reading is None:
            return f"clock '{name}' is missing"
        if not clock.is_timestamp(reading, machines):
            like = clock.timestamp(clock.initial(0, machines))
            return f"clock '{name}' reads {quoted(reading)}, which is not like {quoted(like)}"
    for name in event.clock:
        if name not in spec.clocks:
            return f"clock {name!r} is none of the run's"
    if (event.physical_ns != UNKNOWN) != spec.reads_physical:
        return (
            "physical_ns is missing"
            if spec.reads_physical
            else "physical_ns is there, though no clock of the run reads it"
        )
    logged = stamped(spec.clocks) if event.kind == "receive" else ()
    if {*(event.stamps or ())} != {*logged}:
        return f"stamps are of {_names_of(event.stamps or ())}, not of {_names_of(logged)}"
    numbers = [event.index, event.tick, event.due_ns, event.at_ns, event.queue]
    numbers += [event.cause, event.arrived_ns, event.physical_ns]
    for reading in event.clock.values():
        numbers += [*numbers_of(reading), scalar(reading) or 0]
    return beyond_64_bits(numbers)


def _names_of(clocks: Iterable[str]) -> str:
    return ", ".join(map(repr, clocks)) or "no clock"


def beyond_64_bits(numbers: Iterable[int]) -> str:
    """Return why numbers do not fit into a table, or "" if they do."""
    return "a number is beyond 64 bits" if max(map(abs, numbers)) > MAX_INT64 else ""
