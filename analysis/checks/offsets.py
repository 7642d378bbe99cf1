"""Wall clocks that disagree: messages that arrived before they were sent.

That says nothing about causality: the message itself shows what was first. It says that the
receiver's wall clock is behind the sender's, or that both are, by different amounts at
different times.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.checks.evidence import Evidence, Numbers, evidence
from analysis.checks.violation import Line
from analysis.columns import UNKNOWN
from analysis.history import Run
from analysis.kernels import Rows


@dataclass(frozen=True)
class Offset:
    """How far the wall clock of `receiver` is behind that of `sender`, at the least.

    `most_ns` is what the messages the other way allow, None if there are none. Where it is
    less than `least_ns` no constant offset explains the times.
    """

    sender: str
    receiver: str
    least_ns: int
    most_ns: int | None
    because: str
    witness: tuple[Line, ...]


def offsets(run: Run) -> tuple[Offset, ...]:
    """The smallest offsets that explain every message that arrived before it was sent."""
    seen = evidence(run)
    known = seen.causality
    receives = np.flatnonzero(known.send >= 0).astype(np.int32)
    arrived_ns = np.where(
        seen.arrived_ns[receives] == UNKNOWN, seen.at_ns[receives], seen.arrived_ns[receives]
    )
    sent_ns = seen.at_ns[known.send[receives]]
    dated = (arrived_ns != UNKNOWN) & (sent_ns != UNKNOWN)
    early_ns = (sent_ns - arrived_ns)[dated]
    return tuple(_offsets(seen, receives[dated], early_ns))


def _offsets(seen: Evidence, receives: Rows, early_ns: Numbers) -> Iterator[Offset]:
    known, machines = seen.causality, seen.run.machines
    sender, receiver = known.machine[known.send[receives]], known.machine[receives]
    earliest = np.full((len(machines), len(machines)), UNKNOWN)
    np.maximum.at(earliest, (sender, receiver), early_ns)
    for s, r in np.argwhere(earliest >= seen.run.resolution_ns):
        least, back = int(earliest[s, r]), int(earliest[r, s])
        row = int(receives[(sender == s) & (receiver == r) & (early_ns == least)][0])
        most = None if back == UNKNOWN else -back
        yield Offset(
            machines[s],
            machines[r],
            least,
            most,
            _because(machines[s], machines[r], least, most),
            _witness(seen, row),
        )


def _because(sender: str, receiver: str, least_ns: int, most_ns: int | None) -> str:
    because = (
        f"a message arrived {least_ns} ns before it was sent: the wall clock of {receiver} is at"
        f" least that far behind that of {sender}"
    )
    if most_ns is not None and most_ns < least_ns:
        because += f"; but by messages back it is at most {most_ns} ns behind, so they drift"
    return because


def _witness(seen: Evidence, row: int) -> tuple[Line, ...]:
    send = int(seen.causality.send[row])
    arrived_ns = seen.arrived_ns[row]
    at = f"at {seen.at_ns[row]} ns" if arrived_ns == UNKNOWN else f"arrived at {arrived_ns} ns"
    return seen.line(send, f"sent at {seen.at_ns[send]} ns"), seen.line(row, at)
