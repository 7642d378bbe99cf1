"""Which pairs of events a clock orders, against the happened-before relation.

If a clock's order is transitive and respects program order, the events of machine q that precede
an event f by the clock are the first P(f)[q] events of q, and P(f)[q] only grows along the machine
of f. Those that happened before f are the first V(f)[q] events of q. So sums over the events f and
the machines q count all pairs: max(0, V - P) pairs are lost; max(0, P - V) are claimed and not
causal. Of the latter, those from F(f)[q] on, the number of events of q that do not know f, are
causal the other way round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.clocks.offline import Computed
from analysis.clocks.orders import ORDERS, Prefixes
from analysis.history.kernels import Rows

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
#: Computes P: by event of one machine, in their order, how many events of another precede it.
#: None if that takes too long.
Before = Callable[[int, int], Numbers | None]

#: Ranks of events on one machine, of events on another, and whether the latter precede the former.
Probes = tuple[Numbers, Numbers, Flags]
NO_PROBES: Probes = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))

#: More comparisons than this, of two timestamps or of two numbers of a table, are replaced by a
#: sample.
MAX_COMPARISONS = 10_000_000
MAX_COMPARED_NUMBERS = 500_000_000
MAX_MACHINE_PAIRS = 100_000
#: Pairs of events in a sample.
SAMPLED = 100_000
#: Pairs that are compared to see whether the claims of a clock are prefixes.
PROBED = 2_000
#: Standard deviations of a confidence interval of 95 %.
Z = 1.959964


class Share(NamedTuple):
    """A number of pairs, out of `of`.

    From a sample it is an estimate, and `low` and `high` are the limits of its 95 % confidence
    interval (Wilson, JASA 1927). `sampled` is the number of sampled pairs; 0 for an exact number.
    """

    pairs: int
    of: int
    low: int
    high: int
    sampled: int = 0

    @property
    def share(self) -> float | None:
        return self.pairs / self.of if self.of else None


@dataclass(frozen=True)
class Claims:
    """The pairs of events that a clock gets wrong.

    Of the causally ordered pairs, `lost` are those that it does not order so, and `reversed` those
    of them that it orders the other way round; `ordered` are the concurrent pairs that it orders.
    """

    lost: Share
    reversed: Share
    ordered: Share


def claims_of(computed: Computed, seed: int = 0) -> Claims:
    """Count the pairs that a clock gets wrong: exactly, or from a sample drawn with a seed."""
    before = _before(computed)
    claims = _counted(computed, before, seed) if before else None
    return claims or sampled(computed, seed)


def _counted(computed: Computed, before: Before, seed: int) -> Claims | None:
    """Count all pairs; None if the clock's claims about some pairs are no prefixes.

    An order that is not transitive, or is not that of its keys, shows up in random pairs.
    """
    past, lost, reversed_, ordered = 0, 0, 0, 0
    probes = _Pairs(computed, PROBED, seed).by_machines() if len(computed.rows) > 1 else {}
    for p in range(len(computed.ends)):
        for q in range(len(computed.ends)):
            known, claimed = _known(computed, p, q), before(p, q)
            later, earlier, claims = probes.get((p, q), NO_PROBES)
            if claimed is None or ((earlier < claimed[later]) != claims).any():
                return None
            past += int(known.sum())
            lost += int(np.maximum(known - claimed, 0).sum())
            more = np.flatnonzero(claimed > known)
            if p != q and len(more):
                unaware = np.searchsorted(_known(computed, q, p), more, side="right")
                end = np.minimum(claimed[more], np.maximum(unaware, known[more]))
                ordered += int((end - known[more]).sum())
                reversed_ += int((claimed[more] - end).sum())
    concurrent = _all_pairs(computed) - past
    return Claims(_exact(lost, past), _exact(reversed_, past), _exact(ordered, concurrent))


def _causal_pairs(computed: Computed) -> int:
    if len(computed.rows) == len(computed.walk):
        return computed.walk.known.ordered_pairs
    each = range(len(computed.ends))
    return sum(int(_known(computed, p, q).sum()) for p in each for q in each)


def _all_pairs(computed: Computed) -> int:
    return len(computed.rows) * (len(computed.rows) - 1) // 2


def _exact(pairs: int, of: int) -> Share:
    return Share(pairs, of, pairs, pairs)


def _rows(computed: Computed, machine: int) -> Rows:
    first = int(computed.walk.known.first[machine])
    return np.arange(first, first + computed.ends[machine], dtype=np.int32)


def _known(computed: Computed, p: int, q: int) -> Numbers:
    """Return V: by event of machine p, how many events of q happened before it."""
    rows = _rows(computed, p)
    if p == q:
        return np.arange(len(rows), dtype=np.int64)
    return computed.walk.known.known(rows, np.full(len(rows), q, np.int32))


def _before(computed: Computed) -> Before | None:
    """Return the function for P; None if it takes too long, or if P cannot exist."""
    events, machines = len(computed.rows), len(computed.ends)
    if machines**2 > MAX_MACHINE_PAIRS:
        return None
    order = ORDERS.get(computed.name.partition(":")[0])
    if order is None or computed.table is None:
        if 2 * events * machines > MAX_COMPARISONS or not _keeps_program_order(computed):
            return None
        return lambda p, q: _walked(computed, p, q)
    rows = [_rows(computed, m) for m in range(machines)]
    prefixes = Prefixes(order(computed.clock, computed.table), rows, MAX_COMPARED_NUMBERS)
    return prefixes.before if prefixes.exist() else None


def _keeps_program_order(computed: Computed) -> bool:
    precedes, values = computed.clock.precedes, computed.by_row
    return all(
        precedes(values[row - 1], values[row])
        for m in range(len(computed.ends))
        for row in _rows(computed, m)[1:].tolist()
    )


def _walked(computed: Computed, p: int, q: int) -> Numbers:
    """Return P with two pointers, one on each machine."""
    if p == q:
        return np.arange(computed.ends[p], dtype=np.int64)
    precedes, values = computed.clock.precedes, computed.by_row
    others = [values[row] for row in _rows(computed, q).tolist()]
    counts, count, most = list[int](), 0, len(others)
    for row in _rows(computed, p).tolist():
        while count < most and precedes(others[count], values[row]):
            count += 1
        counts.append(count)
    return np.array(counts, np.int64)


class _Pairs:
    """Random pairs of events of a clock, with the clock's claims about them and the truth.

    `causal` and `claimed` say whether the first event is before the second, `converse` and
    `claimed_back` whether the second is before the first.
    """

    def __init__(self, computed: Computed, pairs: int, seed: int) -> None:
        self._computed, rows = computed, np.sort(computed.rows)
        draw = np.random.default_rng(seed)
        a = draw.integers(0, len(rows), pairs)
        b = (a + draw.integers(1, len(rows), pairs)) % len(rows)
        self.a, self.b = rows[a], rows[b]
        self.machine, self.rank = computed.walk.known.machine, computed.walk.rank

    @cached_property
    def causal(self) -> Flags:
        return self._truth(self.a, self.b)

    @cached_property
    def converse(self) -> Flags:
        return self._truth(self.b, self.a)

    @cached_property
    def claimed(self) -> Flags:
        return self._claims(self.a, self.b)

    @cached_property
    def claimed_back(self) -> Flags:
        return self._claims(self.b, self.a)

    def _truth(self, before: Rows, after: Rows) -> Flags:
        known = self._computed.walk.known
        return known.known(after, self.machine[before]) > self.rank[before]

    def _claims(self, before: Rows, after: Rows) -> Flags:
        precedes, values = self._computed.clock.precedes, self._computed.by_row
        claims = map(precedes, map(values.__getitem__, before), map(values.__getitem__, after))
        return np.fromiter(claims, bool, len(before))

    def by_machines(self) -> dict[tuple[int, int], Probes]:
        """Return by the machines of b and a: the ranks of b, the ranks of a, the claims."""
        m, n = self.machine[self.b], self.machine[self.a]
        order = np.lexsort((n, m))
        starts = np.flatnonzero(np.diff(m[order], prepend=-1) | np.diff(n[order], prepend=-1))
        return {
            (int(m[at[0]]), int(n[at[0]])): (
                self.rank[self.b[at]],
                self.rank[self.a[at]],
                self.claimed[at],
            )
            for at in np.split(order, starts[1:])
        }


def sampled(computed: Computed, seed: int = 0) -> Claims:
    """Estimate the pairs that a clock gets wrong from random pairs."""
    pairs = _Pairs(computed, SAMPLED, seed)
    past = _causal_pairs(computed)
    concurrent = _all_pairs(computed) - past
    causal, claimed = pairs.causal | pairs.converse, pairs.claimed | pairs.claimed_back
    right = (pairs.causal & pairs.claimed) | (pairs.converse & pairs.claimed_back)
    wrong = (pairs.causal & pairs.claimed_back) | (pairs.converse & pairs.claimed)
    return Claims(
        _estimate(causal & ~right, causal, past),
        _estimate(causal & wrong, causal, past),
        _estimate(claimed & ~causal, ~causal, concurrent),
    )


def _estimate(hits: Flags, among: Flags, of: int) -> Share:
    """Scale the share of `hits` in a sample to all pairs, with Wilson's interval."""
    n, k = int(np.count_nonzero(among)), int(np.count_nonzero(hits))
    if not n:
        return Share(0, of, 0, of, len(among))
    share = k / n
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(round(share * of), of, int(low * of), -int(-high * of // 1), n)
