"""The replay of each machine of a run, which must repeat the machine's log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.checks.evidence import Evidence
from analysis.checks.violation import Coverage, Violation
from analysis.history.derived import derived
from analysis.history.replay import Difference, replay_alone
from analysis.history.run import timestamp
from vm.clocks import clock_of
from vm.clocks.states import stamped
from vm.records import UNKNOWN, Event, Record

#: Longer runs are not replayed: a replay takes one event at a time.
MAX_EVENTS = 200_000


@dataclass(frozen=True)
class Repetition:
    """The number of events of a log that were replayed, and the first difference."""

    events: int
    difference: Difference | None


def replay(seen: Evidence) -> Iterator[Violation]:
    """Does each machine repeat its log if it is replayed with the logged arrivals?"""
    for machine, done in repetitions(seen).items():
        if found := done.difference:
            m = seen.run.machines.index(machine)
            because = f"not equal to its replay: {found.because}"
            if isinstance(found.logged, Event):
                row = seen.rows_of(m).start + found.logged.index
                line = seen.line(row, f"{found.logged.kind}, tick {found.logged.tick}")
                yield seen.violation("replay", row, because, line)
            else:
                yield seen.violation_at_end("replay", m, because)


def repeated_events(seen: Evidence) -> Coverage:
    """Count the events that were replayed."""
    events = len(seen.causality)
    if not seen.run.starts:
        return Coverage(0, events, "events", "only machines of vklocks can be replayed")
    unit = "events" if events <= MAX_EVENTS else f"events: more than {MAX_EVENTS:,}"
    return Coverage(sum(done.events for done in repetitions(seen).values()), events, unit)


@derived
def repetitions(seen: Evidence) -> Mapping[str, Repetition]:
    """Replay every machine with a start record, up to the first gap or damage in its log."""
    if len(seen.causality) > MAX_EVENTS:
        return {}
    return {machine: _repeat(seen, machine) for machine in seen.run.starts}


def _repeat(seen: Evidence, machine: str) -> Repetition:
    run, rows = seen.run, seen.rows_of(seen.run.machines.index(machine))
    index, lines = seen.causality.row_index.index[rows], seen.lines[rows]
    gaps = np.flatnonzero(index != np.arange(len(index)))
    known = int(gaps[0]) if len(gaps) else len(index)
    if damaged := seen.damaged_lines(machine):
        known = min(known, int(np.searchsorted(lines, damaged[0])))
    is_whole = known == len(index) and not damaged
    records: list[tuple[int, Record]] = [(0, run.starts[machine])]
    records += zip(lines[:known].tolist(), _events(seen, rows.start, known), strict=True)
    end = int(lines[known]) if known < len(index) else damaged[0] if damaged else np.inf
    recovered = zip(
        run.recovery_lines.get(machine, ()), run.recoveries.get(machine, ()), strict=True
    )
    records += ((line, recovery) for line, recovery in recovered if line < end)
    in_order = [record for _, record in sorted(records, key=lambda one: one[0])]
    stop = run.stops.get(machine)
    return Repetition(known, replay_alone([*in_order, *([stop] if stop and is_whole else [])]))


def _events(seen: Evidence, first: int, count: int) -> Iterator[Event]:
    """Yield records of successive rows of the events table."""
    unknown: dict[str, Any] = dict.fromkeys(("index", "tick", "due_ns", "at_ns", "queue"), UNKNOWN)
    unknown |= {"kind": "", "sender": "", "cause": UNKNOWN, "arrived_ns": UNKNOWN}
    columns = [pl.col(name).fill_null(value) for name, value in unknown.items()]
    run, lists = seen.run, ["to", "lost", "duplicated"]
    clocks = [f"clock_{clock}" for clock in run.clocks]
    logged = stamped(run.clocks)
    if any(clock_of(clock).reads_physical for clock in run.clocks):
        columns.append(pl.col("physical_ns"))
    stamps = [f"stamp_{clock}" for clock in logged]
    table = run.scan.slice(first, count).select(*columns, *lists, *clocks, *stamps).collect()
    for row in table.iter_rows(named=True):
        received = bool(logged) and row["kind"] == "receive"
        yield Event(
            **{name: row[name] for name in unknown},
            to=tuple(row["to"] or ()),
            lost=tuple(row["lost"] or ()),
            duplicated=tuple(row["duplicated"] or ()),
            clock={clock: timestamp(row[f"clock_{clock}"]) for clock in run.clocks},
            physical_ns=row.get("physical_ns", UNKNOWN),
            stamps={n: bytes.fromhex(row[f"stamp_{n}"]) for n in logged} if received else None,
        )
