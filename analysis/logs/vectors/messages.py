"""Messages inferred from vector clocks, for logs that contain nothing else.

An event is a receive if a component of another machine grew since the event before it on its
machine. A message carries the vector of its send. So the send is one of the events that the new
components name: the one with a vector that has all new components and nothing newer (as ShiViz
draws arrows: Beschastnikh et al., Debugging Distributed Systems, CACM 2016). If no single event
explains all new components, several messages were received at once: one from each event that no
other of them includes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.run import InputError
from analysis.logs.limits import MAX_COMPARED

Vectors = NDArray[np.int64]


class Conclusion(NamedTuple):
    """The inferred causes of one event: the rows of the sends, and the machines whose sends are not
    among these events."""

    sends: tuple[int, ...]
    unknown: tuple[int, ...]


def conclude(machine: Sequence[int], vectors: Vectors) -> dict[int, Conclusion]:
    """Infer the receives, by row.

    `machine` is by row; rows are in the order of the machines and of their events.
    """
    own: dict[tuple[int, int], list[int]] = {}
    for row, m in enumerate(machine):
        own.setdefault((m, int(vectors[row, m])), []).append(row)
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
    vectors: Vectors, own: dict[tuple[int, int], list[int]], row: int, m: int, news: list[int]
) -> Conclusion:
    sends = {q: _of_count(vectors, own.get((q, int(vectors[row, q])), []), row) for q in news}
    there = [q for q in news if sends[q] >= 0]
    stamps = vectors[[sends[q] for q in there]]
    for n in np.flatnonzero(_have_all(stamps, vectors[row], news, m)):
        return Conclusion((sends[there[n]],), ())
    # A component that another new event already includes need not have come by its own message.
    includes = stamps[:, news] == vectors[row, news]
    includes[range(len(there)), [news.index(q) for q in there]] = False
    direct = [
        q for q, is_included in zip(news, includes.any(axis=0), strict=True) if not is_included
    ]
    # Events that include each other are no messages of a vector clock; their rules are violated.
    direct = direct or there
    return Conclusion(
        tuple(sends[q] for q in direct if sends[q] >= 0),
        tuple(q for q in direct if sends[q] < 0),
    )


def _of_count(vectors: Vectors, rows: list[int], row: int) -> int:
    """Return the row of the event with a count; -1 if there is none. If a clock was not advanced,
    it is the last event of this count that the event at `row` can know."""
    if len(rows) < 2:
        return rows[0] if rows else -1
    return next((one for one in reversed(rows) if (vectors[one] <= vectors[row]).all()), rows[0])


def _have_all(
    stamps: Vectors, received: NDArray[np.int64], news: list[int], m: int
) -> NDArray[np.bool_]:
    """Return which of these vectors of messages have all new components, and nothing newer."""
    others = np.arange(len(received)) != m
    news_explained = (stamps[:, news] == received[news]).all(axis=1)
    return np.asarray(news_explained & (stamps <= received)[:, others].all(axis=1))
