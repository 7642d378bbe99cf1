"""A history: the events of a run as one table, whatever logs they were read from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from vm.clocks import CLOCKS
from vm.records import Event, Recovery, Start, Stop, Timestamp

HEAD_BYTES = 64 * 1024
MAX_INT64 = 2**63 - 1
#: In the column `inferred`: nothing, or too much, was found to be the cause of a receive.
NO_SEND_FITS = "no send fits"
SEVERAL_FIT = "several sends fit"
#: In the same column: no log names the receivers of a send; `to` holds those that were found.
NO_RECEIVER = "no receiver named"
#: Begins the reason of a last line that has no end.
TORN = "torn last line"


def _column_type(clock: str) -> Any:
    scalar = isinstance(CLOCKS[clock].initial(1), int)
    return pl.Int64 if scalar else pl.List(pl.Int64)


#: The events table: one row an event, in the order of the machines and then of their logs.
#: Null is what the log does not say: `to`, `lost`, `duplicated` of all but sends; `sender`,
#: `cause`, `arrived_ns` of all but receives; the clocks that the run did not carry. `main` is
#: the main clock as one number; for a vector the sum of its components, so every event of the
#: past counts one. `inferred` says from what the cause of a receive was concluded where no log
#: tells it. `file` and `line` (from 1) are where the event was read.
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
    **{f"clock_{clock}": _column_type(clock) for clock in CLOCKS},
}


class InputError(ValueError):
    """Something given to the analysis that it cannot use; says what, where, and what would do."""


class Damage(NamedTuple):
    """A line that could not be used; lines count from 1."""

    file: str
    line: int
    reason: str

    @property
    def is_torn(self) -> bool:
        """Whether it is the last line of a machine that was killed while it wrote."""
        return self.reason.startswith(TORN)


@dataclass(frozen=True, eq=False)
class Run:
    """What the directory or file `path` holds. A run is equal to itself alone.

    `clocks` are those that every event has a timestamp of, the main one first.
    `format` is the key of `analysis.logs.finding.FORMATS`. A machine that was killed has no stop;
    `missing` are the machines of which there is no log at all. `tick_rates_hz` and
    `queue_left` (messages in the inbox at the end) hold the machines for which they are known.
    `files` are the names of the machines' logs. `restarts` are the returns of machines that
    were killed, `recovery_lines` where their logs say so. Times are known to `resolution_ns`.
    `scan` is the events table, not yet read if the run is big; `events` is all of it in memory.
    `unread` are the messages in inboxes at the end (sender, cause) where no stop record has them.
    A message carries the clock of its send less `stamp_lag`. `conventions` say what else was
    found out about logs that other programs wrote, `unknown` which checks they do not allow, and
    why; `unknown_files` are files beside the logs that seem to be logs of another format.
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
    stamp_lag: int = 0
    conventions: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    unknown_files: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The main clock."""
        return self.clocks[0]

    @cached_property
    def events(self) -> pl.DataFrame:
        """The events table."""
        return self.scan.collect()

    @property
    def logged(self) -> tuple[str, ...]:
        """The machines of which there is a log."""
        return tuple(machine for machine in self.machines if machine not in self.missing)


class Format(Protocol):
    """A module that reads one kind of log."""

    def knows(self, head: str) -> bool:
        """Whether a file that begins so is such a log."""

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the runs of the files that are such logs, in a directory; or of the one file.

        InputError if they are not whole runs.
        """


def table(
    machine: str, file: str, main: str, lines: Sequence[int], events: Sequence[Event]
) -> pl.DataFrame:
    """Events of one machine whose main clock is `main` as a table, in all columns but the run.

    -1 and "" stand in them for what is not known.
    """
    columns = {
        "machine": [machine] * len(events),
        "index": [e.index for e in events],
        "kind": [e.kind for e in events],
        "tick": [_known(e.tick) for e in events],
        "due_ns": [_known(e.due_ns) for e in events],
        "at_ns": [e.at_ns for e in events],
        "arrived_ns": [_known(e.arrived_ns) for e in events],
        "queue": [_known(e.queue) for e in events],
        "main": [scalar(e.clock[main]) for e in events],
        "to": _names([e.to if e.kind == "send" else None for e in events]),
        "lost": _names([e.lost if e.kind == "send" else None for e in events]),
        "duplicated": _names([e.duplicated if e.kind == "send" else None for e in events]),
        "sender": [e.sender or None for e in events],
        "cause": [_known(e.cause) for e in events],
        "inferred": [None] * len(events),
        "file": [file] * len(events),
        "line": lines,
        **{f"clock_{clock}": [e.clock.get(clock) for e in events] for clock in CLOCKS},
    }
    return pl.DataFrame(columns, {name: SCHEMA[name] for name in columns})


def _names(values: Sequence[tuple[str, ...] | None]) -> pl.Series:
    """A column of lists, few of which differ: it takes long to make one."""
    there = dict.fromkeys(value for value in values if value is not None)
    positions = {value: n for n, value in enumerate(there)}
    different = pl.Series([list(value) for value in there], dtype=pl.List(pl.String))
    rows = [None if value is None else positions[value] for value in values]
    return different.gather(pl.Series(rows, dtype=pl.UInt32))


def scalar(timestamp: Timestamp) -> int:
    return timestamp if isinstance(timestamp, int) else sum(timestamp)


def _known(number: int) -> int | None:
    return None if number == -1 else number


def unusable(event: Event, clocks: Sequence[str], machines: int) -> str:
    """Why an event has no place in the table, or "" if it has one."""
    for clock in clocks:
        shape = CLOCKS[clock].initial(machines)
        reading = event.clock.get(clock)
        if reading is None:
            return f"clock '{clock}' is missing"
        if isinstance(shape, int) != isinstance(reading, int) or (
            isinstance(reading, tuple) and len(reading) != len(shape)
        ):
            return f"clock '{clock}' reads {reading}, which is not like {shape}"
    for clock in event.clock:
        if clock not in clocks:
            return f"clock {clock!r} is none of the run's"
    numbers = [event.index, event.tick, event.due_ns, event.at_ns, event.queue]
    numbers += [event.cause, event.arrived_ns]
    for reading in event.clock.values():
        numbers += [reading] if isinstance(reading, int) else [*reading, sum(reading)]
    return beyond_64_bits(numbers)


def beyond_64_bits(numbers: Iterable[int]) -> str:
    """Why numbers have no place in a table, or "" if they have one."""
    return "a number is beyond 64 bits" if max(map(abs, numbers)) > MAX_INT64 else ""
