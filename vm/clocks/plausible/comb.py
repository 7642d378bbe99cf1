"""The combination of two plausible clocks (Torres-Rojas and Ahamad, Plausible Clocks: Constant Size
Logical Clocks for Distributed Systems, Distributed Computing 12, 1999, section on Comb)."""

from dataclasses import dataclass
from functools import cached_property

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.plausible.k_lamport import KLamport, Levels
from vm.clocks.plausible.rev import Counts, Rev

Both = tuple[Counts, Levels]


@dataclass(frozen=True)
class Comb(Clock[Both]):
    """A REV clock of R entries beside a K-Lamport clock: orders a pair only if both do.

    Orders every causally related pair, and of the concurrent ones at most those of either clock.
    R + K numbers a stamp.
    """

    entries: int = parameter(4, 1, 1000, "R: the number of counters of the REV clock")
    depth: int = parameter(3, 1, 100, "K: the number of levels of the K-Lamport clock")

    promise = "clock condition"
    column = "lists"

    @cached_property
    def _rev(self) -> Rev:
        return Rev(self.entries)

    @cached_property
    def _lamport(self) -> KLamport:
        return KLamport(self.depth)

    def initial(self, me: int, machines: int) -> Both:
        return self._rev.initial(me, machines), self._lamport.initial(me, machines)

    def advance(self, state: Both, at: At) -> Both:
        return self._rev.advance(state[0], at), self._lamport.advance(state[1], at)

    def receive(self, state: Both, stamp: Both, sender: int, at: At) -> Both:
        return (
            self._rev.receive(state[0], stamp[0], sender, at),
            self._lamport.receive(state[1], stamp[1], sender, at),
        )

    def precedes(self, a: Both, b: Both) -> bool:
        return self._lamport.precedes(a[1], b[1]) and self._rev.precedes(a[0], b[0])

    def encode(self, stamp: Both) -> bytes:
        counts, (_, *levels) = stamp
        return encode_numbers((*counts, *levels))

    def decode(self, data: bytes, bounds: Bounds) -> Both:
        numbers = read_numbers("comb", data, self.entries + self.depth)
        counts, levels = numbers[: self.entries], numbers[self.entries :]
        self._rev.check("comb", counts, bounds)
        self._lamport.check("comb", levels, bounds)
        return tuple(counts), (bounds.sender, *levels)
