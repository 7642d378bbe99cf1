"""Lamport's scalar clock (Time, Clocks, and the Ordering of Events, CACM 1978, rules IR1, IR2)."""

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers


class Lamport(Clock[int]):
    """One counter per machine. Orders every causally related pair of events, and many others."""

    promise = "clock condition"
    column = "number"

    def initial(self, me: int, machines: int) -> int:
        return 0

    def advance(self, state: int, at: At) -> int:
        return state + 1

    def receive(self, state: int, stamp: int, sender: int, at: At) -> int:
        return max(state, stamp) + 1

    def precedes(self, a: int, b: int) -> bool:
        return a < b

    def encode(self, stamp: int) -> bytes:
        return encode_numbers((stamp,))

    def decode(self, data: bytes, bounds: Bounds) -> int:
        (time,) = read_numbers("lamport", data, 1)
        # A timestamp is the length of a causal path, which has at most all events so far.
        most = sum(bounds.events)
        if not 1 <= time <= most:
            raise ValueError(f"lamport: {time} is outside 1..{most}")
        return time
