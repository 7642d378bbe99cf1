"""The vector clock (Fidge 1988; Mattern, Virtual Time and Global States, 1989)."""

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.exact.counts import Counts, check_counts, is_before


class Vector(Clock[Counts]):
    """One counter per machine at every machine: component q counts the known events of q.

    Orders exactly the causally related pairs of events.
    """

    promise = "strong clock condition"
    column = "list"

    def initial(self, me: int, machines: int) -> Counts:
        return (0,) * machines

    def advance(self, state: Counts, at: At) -> Counts:
        me = at.me
        return (*state[:me], state[me] + 1, *state[me + 1 :])

    def receive(self, state: Counts, stamp: Counts, sender: int, at: At) -> Counts:
        return self.advance(tuple(map(max, state, stamp)), at)

    def precedes(self, a: Counts, b: Counts) -> bool:
        return is_before(a, b)

    def encode(self, stamp: Counts) -> bytes:
        return encode_numbers(stamp)

    def decode(self, data: bytes, bounds: Bounds) -> Counts:
        numbers = tuple(read_numbers("vector", data, len(bounds.events)))
        check_counts("vector", numbers, bounds)
        return numbers
