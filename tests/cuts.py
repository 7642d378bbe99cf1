"""Consistent cuts, by the vector times of a history's events."""

from collections.abc import Sequence

from analysis.history.causality import Causality


def consistent_within(known: Causality, cut: Sequence[int]) -> tuple[int, ...]:
    """Return the largest consistent cut within one of the first cut[m] events of each machine m."""
    counts = list(cut)
    while True:
        before = tuple(counts)
        for m, first in enumerate(known.first[:-1]):
            while counts[m] and (known.vector_time(first + counts[m] - 1) > counts).any():
                counts[m] -= 1
        if tuple(counts) == before:
            return before
