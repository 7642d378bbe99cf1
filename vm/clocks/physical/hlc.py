"""The hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva and Leone, Logical Physical Clocks,
OPODIS 2014: the HLC algorithm for node j)."""

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers

Pair = tuple[int, int]


class Hlc(Clock[Pair]):
    """A pair (l, c): l is the greatest physical time of the event's past, in nanoseconds; c is the
    number of events on the longest causal path before the event with the same l.

    Orders every causally related pair, also where physical clocks step back: l never does. Orders
    by l, then by c. Two numbers a stamp, for any number of machines.
    """

    promise = "clock condition"
    column = "list"
    reads_physical = True

    def initial(self, me: int, machines: int) -> Pair:
        # Before any physical time, so that the first event has c = 0 at time 0, too.
        return -1, 0

    def advance(self, state: Pair, at: At) -> Pair:
        known_ns, count = state
        now_ns = at.physical_ns
        return (now_ns, 0) if now_ns > known_ns else (known_ns, count + 1)

    def receive(self, state: Pair, stamp: Pair, sender: int, at: At) -> Pair:
        # The greater pair has the greater l, and of two equal l the greater c.
        return self.advance(max(state, stamp), at)

    def precedes(self, a: Pair, b: Pair) -> bool:
        return a < b

    def encode(self, stamp: Pair) -> bytes:
        return encode_numbers(stamp)

    def decode(self, data: bytes, bounds: Bounds) -> Pair:
        latest_ns, count = read_numbers("hlc", data, 2)
        if latest_ns > bounds.physical_ns:
            raise ValueError(f"hlc: l is {latest_ns} ns, after {bounds.physical_ns} ns")
        # All events before the one with this c are on its path.
        if count >= (events := sum(bounds.events)):
            raise ValueError(f"hlc: c is {count}, but there were at most {events} events")
        return latest_ns, count
