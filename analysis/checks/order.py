"""Checks of one machine at a time: its events are numbered, dated and ticked in order."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from analysis.checks.evidence import Evidence, Numbers
from analysis.checks.violation import Coverage, Line, Violation
from analysis.history.arrays import UNKNOWN, column
from analysis.history.run import Clash
from vm.quoting import counted
from vm.schedule import SECOND_NS


def own_events(seen: Evidence, *, why: str) -> Coverage:
    """Count all events in logs of ours; `why` is the reason why there are none in other logs."""
    events = len(seen.causality)
    own = bool(seen.run.starts)
    return Coverage(events if own else 0, events, "events", "" if own else why)


def numbered_events(seen: Evidence) -> Coverage:
    """Count the events with a number and an event before them; vector clocks number events, too."""
    if not seen.run.by_vectors:
        return own_events(seen, why="events are not numbered")
    index = seen.causality.row_index.index
    adjacent = np.where(seen.follows, np.roll(index, 1) + 1, 0) == index
    return Coverage(int(np.count_nonzero(adjacent)), len(index), "events")


def dated_events(seen: Evidence) -> Coverage:
    """Count the events with a known time."""
    return Coverage(int(np.count_nonzero(seen.at_ns != UNKNOWN)), len(seen.at_ns), "events")


def index_gap(seen: Evidence) -> Iterator[Violation]:
    """Does each log number its events 0, 1, 2, ..., and do its other records count as many?"""
    index = seen.causality.row_index.index
    expected = np.where(seen.follows, np.roll(index, 1) + 1, 0)
    for row in np.flatnonzero(index != expected):
        machine, due = seen.run.machines[seen.causality.machine[row]], int(expected[row])
        if not seen.is_in_hole(machine, due):
            lines = [seen.line(int(row) - 1, "the event before it")] if seen.follows[row] else []
            because = f"expected event {due}"
            says = f"event {index[row]}"
            yield seen.violation("index_gap", int(row), because, *lines, seen.line(int(row), says))
    yield from _counted(seen)
    yield from map(partial(_clashing, seen), seen.run.clashes)


def _clashing(seen: Evidence, clash: Clash) -> Violation:
    """Return the violation for two events of one machine that cannot be events of one process."""
    machine, counts, index = clash.machine, clash.counts, clash.index
    because = (
        f"two events of {machine} have the same count {counts}: two processes write under one name,"
        " or a log is in twice"
    )
    lines = (Line(machine, index, file, line, f"count {counts}") for file, line in clash.places)
    return Violation(
        "index_gap", seen.run.name, machine, index, because, ((machine, index),), tuple(lines)
    )


def _counted(seen: Evidence) -> Iterator[Violation]:
    """Yield a violation for each recovery or stop record with another count of events."""
    for m, machine in enumerate(seen.run.machines):
        indexes = seen.causality.row_index.index[seen.rows_of(m)]
        last = int(indexes[-1]) if len(indexes) else -1
        stop = seen.run.stops.get(machine)
        if stop and last != stop.events - 1 and not seen.is_in_hole(machine, last + 1):
            end = f"ends with event {last}" if last >= 0 else "holds no event"
            because = f"its log {end}, its stop record counts {stop.events}"
            yield seen.violation_at_end("index_gap", m, because)
        yield from _counted_by_returns(seen, m, machine)


def _counted_by_returns(seen: Evidence, m: int, machine: str) -> Iterator[Violation]:
    recoveries = seen.run.recoveries.get(machine, ())
    if not recoveries or seen.holes.get(machine):
        return
    lines, recovered = seen.lines[seen.rows_of(m)], seen.run.recovery_lines[machine]
    for recovery, line in zip(recoveries, recovered, strict=True):
        if recovery.events != (before := np.count_nonzero(lines < line)):
            said = f"the recovery record on line {line} counts {recovery.events}"
            yield seen.violation_at_end(
                "index_gap", m, f"after {counted(int(before), 'event')} {said}"
            )


def time_runs_back(seen: Evidence) -> Iterator[Violation]:
    """Does time never run back on a machine, and is no message received before it arrived?"""
    at_ns, arrived_ns = seen.at_ns, seen.arrived_ns
    before_ns = np.roll(at_ns, 1)
    back = seen.follows & (at_ns < before_ns) & (at_ns != UNKNOWN)
    for row in np.flatnonzero(back):
        now, before = (in_seconds(int(ns[row])) for ns in (at_ns, before_ns))
        because = f"it was at {now}, the event before it at {before}"
        lines = seen.line(int(row) - 1, f"at {before}"), _at(seen, int(row))
        yield seen.violation("time_runs_back", int(row), because, *lines)
    for m, machine in enumerate(seen.run.machines):
        yield from _recovered_in_order(seen, m, machine)
    for row in np.flatnonzero((arrived_ns > at_ns) & (at_ns != UNKNOWN)):
        now, arrived = (in_seconds(int(ns[row])) for ns in (at_ns, arrived_ns))
        because = f"received at {now} a message that arrived at {arrived}"
        yield seen.violation("time_runs_back", int(row), because, _at(seen, int(row)))


def in_seconds(at_ns: int) -> str:
    """Return a time as exact decimal seconds.

    >>> in_seconds(1_250_000_000)
    '1.25 s'
    """
    sign, (whole, part) = "-" * (at_ns < 0), divmod(abs(at_ns), SECOND_NS)
    return f"{sign}{whole}.{part:09}".rstrip("0").rstrip(".") + " s"


def _recovered_in_order(seen: Evidence, m: int, machine: str) -> Iterator[Violation]:
    """Yield a violation for each recovery record that is not dated between its neighbours."""
    rows = seen.rows_of(m)
    for n, recovery in enumerate(seen.run.recoveries.get(machine, ())):
        line = seen.run.recovery_lines[machine][n]
        after = rows.start + int(np.searchsorted(seen.lines[rows], line))
        around = [row for row in (after - 1, after) if rows.start <= row < rows.stop]
        for row in around:
            if (seen.at_ns[row] <= recovery.at_ns) != (row < after):
                because = f"the recovery record on line {line} is dated {recovery.at_ns} ns"
                says = f"at {seen.at_ns[row]} ns"
                yield seen.violation("time_runs_back", row, because, seen.line(row, says))


def _at(seen: Evidence, row: int) -> Line:
    return seen.line(row, f"at {in_seconds(int(seen.at_ns[row]))}")


def causal_cycle(seen: Evidence) -> Iterator[Violation]:
    """Do messages form a causal cycle, so that no order of the events is possible?"""
    known = seen.causality
    if known.cycle:
        rows = [known.row(*name) for name in known.cycle]
        because = "the messages form a causal cycle: each of these receives is before the next"
        lines = [
            seen.line(row, "received event {1} of {0}".format(*known.name(int(known.send[row]))))
            for row in rows
        ]
        yield seen.violation("causal_cycle", rows[0], because, *lines)


def ticks_missed(seen: Evidence) -> Iterator[Violation]:
    """Was each tick either taken once and in time, or counted as missed?"""
    run = seen.run
    if not run.starts:
        return
    tick, due_ns = column(run, "tick"), column(run, "due_ns")
    rates = np.array([run.tick_rates_hz.get(machine, 1) for machine in run.machines])
    period_ns = (SECOND_NS // rates)[seen.causality.machine]
    late_ns = seen.at_ns - due_ns
    for row in np.flatnonzero(seen.follows & (tick <= np.roll(tick, 1))):
        because = f"tick {tick[row]} came after tick {tick[row - 1]}"
        lines = (seen.line(int(r), f"tick {tick[r]}") for r in (row - 1, row))
        yield seen.violation("ticks_missed", int(row), because, *lines)
    for row in np.flatnonzero((late_ns < 0) | (late_ns > period_ns)):
        because = f"tick {tick[row]} was due at {due_ns[row]} ns and taken at {seen.at_ns[row]} ns"
        yield seen.violation("ticks_missed", int(row), because, _at(seen, int(row)))
    for machine in run.stops:
        yield from _missed(seen, machine, tick)


def _missed(seen: Evidence, machine: str, tick: Numbers) -> Iterator[Violation]:
    """Yield a violation if the stop record has another count of missed ticks."""
    run, stop = seen.run, seen.run.stops[machine]
    start = run.starts.get(machine)
    m = run.machines.index(machine)
    rows = seen.rows_of(m)
    if not start or seen.holes.get(machine):
        return
    due = start.spec.schedule(machine).ticks_before(start.spec.duration_ns)
    events = rows.stop - rows.start
    gaps = int(tick[rows][-1]) + 1 - events if events else 0
    low, high = (gaps if stop.reason == "terminated" else due - events), due - events
    if not low <= stop.ticks_missed <= high:
        because = (
            f"its stop record counts {counted(stop.ticks_missed, 'missed tick')}:"
            f" {due} were due and {events} taken"
        )
        yield seen.violation_at_end("ticks_missed", m, because)
