"""Ticks against their schedule, which follows from seed, rates and planned faults."""

from collections.abc import Iterator

import numpy as np

from analysis.checks.arrivals import other_arrivals
from analysis.checks.evidence import Evidence, Numbers
from analysis.checks.repetition import MAX_EVENTS
from analysis.checks.violation import Violation
from analysis.history.arrays import column
from vm.schedule import SECOND_NS


def schedule(seen: Evidence) -> Iterator[Violation]:
    """Was each tick due at the time given by seed and rate?

    In virtual time also: was it taken at that instant, and did each message arrive at the time
    given by latency and faults?
    """
    if not seen.run.starts:
        return
    tick, due_ns = column(seen.run, "tick"), column(seen.run, "due_ns")
    for machine in seen.run.logged:
        yield from _off_schedule(seen, machine, tick, due_ns)
        if seen.is_virtual:
            yield from _not_instantly(seen, machine, due_ns)
            yield from _not_planned(seen, machine, tick)
    if seen.is_virtual and len(seen.causality) <= MAX_EVENTS:
        yield from other_arrivals(seen)


def _off_schedule(
    seen: Evidence, machine: str, tick: Numbers, due_ns: Numbers
) -> Iterator[Violation]:
    rows, plan = seen.rows_of(seen.run.machines.index(machine)), seen.spec.schedule(machine)
    within = (tick[rows] >= 0) & (tick[rows] < plan.ticks_before(seen.spec.duration_ns))
    planned_ns = plan.phase_ns + np.where(within, tick[rows], 0) * SECOND_NS // plan.tick_rate_hz
    for n in np.flatnonzero(~within | (due_ns[rows] != planned_ns)):
        row = rows.start + int(n)
        because = f"tick {tick[row]} is not within the run"
        if within[n]:
            because = (
                f"tick {tick[row]} is due at {planned_ns[n]} ns by seed and rate,"
                f" not at {due_ns[row]} ns"
            )
        line = seen.line(row, f"tick {tick[row]}, due at {due_ns[row]} ns")
        yield seen.violation("schedule", row, because, line)


def _not_instantly(seen: Evidence, machine: str, due_ns: Numbers) -> Iterator[Violation]:
    rows = seen.rows_of(seen.run.machines.index(machine))
    for n in np.flatnonzero(seen.at_ns[rows] != due_ns[rows]):
        row = rows.start + int(n)
        says = f"due at {due_ns[row]} ns, taken at {seen.at_ns[row]} ns"
        because = f"it was {says}: in virtual time no tick is late"
        yield seen.violation("schedule", row, because, seen.line(row, says))


def _not_planned(seen: Evidence, machine: str, tick: Numbers) -> Iterator[Violation]:
    """Yield a violation for the first tick that differs from those that planned faults allow."""
    m = seen.run.machines.index(machine)
    rows, stop = seen.rows_of(m), seen.run.stops.get(machine)
    ranges = seen.spec.planned_ticks(machine)
    planned = np.concatenate([np.arange(part.start, part.stop) for part in ranges])
    if seen.is_damaged(machine):
        unplanned = np.flatnonzero(~np.isin(tick[rows], planned))
    else:
        both = min(len(planned), rows.stop - rows.start)
        unplanned = np.flatnonzero(tick[rows][:both] != planned[:both])
        if not len(unplanned) and rows.stop - rows.start > both:
            unplanned = np.array([both])
        is_early = stop.reason == "terminated" if stop else machine in seen.cut
        if not len(unplanned) and both < len(planned) and not is_early:
            because = f"its log ends before tick {planned[both]}, which no fault prevents"
            yield seen.violation_at_end("schedule", m, because)
    if len(unplanned):
        row = rows.start + int(unplanned[0])
        because = f"tick {tick[row]} was not the next one that the planned faults allow"
        yield seen.violation("schedule", row, because, seen.line(row, f"tick {tick[row]}"))
