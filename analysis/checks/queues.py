"""Queue lengths against arrivals."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.checks.evidence import Evidence, Numbers
from analysis.checks.violation import ANY, Line, Violation
from analysis.history.arrays import UNKNOWN, column
from analysis.history.kernels import Rows
from vm.quoting import counted


def queue(seen: Evidence) -> Iterator[Violation]:
    """Does each queue length follow from arrivals and receives, oldest arrival first?"""
    run = seen.run
    if not run.starts:
        return
    length = column(run, "queue")
    receives = np.zeros(len(length), bool)
    receives[seen.receives] = True
    for row in np.flatnonzero(~receives & (length != 0)):
        because = f"it received nothing, with {counted(int(length[row]), 'message')} in its inbox"
        yield seen.violation("queue", int(row), because, _says(seen, int(row), length))
    for machine in run.logged:
        if not seen.holes.get(machine):
            yield from _inbox(seen, machine, length)


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
            because = (
                f"its queue is {length[row]} long, {off[n]:+} against"
                f" {high[part][n] + received_by_then} arrivals less {received_by_then} receives"
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
