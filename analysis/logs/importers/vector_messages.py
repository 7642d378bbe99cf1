"""Messages inferred from vector clocks, for logs that contain nothing else.

An event is a receive if a component of another machine grew since the event before it on its
machine. A message carries the vector of its send. So the send is one of the events that the new
components name: the one with a vector that has all new components and nothing newer (as ShiViz
draws arrows: Beschastnikh et al., Debugging Distributed Systems, CACM 2016). If no single event
explains all new components, several messages were received at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.run import InputError
from analysis.logs.limits import MAX_COMPARED

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
    left = MAX_COMPARED
    for row, m in enumerate(machine):
        follows = row > 0 and machine[row - 1] == m
        before = vectors[row - 1] if follows else np.zeros_like(vectors[row])
        news = [int(q) for q in np.flatnonzero(vectors[row] > before) if q != m]
        if news:
            left -= len(news) * vectors.shape[1]
            if left < 0:
                raise InputError(
                    "too many components of the vectors are new at once to infer messages from them"
                )
            found[row] = _explain(vectors, own, row, m, news)
    return found


def _explain(
    vectors: Vectors, own: dict[tuple[int, int], int], row: int, m: int, news: list[int]
) -> Conclusion:
    sends = {q: own.get((q, int(vectors[row, q])), -1) for q in news}
    there = [q for q in news if sends[q] >= 0]
    stamps = vectors[[sends[q] for q in there]]
    for n in np.flatnonzero(_have_all(stamps, vectors[row], news, m)):
        return Conclusion(sends[there[n]], there[n], 1)
    # A component that another new event already includes need not have come by its own message.
    includes = stamps[:, news] == vectors[row, news]
    includes[range(len(there)), [news.index(q) for q in there]] = False
    direct = [
        q for q, is_included in zip(news, includes.any(axis=0), strict=True) if not is_included
    ]
    if len(direct) == 1:
        return Conclusion(-1, direct[0], 1)
    return Conclusion(-1, -1, len(direct))


def _have_all(
    stamps: Vectors, received: NDArray[np.int64], news: list[int], m: int
) -> NDArray[np.bool_]:
    """Return which of these vectors of messages have all new components, and nothing newer."""
    others = np.arange(len(received)) != m
    news_explained = (stamps[:, news] == received[news]).all(axis=1)
    return np.asarray(news_explained & (stamps <= received)[:, others].all(axis=1))
