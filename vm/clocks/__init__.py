"""Logical clocks: rules over timestamps.

A clock keeps no state. A machine holds one timestamp per clock and applies the rules, so a
run can use any number of clocks. Timestamps have the machines in the order of the run; `me`
is the position of the machine that applies the rule.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from vm.clocks.lamport import Lamport
from vm.clocks.vector import Vector

T = TypeVar("T")


class Clock(Protocol[T]):
    """The interface of the entries of CLOCKS."""

    #: Whether precedes(a, b) also implies that a happened before b.
    strong: bool

    def initial(self, machines: int) -> T:
        """Return the timestamp before the first event."""

    def advance(self, own: T, me: int) -> T:
        """Return the timestamp of an internal or send event."""

    def receive(self, own: T, stamp: T, me: int) -> T:
        """Return the timestamp of the receive event of a message that carries `stamp`."""

    def precedes(self, a: T, b: T) -> bool:
        """Return whether, by this clock, the event stamped `a` happened before that of `b`."""

    def encode(self, timestamp: T) -> tuple[int, ...]:
        """Return the timestamp as a flat sequence of numbers, for the wire."""

    def decode(self, numbers: Sequence[int], events: Sequence[int]) -> T:
        """Return the timestamp in `numbers`; ValueError, with a reason, if no event can have it.

        `events` is the largest possible number of events of each machine so far.
        """


#: Any: each entry has its own timestamp type, and only gets timestamps of that type.
CLOCKS: dict[str, Clock[Any]] = {
    "lamport": Lamport(),
    "vector": Vector(),
}
