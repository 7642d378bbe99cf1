"""Direct dependencies (Fowler and Zwaenepoel 1990)."""

from typing import NamedTuple

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.exact.counts import Counts, check_count, is_before


class Dependencies(NamedTuple):
    """The direct dependency vector of machine `me`."""

    me: int
    counts: Counts


class Direct(Clock[Dependencies]):
    """A message carries the number of its send event alone. Component q of the direct dependency
    vector is the last event of q whose message the machine itself has received, the own component
    the number of its own events (Causal Distributed Breakpoints, ICDCS 1990, section 3).

    The vector of an event is the closure: the maximum of its dependency vector and of the vectors
    of the events that it names. Two dependency vectors alone decide less. If no component of the
    first is over that of the second, the machine of the second event has itself received from
    that of the first event or later, or is the same: the first happened before the second. Only
    then is the pair ordered. So no concurrent pair is ordered, but a causally related pair of two
    machines is lost unless the second has itself received, from each machine that the first
    depends on, a message at least as late. A stamp is 1 number, a timestamp N.
    """

    promise = "none"
    column = "list"

    def initial(self, me: int, machines: int) -> Dependencies:
        return Dependencies(me, (0,) * machines)

    def advance(self, state: Dependencies, at: At) -> Dependencies:
        me, counts = state
        return Dependencies(me, (*counts[:me], counts[me] + 1, *counts[me + 1 :]))

    def stamp(self, state: Dependencies, to: int) -> tuple[Dependencies, int]:
        return state, state.counts[state.me]

    def receive(self, state: Dependencies, stamp: int, sender: int, at: At) -> Dependencies:
        counts = list(state.counts)
        counts[state.me] += 1
        # A message may arrive after a later one of the same sender.
        counts[sender] = max(counts[sender], stamp)
        return Dependencies(state.me, tuple(counts))

    def timestamp(self, state: Dependencies) -> Counts:
        return state.counts

    def precedes(self, a: Counts, b: Counts) -> bool:
        return is_before(a, b)

    def encode(self, stamp: int) -> bytes:
        return encode_numbers((stamp,))

    def decode(self, data: bytes, bounds: Bounds) -> int:
        (number,) = read_numbers("direct", data, 1)
        if not number:
            raise ValueError("direct: the number of a send event is 0, but they begin at 1")
        check_count("direct", bounds.sender, number, bounds)
        return number
