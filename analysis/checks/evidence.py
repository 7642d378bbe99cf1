"""The input of the checks: the columns of a run as arrays, and the gaps in its logs."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.checks.violation import Line, Name, Violation
from analysis.history.arrays import column, series
from analysis.history.causality import Causality, causality
from analysis.history.kernels import Rows, fast, overtaken
from analysis.history.messages import Messages, messages
from analysis.history.run import Run
from analysis.logs.matching import BY_CLOCK, BY_STAMP
from vm.faults import Crash
from vm.spec import Spec

Numbers = NDArray[np.int64]
#: In logs of other programs, a rule that more than one in so many events breaks is none of theirs.
FEW = 20


class Evidence:
    """A run as the checks see it; each column is read at its first use."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def causality(self) -> Causality:
        return causality(self.run)

    @cached_property
    def messages(self) -> Messages:
        return messages(self.run)

    @cached_property
    def at_ns(self) -> Numbers:
        return column(self.run, "at_ns")

    @cached_property
    def arrived_ns(self) -> Numbers:
        return column(self.run, "arrived_ns")

    @cached_property
    def receives(self) -> Rows:
        """The rows of all receives, with or without a known send."""
        return np.flatnonzero(column(self.run, "receives")).astype(np.int32)

    @cached_property
    def follows(self) -> NDArray[np.bool_]:
        """By row, whether the row before it is of the same machine."""
        follows: NDArray[np.bool_] = np.ones(len(self.causality), bool)
        firsts = self.causality.first[:-1]
        follows[firsts[firsts < len(follows)]] = False
        return follows

    @cached_property
    def is_ruled(self) -> NDArray[np.bool_]:
        """By row, whether the logs hold the events from which the event's timestamps follow."""
        index = self.causality.row_index.index
        ruled: NDArray[np.bool_] = np.where(
            self.follows, index == np.roll(index, 1) + 1, index == 0
        )
        ruled[self.receives] &= self.causality.send[self.receives] >= 0
        starts = [m for m, name in enumerate(self.run.machines) if name in self.run.begun]
        ruled[self.causality.first[starts]] = False
        return ruled

    @cached_property
    def is_whole(self) -> bool:
        """Whether no event is missing that another event refers to."""
        whole = self.causality.row_index.whole and not self.run.missing and not self.run.clashes
        whole = whole and not any(self.holes.values()) and not self.run.absent
        return whole and bool(self.is_ruled.all())

    @cached_property
    def spec(self) -> Spec:
        """The spec of all start records; only logs of ours have one."""
        return next(iter(self.run.starts.values())).spec

    @cached_property
    def is_virtual(self) -> bool:
        """Whether it is a run in virtual time, which begins at 0 and has no delay of its own."""
        return any(start.epoch_unix_ns == 0 for start in self.run.starts.values())

    @cached_property
    def fifo(self) -> bool:
        """Whether the channels were declared to keep order; in logs of other programs, whether
        all but a few of the messages show it."""
        if self.run.starts:
            return self.spec.fifo
        if self.run.keeps_order is not None:
            return self.run.keeps_order
        overtaker, _ = self.overtaking
        proven = int(np.count_nonzero(self.is_proven))
        return proven >= FEW and int(np.count_nonzero(overtaker >= 0)) * FEW <= proven

    @cached_property
    def overtaking(self) -> tuple[Rows, Rows]:
        """By row of a receive the one that overtook it, and by sender and receiver the receive of
        the latest message; -1 where there is none."""
        known, machines = self.causality, len(self.run.machines)
        overtaker = np.full(len(known), -1, np.int32)
        last = np.full((machines, machines), -1, np.int32)
        send = np.where(self.is_proven, known.send, -1).astype(np.int32)
        fast(overtaken, len(known))(known.first, send, known.machine, overtaker, last)
        return overtaker, last

    @cached_property
    def is_proven(self) -> NDArray[np.bool_]:
        """By row of a receive, whether clocks or the log itself show its send, not the order."""
        proven = self.causality.send >= 0
        if not self.run.starts:
            by_clocks = series(self.run, "inferred").is_in([BY_STAMP, BY_CLOCK])
            proven &= by_clocks.fill_null(False).to_numpy()
        return proven

    @cached_property
    def killed(self) -> tuple[str, ...]:
        """The machines with a log of ours that has no stop record."""
        logged = self.run.logged if self.run.starts else ()
        return tuple(machine for machine in logged if machine not in self.run.stops)

    @cached_property
    def open_ends(self) -> dict[str, int]:
        """By machine whose log may have been cut off, the index of the first event that may be
        missing. In virtual time the last event before a planned crash is known."""
        index = self.causality.row_index.index
        ends = {machine: self.rows_of(self.run.machines.index(machine)) for machine in self.killed}
        return {
            machine: int(index[rows].max(initial=-1)) + 1
            for machine, rows in ends.items()
            if not (self.is_virtual and machine in self._planned_crashes)
        }

    @cached_property
    def cut(self) -> frozenset[str]:
        """The machines without a stop record or a planned crash."""
        return frozenset(self.killed) - self._planned_crashes

    @cached_property
    def _planned_crashes(self) -> frozenset[str]:
        faults = self.spec.faults if self.run.starts else ()
        return frozenset(fault.machine for fault in faults if isinstance(fault, Crash))

    def rows_of(self, machine: int) -> slice:
        return slice(int(self.causality.first[machine]), int(self.causality.first[machine + 1]))

    # --- missing events that are no violation ---

    @cached_property
    def holes(self) -> dict[str, list[tuple[int, int]]]:
        """By machine, the ranges of missing event indexes that unusable lines explain."""
        found: dict[str, list[tuple[int, int]]] = {}
        for machine in self.run.files:
            if lines := self.damaged_lines(machine):
                found[machine] = list(self._explained(machine, np.array(lines)))
        return found

    def _explained(self, machine: str, damaged: Numbers) -> Iterator[tuple[int, int]]:
        rows = self.rows_of(self.run.machines.index(machine))
        stop = self.run.stops.get(machine)
        # Less than the maximum, as its distance to -1 must fit into 64 bits.
        end = stop.events if stop else np.iinfo(np.int64).max - 1
        index = np.concatenate(([-1], self.causality.row_index.index[rows], [end]))
        line = np.concatenate(([0], self.lines[rows], [np.iinfo(np.int64).max]))
        for n in np.flatnonzero(np.diff(index) > 1):
            between = int(((damaged > line[n]) & (damaged < line[n + 1])).sum())
            missing = int(index[n + 1] - index[n]) - 1
            # Behind the last event of a log without an end, any number may be missing.
            if between >= (missing if stop or n < len(index) - 2 else 1):
                yield int(index[n]) + 1, int(index[n]) + missing

    def is_in_hole(self, machine: str, index: int) -> bool:
        """Return whether an event may have been on a line that was cut off or is unusable."""
        if machine in self.open_ends and index >= self.open_ends[machine]:
            return True
        ranges = (*self.holes.get(machine, ()), *self.run.absent.get(machine, ()))
        return any(low <= index <= high for low, high in ranges)

    def damaged_lines(self, machine: str) -> list[int]:
        """Return the unusable lines of a machine's log, except for a torn last one."""
        file = self.run.files.get(machine)
        return sorted(d.line for d in self.run.damage if d.file == file and not d.is_torn)

    def is_damaged(self, machine: str) -> bool:
        return bool(self.damaged_lines(machine))

    # --- the lines of witnesses ---

    @cached_property
    def lines(self) -> Numbers:
        return column(self.run, "line")

    def line(self, row: int, says: str) -> Line:
        """Return an event as part of a witness."""
        machine, index = self.causality.name(row)
        return Line(machine, index, self.run.files[machine], int(self.lines[row]), says)

    def violation(
        self, check: str, row: int, because: str, *witness: Line, events: tuple[Name, ...] = ()
    ) -> Violation:
        """Return a violation named by the event at `row`; `events` are others, without a line."""
        machine, index = self.causality.name(row)
        involved = dict.fromkeys([(machine, index), *((w.machine, w.index) for w in witness)])
        involved |= dict.fromkeys(events)
        return Violation(check, self.run.name, machine, index, because, tuple(involved), witness)

    def violation_at_end(self, check: str, m: int, because: str) -> Violation:
        """Return a violation named by the last event in the log of machine number `m`."""
        rows = self.rows_of(m)
        if rows.start == rows.stop:
            return Violation(check, self.run.name, self.run.machines[m], -1, because)
        line = self.line(rows.stop - 1, "the last event")
        return self.violation(check, rows.stop - 1, because, line)
