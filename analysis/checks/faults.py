"""Faults against the plan, which is the run's spec."""

from collections.abc import Iterator

import numpy as np

from analysis.checks.evidence import Evidence
from analysis.checks.violation import Violation
from analysis.history.kernels import Rows
from vm.faults import ChannelFault, Crash, Duplication, Loss, MachineFault, Restart
from vm.quoting import counted
from vm.schedule import SECOND_NS

#: How much later than planned a fault may strike on real machines.
MAX_DELAY_NS = 2 * SECOND_NS
STRIKING: dict[str, type[ChannelFault]] = {"lost": Loss, "duplicated": Duplication}


def unplanned_fault(seen: Evidence) -> Iterator[Violation]:
    """Did faults strike only where and when they were planned?"""
    if not seen.run.starts:
        return
    for how in STRIKING:
        yield from _copies(seen, how)
    for machine in seen.run.logged:
        for fault in seen.spec.faults:
            if isinstance(fault, MachineFault) and fault.machine == machine:
                yield from _acting(seen, fault)
        yield from _returns(seen, machine)
        yield from _end(seen, machine)


def _copies(seen: Evidence, how: str) -> Iterator[Violation]:
    """Yield the sends that list a receiver as lost, or duplicated, without such a fault."""
    rows, receivers = seen.messages.struck[how]
    if not len(rows):
        return
    senders, at_ns = seen.causality.machine[rows], seen.at_ns[rows]
    planned = np.zeros(len(rows), bool)
    for fault in seen.spec.faults:
        if isinstance(fault, STRIKING[how]):
            active = (at_ns >= fault.at_ns) & (at_ns < fault.until_ns)
            sent = np.isin(senders, _numbers(seen, fault.senders))
            planned |= active & sent & np.isin(receivers, _numbers(seen, fault.receivers))
    sent = seen.messages.find(rows, receivers) >= 0
    _, first = np.unique(np.stack([rows, receivers]), axis=1, return_index=True)
    again = np.ones(len(rows), bool)
    again[first] = False
    for n in np.flatnonzero(~planned | ~sent | again):
        row = int(rows[n])
        name = seen.run.machines[receivers[n]] if receivers[n] >= 0 else "a machine unknown here"
        because = f"its message to {name} is listed as {how}, but no such fault was planned then"
        if not sent[n]:
            because = f"it lists a message to {name} as {how}, to which it sent none"
        elif again[n] and planned[n]:
            because = f"it lists its message to {name} as {how} more than once"
        yield seen.violation("unplanned_fault", row, because, seen.line(row, f"{how}: {name}"))


def _numbers(seen: Evidence, machines: tuple[str, ...]) -> Rows:
    return np.array([seen.run.machines.index(machine) for machine in machines], np.int32)


def _acting(seen: Evidence, fault: MachineFault) -> Iterator[Violation]:
    """Yield the events of a machine while it is frozen or dead."""
    rows = seen.rows_of(seen.run.machines.index(fault.machine))
    delay_ns = 0 if seen.is_virtual else MAX_DELAY_NS
    acting = seen.at_ns[rows] >= fault.at_ns + delay_ns
    if not isinstance(fault, Crash):
        acting &= seen.at_ns[rows] < fault.until_ns - delay_ns
    kind = type(fault).__name__.lower()
    for n in np.flatnonzero(acting):
        row = rows.start + int(n)
        at_s = f"{seen.at_ns[row] / SECOND_NS:g} s"
        because = f"it acted at {at_s}, during its {kind} planned for {fault.at_ns / SECOND_NS:g} s"
        yield seen.violation("unplanned_fault", row, because, seen.line(row, f"at {at_s}"))


def _returns(seen: Evidence, machine: str) -> Iterator[Violation]:
    """Match the recovery records of a machine with its planned restarts.

    Real machines can also be killed and restarted by hand: see `unplanned_returns`.
    """
    m, planned = seen.run.machines.index(machine), _restarts(seen, machine)
    for n, recovery in enumerate(seen.run.recoveries.get(machine, ())):
        line = seen.run.recovery_lines[machine][n]
        returned = f"line {line} records that it came back at {recovery.at_ns} ns"
        if n >= len(planned):
            if seen.is_virtual:
                because = f"{returned}, but no restart was planned"
                yield seen.violation_at_end("unplanned_fault", m, because)
            continue
        due_ns = planned[n].until_ns
        early_ns = due_ns - recovery.at_ns
        if early_ns != 0 if seen.is_virtual else early_ns > MAX_DELAY_NS:
            because = f"{returned}, but its restart was planned for {due_ns} ns"
            yield seen.violation_at_end("unplanned_fault", m, because)


def unplanned_returns(seen: Evidence) -> Iterator[tuple[str, int]]:
    """Yield the recovery records, by machine and line, of real machines without a planned restart:
    machines that were killed and started again by hand, or lines that were inserted."""
    for machine, lines in seen.run.recovery_lines.items():
        planned = len(_restarts(seen, machine))
        yield from ((machine, line) for line in lines[planned:] if not seen.is_virtual)


def _restarts(seen: Evidence, machine: str) -> list[Restart]:
    own = [f for f in seen.spec.faults if isinstance(f, Restart) and f.machine == machine]
    return sorted(own, key=lambda fault: fault.at_ns)


def _end(seen: Evidence, machine: str) -> Iterator[Violation]:
    """Yield violations for planned kills that an undamaged log lacks, and for rejected frames."""
    m, stop = seen.run.machines.index(machine), seen.run.stops.get(machine)
    if stop is None or stop.reason != "finished" or seen.is_damaged(machine):
        return
    latest_ns = seen.spec.duration_ns - (0 if seen.is_virtual else MAX_DELAY_NS)
    crashes = [f for f in seen.spec.faults if isinstance(f, Crash) and f.machine == machine]
    if any(crash.at_ns < latest_ns for crash in crashes):
        because = "its log ends with a stop record, but a crash was planned"
        yield seen.violation_at_end("unplanned_fault", m, because)
    due = sum(restart.until_ns < latest_ns for restart in _restarts(seen, machine))
    if len(seen.run.recoveries.get(machine, ())) < due:
        because = (
            f"its spec plans {counted(due, 'restart')}, and its log holds fewer recovery records"
        )
        yield seen.violation_at_end("unplanned_fault", m, because)
    if stop.rejected < 0 or (seen.is_virtual and stop.rejected):
        because = (
            f"it rejected {counted(stop.rejected, 'frame')}, but a run in virtual time rejects none"
        )
        if stop.rejected < 0:
            because = f"its stop record counts {stop.rejected} rejected frames"
        yield seen.violation_at_end("unplanned_fault", m, because)
