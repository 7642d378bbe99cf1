"""Messages inferred from vector clocks, for logs that contain nothing else.

An event is a receive if a component of another machine grew since the event before it on its
machine. A message carries the vector of its send. So the send is the event, named by one of the new
components, whose vector has all of the new components and nothing newer (as ShiViz draws arrows:
Beschastnikh et al., Debugging Distributed Systems, CACM 2016). If no single event explains all
new components, several messages were received at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.int64]


class Conclusion(NamedTuple):
    """The inferred cause of one event: the row of the send (-1: none of these events), the sending
    machine (-1: unknown), and the number of events needed to explain the new components."""

    send: int
    sender: int
    needed: int


def conclude(machine: Sequence[int], vectors: Vectors) -> dict[int, Conclusion]:
    """Infer the receives, by row.

    `machine` is by row; rows are in the order of the machines and of their events.
    """
    own = {(m, int(vectors[row, m])): row for row, m in enumerate(machine)}
    found: dict[int, Conclusion] = {}
    for row, m in enumerate(machine):
        follows = row > 0 and machine[row - 1] == m
        before = vectors[row - 1] if follows else np.zeros_like(vectors[row])
        news = [int(q) for q in np.flatnonzero(vectors[row] > before) if q != m]
        if news:
            found[row] = _explain(vectors, own, row, m, news)
    return found


def _explain(
    vectors: Vectors, own: dict[tuple[int, int], int], row: int, m: int, news: list[int]
) -> Conclusion:
    sends = {q: own.get((q, int(vectors[row, q])), -1) for q in news}
    for q, send in sends.items():
        if send >= 0 and _has_all(vectors[send], vectors[row], news, m):
            return Conclusion(send, q, 1)
    # A component that another new event already includes need not have come by its own message.
    direct = [
        q for q in news if not any(_includes(vectors, sends[p], q, row) for p in news if p != q)
    ]
    if len(direct) == 1:
        return Conclusion(-1, direct[0], 1)
    return Conclusion(-1, -1, len(direct))


def _has_all(send: NDArray[np.int64], received: NDArray[np.int64], news: list[int], m: int) -> bool:
    """Whether a message with this vector explains all new components, and nothing newer."""
    others = np.arange(len(send)) != m
    return bool((send[news] == received[news]).all() and (send <= received)[others].all())


def _includes(vectors: Vectors, send: int, q: int, row: int) -> bool:
    """Whether an event, if there is one, knows as much of machine q as the event at the row."""
    return send >= 0 and bool(vectors[send, q] == vectors[row, q])
