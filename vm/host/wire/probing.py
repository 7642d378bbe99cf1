"""Measurement of wall clocks by round trips.

A peer's clock was read between question and answer. Half of the shortest round trip therefore
bounds the error (Cristian 1989, "Probabilistic clock synchronization"; likewise NTP, RFC 5905,
section 8), however unequal the two ways are.
"""

from collections.abc import Collection
from typing import NamedTuple

from vm.records import WallOffset

#: As many as the clock filter of NTP keeps.
ROUND_TRIPS = 8


class RoundTrip(NamedTuple):
    """A question and its answer by the clock here, and the peer's clock in between."""

    asked_ns: int
    peer_ns: int
    answered_ns: int


def wall_offset(trips: Collection[RoundTrip]) -> WallOffset:
    """Return how far the peer's clock is ahead, by the shortest of some round trips.

    Clocks that may be equal by it count as equal, with a bound for the largest other possibility:
    machines on one computer then have one epoch, without the noise of a measurement.
    """
    trip = min(trips, key=lambda trip: trip.answered_ns - trip.asked_ns)
    offset_ns = trip.peer_ns - (trip.asked_ns + trip.answered_ns) // 2
    bound_ns = (trip.answered_ns - trip.asked_ns + 1) // 2
    if abs(offset_ns) <= bound_ns:
        return WallOffset(0, abs(offset_ns) + bound_ns)
    return WallOffset(offset_ns, bound_ns)
