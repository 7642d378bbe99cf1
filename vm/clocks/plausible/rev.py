"""The R-entries vector clock (Torres-Rojas and Ahamad, Plausible Clocks: Constant Size Logical
Clocks for Distributed Systems, Distributed Computing 12, 1999, section on REV)."""

from dataclasses import dataclass
from operator import le

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers

Counts = tuple[int, ...]


@dataclass(frozen=True)
class Rev(Clock[Counts]):
    """R counters, for any number of machines: machine i shares entry i mod R with all others of
    the same remainder, and advances it as Lamport's clock.

    Orders every causally related pair, and concurrent ones of machines that share entries: all that
    Lamport's clock orders with R = 1, none with R = the number of machines. R numbers a stamp.
    """

    entries: int = parameter(4, 1, 1000, "R: the number of counters")

    promise = "clock condition"
    column = "list"

    def initial(self, me: int, machines: int) -> Counts:
        return (0,) * self.entries

    def advance(self, state: Counts, at: At) -> Counts:
        entry = at.me % self.entries
        return (*state[:entry], state[entry] + 1, *state[entry + 1 :])

    def receive(self, state: Counts, stamp: Counts, sender: int, at: At) -> Counts:
        return self.advance(tuple(map(max, state, stamp)), at)

    def precedes(self, a: Counts, b: Counts) -> bool:
        return a != b and all(map(le, a, b))

    def encode(self, stamp: Counts) -> bytes:
        return encode_numbers(stamp)

    def decode(self, data: bytes, bounds: Bounds) -> Counts:
        counts = read_numbers("rev", data, self.entries)
        self.check("rev", counts, bounds)
        return tuple(counts)

    def check(self, clock: str, counts: list[int], bounds: Bounds) -> None:
        """Refuse counters of a stamp of `clock` that are beyond the bounds."""
        for entry, count in enumerate(counts):
            # A counter advances on the events of its own machines only.
            if count > (most := sum(bounds.events[entry :: self.entries])):
                raise ValueError(f"{clock}: entry {entry} is {count}, outside 0..{most}")
        if not counts[bounds.sender % self.entries]:
            raise ValueError(f"{clock}: the sender's entry is 0, but a send is an event")
