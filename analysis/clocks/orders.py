"""Orders of timestamps over whole columns, for clocks whose timestamps have numbers.

In each of these orders, e precedes f if no number of e's key as the earlier event is greater than
that of f's key as the later one. A clock without an entry is compared pair by pair, by its own
`precedes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vm.clocks.plausible.comb import Comb

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Order:
    """The keys of events, a row for each, as the earlier and as the later of two events.

    If the first `unequal` numbers of both keys are the same, e does not precede f.
    """

    earlier: Numbers
    later: Numbers
    unequal: int = 0


def _less(clock: Any, table: Numbers) -> Order:
    return Order(table + 1, table)


def _by_components(clock: Any, table: Numbers) -> Order:
    return Order(table, table, table.shape[1])


def _by_diagonal(clock: Any, table: Numbers) -> Order:
    machines = round(table.shape[1] ** 0.5)
    return _by_components(clock, np.ascontiguousarray(table[:, :: machines + 1]))


def _lexicographic(clock: Any, table: Numbers) -> Order:
    """Compare the first numbers, then the second ones, and so on, by the place in that order."""
    order = np.lexsort(table.T[::-1])
    is_new = np.any(table[order[1:]] != table[order[:-1]], axis=1)
    places = np.zeros(len(table), np.int64)
    places[order[1:]] = np.cumsum(is_new)
    return _less(clock, places[:, np.newaxis])


def _by_levels(clock: Any, table: Numbers) -> Order:
    """Compare the levels of K-Lamport, behind the machine: the first ones, and each with the next
    of the other event."""
    levels = table[:, 1:]
    return Order(np.hstack((levels[:, :1] + 1, levels[:, :-1])), levels)


def _by_both(clock: Comb, table: Numbers) -> Order:
    entries = clock.entries
    levels = _by_levels(clock, table[:, entries:])
    counts = table[:, :entries]
    earlier, later = (np.hstack((counts, keys)) for keys in (levels.earlier, levels.later))
    return Order(earlier, later, entries)


#: By kind of clock, the order of a table of timestamps: a row for each, with all its numbers.
ORDERS: dict[str, Callable[[Any, Numbers], Order]] = {
    "wall": _less,
    "lamport": _less,
    "vector": _by_components,
    "differential": _by_components,
    "matrix": _by_diagonal,
    "direct": _by_components,
    "tree": _by_components,
    "hlc": _lexicographic,
    "hvc": _by_components,
    "rev": _by_components,
    "k-lamport": _by_levels,
    "comb": _by_both,
    "bloom": _by_components,
}


class Prefixes:
    """The prefixes of machines that precede events in an order; `rows` are those of each machine.

    At most about `limit` numbers are searched or compared.
    """

    def __init__(self, order: Order, rows: Sequence[NDArray[np.int32]], limit: int) -> None:
        self._earlier = [order.earlier[own] for own in rows]
        self._later = [order.later[own] for own in rows]
        self._unequal = order.unequal
        self._columns = [np.ascontiguousarray(keys.T) for keys in self._earlier]
        self._others = [np.ascontiguousarray(keys.T) for keys in self._later]
        self._is_long = len(rows) * sum(keys.size for keys in self._earlier) > limit
        self._left = limit

    def exist(self) -> bool:
        """Return whether the keys of each machine grow. A key of one number may also stay: then
        the events of the machine are not ordered, but what precedes others is a prefix."""
        later = all(bool((np.diff(keys, axis=0) >= 0).all()) for keys in self._later)
        return later and all(map(_grows, self._earlier))

    def before(self, p: int, q: int) -> Numbers | None:
        """Return for each event of machine p how many events of q precede it; None above the
        limit."""
        columns, others = self._columns[q], self._others[p]
        if p == q and len(columns) > 1:
            return np.arange(others.shape[1], dtype=np.int64)
        first = q % len(columns)
        # Equal keys of one number that must differ are left out by the search itself.
        is_strict = len(columns) == self._unequal == 1
        side: Literal["left", "right"] = "left" if is_strict else "right"
        counts: Numbers = np.searchsorted(columns[first], others[first], side=side)
        self._left -= len(counts)
        if len(columns) == 1 or self._confirmed(p, q, counts):
            return counts if self._left >= 0 else None
        if self._is_long:
            return None
        for column, other in zip(columns, others, strict=True):
            np.minimum(counts, np.searchsorted(column, other, side="right"), out=counts)
        some = np.flatnonzero(counts)
        counts[some] -= self._are_equal(self._earlier[q][counts[some] - 1], self._later[p][some])
        return counts

    def _confirmed(self, p: int, q: int, counts: Numbers) -> bool:
        """Return whether the last of `counts` events of q precedes each event of p, and leave out
        equal ones. Of the events of p with one count only the first is compared: the others have
        greater keys."""
        at = np.flatnonzero(np.diff(counts, prepend=0))
        last, own = self._earlier[q][counts[at] - 1], self._later[p][at]
        self._left -= own.size
        if not (last <= own).all():
            return False
        counts[at] -= self._are_equal(last, own)
        return True

    def _are_equal(self, earlier: Numbers, later: Numbers) -> NDArray[np.bool_]:
        """Return which pairs of keys are equal in such a way that none precedes the other."""
        if not self._unequal:
            return np.zeros(len(earlier), bool)
        equal: NDArray[np.bool_] = np.all(
            earlier[:, : self._unequal] == later[:, : self._unequal], axis=1
        )
        return equal


def _grows(keys: Numbers) -> bool:
    steps = np.diff(keys, axis=0)
    is_sorted = bool((steps >= 0).all())
    return is_sorted and (keys.shape[1] == 1 or bool((steps > 0).any(axis=1).all()))
