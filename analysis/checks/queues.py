"""Queue lengths against arrivals."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.checks.evidence import FEW, Evidence, Numbers
from analysis.checks.violation import ANY, Coverage, Line, Violation
from analysis.history.arrays import UNKNOWN, column
from analysis.history.kernels import Rows
from vm.quoting import counted


def queue(seen: Evidence) -> Iterator[Violation]:
    """Does each queue length follow from arrivals and receives, oldest arrival first?"""
    run = seen.run
    length = column(run, "queue")
    if not run.starts:
        yield from _shrunk(seen, length) if not counted_queues(seen).why else ()
        return
    receives = np.zeros(len(length), bool)
    receives[seen.receives] = True
    for row in np.flatnonzero(~receives & (length != 0)):
        because = f"it received nothing, with {counted(int(length[row]), 'message')} in its inbox"
        yield seen.violation("queue", int(row), because, _says(seen, int(row), length))
    for machine in run.logged:
        if not seen.holes.get(machine):
            yield from _inbox(seen, machine, length)


def counted_queues(seen: Evidence) -> Coverage:
    """Count the events with a queue that others contradict or confirm: in logs of other programs,
    the receives after another one."""
    if seen.run.starts:
        return Coverage(len(seen.causality), len(seen.causality), "events")
    pairs, wrong = _successive(seen), _contradicted(seen, column(seen.run, "queue"))
    why = ""
    if not len(pairs):
        why = "not every arrival and tick is logged"
    elif len(wrong) * FEW > len(pairs):
        why = "the logged lengths are not those of a queue with one message less per receive"
    return Coverage(0 if why else len(pairs), len(seen.receives), "receives", why)


def _successive(seen: Evidence) -> Rows:
    """Return the numbers of receives whose queue and that of the receive before are known."""
    receives, length = seen.receives, column(seen.run, "queue")
    known = length[receives] != UNKNOWN
    machine = seen.causality.machine[receives]
    damaged = [m for m, name in enumerate(seen.run.machines) if seen.is_damaged(name)]
    same = (machine[1:] == machine[:-1]) & known[1:] & known[:-1] & ~np.isin(machine[1:], damaged)
    return np.flatnonzero(same).astype(np.int32) + 1


def _contradicted(seen: Evidence, length: Numbers) -> Rows:
    """Return the successive receives with a queue that more than one message has left."""
    pairs = _successive(seen)
    after, before = seen.receives[pairs], seen.receives[pairs - 1]
    return pairs[length[after] < length[before] - 1]


def _shrunk(seen: Evidence, length: Numbers) -> Iterator[Violation]:
    """Yield the receives after which the queue is shorter by more than the received message."""
    for n in _contradicted(seen, length).tolist():
        before, row = (int(one) for one in seen.receives[n - 1 : n + 1])
        because = (
            f"{counted(int(length[row]), 'message')} left in its queue, after"
            f" {int(length[before])} at the receive before it: one receive takes one message"
        )
        lines = _says(seen, before, length), _says(seen, row, length)
        yield seen.violation("queue", row, because, *lines)


def _inbox(seen: Evidence, machine: str, length: Numbers) -> Iterator[Violation]:
    """Yield the violations of one machine, incarnation by incarnation.

    No log holds the inbox of a machine at its kill: before it, queues may be longer than the known
    arrivals make them, by a number that only grows until the kill.
    """
    rows = seen.rows_of(seen.run.machines.index(machine))
    stop = seen.run.stops.get(machine)
    arrived_ns = seen.arrived_ns[rows]
    received = arrived_ns != UNKNOWN
    unread = [left.arrived_ns for left in stop.inbox] if stop else []
    arrivals = np.sort(np.concatenate((arrived_ns[received], np.array(unread, np.int64))))
    taken = np.cumsum(received)
    high = np.searchsorted(arrivals, seen.at_ns[rows], side="right") - taken
    incarnations = _incarnations(seen, machine)
    for part in incarnations:
        own = np.arange(rows.start + part.start, rows.start + part.stop, dtype=np.int32)
        yield from _disordered(seen, own[received[part]])
        unknown = np.maximum.accumulate(np.maximum(length[own] - high[part], 0))
        if stop and part is incarnations[-1]:
            unknown[:] = 0
        if unknown.any():
            yield from _beyond_all_sent(seen, machine, own, length, taken[part])
        # Only where an arrival has the time of the event do the two bounds differ.
        low, inexact = (
            high[part].copy(),
            np.flatnonzero((length[own] != high[part]) | (unknown > 0)),
        )
        early = np.searchsorted(arrivals, seen.at_ns[own[inexact]], side="left")
        low[inexact] = early - taken[part][inexact]
        off = _off(length[own], low + unknown, high[part] + unknown)
        # A wrong length stays wrong by as much: the first of these rows is enough.
        for n in np.flatnonzero((off != 0) & (off != np.append(0, off[:-1]))):
            row, received_by_then = int(own[n]), int(taken[part][n])
            arrived = counted(int(high[part][n]) + received_by_then, "arrival")
            because = (
                f"its queue is {length[row]} long, {off[n]:+} against {arrived} less"
                f" {counted(received_by_then, 'receive')}"
            )
            yield seen.violation("queue", row, because, _says(seen, row, length))


def _beyond_all_sent(
    seen: Evidence, machine: str, rows: Rows, length: Numbers, taken: Numbers
) -> Iterator[Violation]:
    """Yield a violation for the first queue that is longer than all messages sent by then allow."""
    most = _sent_by_then(seen, machine, rows) - taken
    for n in np.flatnonzero(length[rows] > most)[:1]:
        row = int(rows[n])
        because = (
            f"its queue is {length[row]} long, but it can hold at most"
            f" {counted(int(most[n]), 'message')}: sent to it and not received"
        )
        yield replace(seen.violation("queue", row, because, _says(seen, row, length)), peer=ANY)


def _sent_by_then(seen: Evidence, machine: str, events: Rows) -> Numbers:
    """Return how many messages can have been sent to a machine by the time of each of its events.

    The clocks of real machines may differ: there all messages of the run count, and without the
    log of every sender any number.
    """
    if not seen.is_whole or seen.cut:
        return np.full(len(events), np.iinfo(np.int64).max // 2)
    all_ = seen.messages
    to_it = all_.receiver == seen.run.machines.index(machine)
    sent_ns = np.sort(np.repeat(seen.at_ns[all_.send[to_it]], all_.copies[to_it]))
    if not seen.is_virtual:
        return np.full(len(events), len(sent_ns), np.int64)
    return np.searchsorted(sent_ns, seen.at_ns[events], side="right").astype(np.int64)


def _incarnations(seen: Evidence, machine: str) -> list[slice]:
    """Return the events of each incarnation, from a start or recovery to a kill or the end."""
    rows = seen.rows_of(seen.run.machines.index(machine))
    events = rows.stop - rows.start
    kills = sorted(restart.events for restart in seen.run.recoveries.get(machine, ()))
    ends = np.clip([0, *kills, events], 0, events).tolist()
    return [slice(begin, end) for begin, end in pairwise(ends)]


def _off(length: Numbers, low: Numbers, high: Numbers) -> Numbers:
    """Return how far each length is outside of its bounds, which differ where times are equal."""
    return np.where(length < low, length - low, np.maximum(length - high, 0))


def _says(seen: Evidence, row: int, length: Numbers) -> Line:
    return seen.line(row, f"queue {length[row]} at {seen.at_ns[row]} ns")


def _disordered(seen: Evidence, receives: Rows) -> Iterator[Violation]:
    arrived_ns = seen.arrived_ns[receives]
    for n in np.flatnonzero(np.diff(arrived_ns) < 0) + 1:
        row, before = int(receives[n]), int(receives[n - 1])
        earlier, later = (f"arrived at {at_ns} ns" for at_ns in arrived_ns[[n - 1, n]])
        because = f"received a message that {later} after one that {earlier}"
        lines = seen.line(before, earlier), seen.line(row, later)
        yield seen.violation("queue", row, because, *lines)
