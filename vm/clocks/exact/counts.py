"""Counts of events by machine: their order and their limits."""

from collections.abc import Sequence
from operator import le

from vm.clocks.clock import Bounds

#: By the position of a machine: how many of its events are known.
Counts = tuple[int, ...]


def is_before(a: Counts, b: Counts) -> bool:
    """Return whether no count of `a` is over that of `b`, and one is below.

    >>> is_before((1, 0), (1, 1)), is_before((1, 0), (0, 1)), is_before((1, 0), (1, 0))
    (True, False, False)
    """
    return a != b and all(map(le, a, b))


def check_count(kind: str, machine: int, count: int, bounds: Bounds) -> None:
    """Check a count of the events of a machine; ValueError if it has had fewer."""
    if count > (most := bounds.events[machine]):
        raise ValueError(f"{kind}: component {machine} is {count}, outside 0..{most}")


def check_counts(kind: str, counts: Sequence[int], bounds: Bounds) -> None:
    """Check the counts of all machines by a sender; ValueError if they cannot be."""
    for machine, count in enumerate(counts):
        check_count(kind, machine, count, bounds)
    if not counts[bounds.sender]:
        raise ValueError(f"{kind}: the sender's component is 0, but a send is an event")
