"""Physical time alone, as in most logs."""

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers


class Wall(Clock[int]):
    """The machine's physical clock, in nanoseconds: pt of Kulkarni et al., Logical Physical Clocks,
    OPODIS 2014.

    Promises nothing. A receive seems to precede its send if the receiver's clock is behind by more
    than the latency, and a clock that steps back reorders the events of its own machine; both are
    shown, not mended. One number a stamp.
    """

    promise = "none"
    column = "number"
    reads_physical = True

    def initial(self, me: int, machines: int) -> int:
        return 0

    def advance(self, state: int, at: At) -> int:
        return at.physical_ns

    def receive(self, state: int, stamp: int, sender: int, at: At) -> int:
        return at.physical_ns

    def precedes(self, a: int, b: int) -> bool:
        return a < b

    def encode(self, stamp: int) -> bytes:
        return encode_numbers((stamp,))

    def decode(self, data: bytes, bounds: Bounds) -> int:
        (time_ns,) = read_numbers("wall", data, 1)
        if time_ns > bounds.physical_ns:
            raise ValueError(f"wall: {time_ns} ns is after {bounds.physical_ns} ns")
        return time_ns
