"""Wall clocks that disagree: messages that arrived before they were sent.

Causality does not depend on them: the message itself shows that the send was first. The times show
that the receiver's wall clock is behind the sender's, or that each is behind at times: they drift.

Times in logs of ours count from one epoch by each machine's own wall clock, so the offsets measured
before the start are taken out of them, except for what the measurement left open: its bounds. A
message that is early by no more than the bounds of both ends agrees with the measurement.
"""

from dataclasses import dataclass

import numpy as np

from analysis.checks.evidence import Evidence, Numbers
from analysis.checks.violation import Line
from analysis.history.arrays import UNKNOWN
from analysis.history.derived import derived
from analysis.history.kernels import Rows
from vm.schedule import UNITS_NS


@dataclass(frozen=True)
class Offset:
    """The offset by which the wall clock of `receiver` is behind that of `sender`.

    Where logs state offsets, it is what is left of it. It is at least `least_ns`, and by the
    messages the other way at most `most_ns` (None if there are none). Where `most_ns` is less than
    `least_ns`, no constant offset explains the times.
    """

    sender: str
    receiver: str
    least_ns: int
    most_ns: int | None
    because: str
    witness: tuple[Line, ...]


def offsets(seen: Evidence) -> tuple[Offset, ...]:
    """Return the smallest offsets that explain every message that arrived before it was sent.

    Where other programs date a send after its messages have left, messages arrive early both
    ways; that is no offset, and `sends_dated_late` reports it.
    """
    return tuple(found for found in _offsets(seen) if seen.run.starts or _explains(found))


def sends_dated_late(seen: Evidence) -> str:
    """Return why offsets cannot be known in logs of other programs, or "" if they can."""
    early_ns = [found.least_ns for found in _offsets(seen) if not _explains(found)]
    if seen.run.starts or not early_ns:
        return ""
    return (
        f"messages arrive up to {_span(max(early_ns))} before the time of their send, and no offset"
        " explains it: sends are dated after their messages have left"
    )


def _explains(found: Offset) -> bool:
    return found.most_ns is None or found.least_ns <= found.most_ns


@derived
def _offsets(seen: Evidence) -> tuple[Offset, ...]:
    """Return the bounds for every channel with a message that arrived before it was sent."""
    known, machines = seen.causality, seen.run.machines
    receives, early_ns = _early(seen)
    sender, receiver = known.machine[known.send[receives]], known.machine[receives]
    earliest = np.full((len(machines), len(machines)), UNKNOWN)
    np.maximum.at(earliest, (sender, receiver), early_ns)
    found, bounds_ns = [], _bounds_ns(seen)
    for s, r in np.argwhere(earliest >= seen.run.resolution_ns + bounds_ns):
        least, back = int(earliest[s, r]), int(earliest[r, s])
        row = int(receives[(sender == s) & (receiver == r) & (early_ns == least)][0])
        most = None if back == UNKNOWN else -back
        because = _because(machines[s], machines[r], least, most, int(bounds_ns[s, r]))
        found.append(Offset(machines[s], machines[r], least, most, because, _witness(seen, row)))
    return tuple(found)


def _bounds_ns(seen: Evidence) -> Numbers:
    """Return the error of the offset between two machines' clocks at the start, by both."""
    start = next(iter(seen.run.starts.values()), None)
    own = [start.wall_offset(m).bound_ns if start else 0 for m in seen.run.machines]
    return np.add.outer(np.array(own, np.int64), np.array(own, np.int64))


def _early(seen: Evidence) -> tuple[Rows, Numbers]:
    """Return the receives with known times, and by how much each message arrived too early."""
    known = seen.causality
    receives = np.flatnonzero(known.send >= 0).astype(np.int32)
    arrived_ns = np.where(
        seen.arrived_ns[receives] == UNKNOWN, seen.at_ns[receives], seen.arrived_ns[receives]
    )
    sent_ns = seen.at_ns[known.send[receives]]
    dated = (arrived_ns != UNKNOWN) & (sent_ns != UNKNOWN)
    return receives[dated], (sent_ns - arrived_ns)[dated]


def _because(sender: str, receiver: str, least_ns: int, most_ns: int | None, bound_ns: int) -> str:
    because = (
        f"a message arrived {_span(least_ns)} before it was sent: the wall clock of {receiver} is"
        f" at least that far behind that of {sender}"
    )
    if bound_ns:
        bound = f"± {_span(bound_ns)}"
        because += f", beyond their offset at the start ({bound}), which has changed since"
    if most_ns is not None and most_ns < least_ns:
        because += f"; but by messages back it is at most {_span(most_ns)} behind, so they drift"
    return because


def _span(ns: int) -> str:
    """Format a time in a suitable unit."""
    fitting = (one for one in UNITS_NS.items() if abs(ns) >= one[1])
    unit, size_ns = next(fitting, ("ns", 1))
    return f"{ns / size_ns:g} {unit}"


def _witness(seen: Evidence, row: int) -> tuple[Line, ...]:
    send = int(seen.causality.send[row])
    arrived_ns = seen.arrived_ns[row]
    at = f"at {seen.at_ns[row]} ns" if arrived_ns == UNKNOWN else f"arrived at {arrived_ns} ns"
    return seen.line(send, f"sent at {seen.at_ns[send]} ns"), seen.line(row, at)
