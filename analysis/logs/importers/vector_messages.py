"""Messages concluded from vector clocks alone, for logs that have nothing else.

An event that knows more of others than the event before it on its machine has received
something. A message carries the time of its send, so the send is the event of one of those
others, named by its own component, whose vector has all that is new and nothing that is newer
(ShiViz draws its arrows by the same idea: Beschastnikh et al., Debugging Distributed Systems,
CACM 2016). If no one event explains what is new, several messages were received at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.int64]


class Conclusion(NamedTuple):
    """What the vector of one event tells: the row of the send (-1: none of these events), the
    machine that sent it (-1: not known), and how many events would be needed to explain it."""

    send: int
    sender: int
    needed: int


def conclude(machine: Sequence[int], vectors: Vectors) -> dict[int, Conclusion]:
    """By row, what each event that must have received something received.

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
    told = {q: own.get((q, int(vectors[row, q])), -1) for q in news}
    for q, send in told.items():
        if send >= 0 and _has_all(vectors[send], vectors[row], news, m):
            return Conclusion(send, q, 1)
    # What the news of one of them includes need not have come by itself.
    direct = [
        q for q in news if not any(_includes(vectors, told[p], q, row) for p in news if p != q)
    ]
    if len(direct) == 1:
        return Conclusion(-1, direct[0], 1)
    return Conclusion(-1, -1, len(direct))


def _has_all(send: NDArray[np.int64], received: NDArray[np.int64], news: list[int], m: int) -> bool:
    """Whether a message with this vector brings all of the news, and no more."""
    others = np.arange(len(send)) != m
    return bool((send[news] == received[news]).all() and (send <= received)[others].all())


def _includes(vectors: Vectors, send: int, q: int, row: int) -> bool:
    """Whether an event, if there is one, knows as much of machine q as the event at the row."""
    return send >= 0 and bool(vectors[send, q] == vectors[row, q])
