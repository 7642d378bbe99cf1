"""Logical clocks: rules over timestamps.

A clock keeps no state. A machine holds one timestamp per clock and applies the rules, so
any number of clocks ride on one run. Timestamps are ordered as the run's machines are;
`me` is the position of the machine that applies the rule.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from vm.clocks.lamport import Lamport
from vm.clocks.vector import Vector

T = TypeVar("T")


class Clock(Protocol[T]):
    """What every entry of CLOCKS offers."""

    #: Whether precedes(a, b) also implies that a happened before b.
    strong: bool

    def initial(self, machines: int) -> T:
        """The timestamp before the first event."""

    def advance(self, own: T, me: int) -> T:
        """The timestamp of an internal or a send event."""

    def receive(self, own: T, stamp: T, me: int) -> T:
        """The timestamp of a receive event of a message that carries `stamp`."""

    def precedes(self, a: T, b: T) -> bool:
        """Whether the clock claims that the event stamped `a` happened before that of `b`."""

    def encode(self, timestamp: T) -> tuple[int, ...]:
        """The timestamp as a flat row of numbers, for the wire."""

    def decode(self, numbers: Sequence[int], events: Sequence[int]) -> T:
        """The timestamp that `numbers` spell; ValueError, with the reason, if no event can have it.

        `events` bounds from above how many events each machine can have had by now.
        """


#: Any: the entries differ in their timestamp type, and each is only ever given its own.
CLOCKS: dict[str, Clock[Any]] = {
    "lamport": Lamport(),
    "vector": Vector(),
}
