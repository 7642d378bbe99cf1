"""The K-Lamport clock (Torres-Rojas and Ahamad, Plausible Clocks: Constant Size Logical Clocks for
Distributed Systems, Distributed Computing 12, 1999, section on KLA)."""

from dataclasses import dataclass
from itertools import pairwise
from operator import le

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers

#: The machine's position, then its K levels.
Levels = tuple[int, ...]


@dataclass(frozen=True)
class KLamport(Clock[Levels]):
    """Lamport's clock and the greatest stamps received: level 1 is Lamport's time, level 2 the
    greatest level 1 of all received messages, level 3 the greatest level 2 of them, up to K.

    Orders every causally related pair: an event of another machine is in the past only if a message
    with its time or a later one has been received, so that each level is at most the next one of
    the later event. Orders fewer concurrent pairs with a greater K; K = 1 is Lamport's clock. K
    numbers a stamp; a timestamp also holds the machine, which a receiver knows as the sender.
    """

    depth: int = parameter(3, 1, 100, "K: the number of levels")

    promise = "clock condition"
    column = "list"

    def initial(self, me: int, machines: int) -> Levels:
        return (me,) + (0,) * self.depth

    def advance(self, state: Levels, at: At) -> Levels:
        return (state[0], state[1] + 1, *state[2:])

    def receive(self, state: Levels, stamp: Levels, sender: int, at: At) -> Levels:
        time = max(state[1], stamp[1]) + 1
        # Level k + 1 meets level k of the stamp; the last level of the stamp meets none.
        return (state[0], time, *map(max, state[2:], stamp[1:]))

    def precedes(self, a: Levels, b: Levels) -> bool:
        if a[1] >= b[1]:
            return False
        return a[0] == b[0] or all(map(le, a[1:], b[2:]))

    def encode(self, stamp: Levels) -> bytes:
        return encode_numbers(stamp[1:])

    def decode(self, data: bytes, bounds: Bounds) -> Levels:
        levels = read_numbers("k-lamport", data, self.depth)
        self.check("k-lamport", levels, bounds)
        return (bounds.sender, *levels)

    def check(self, clock: str, levels: list[int], bounds: Bounds) -> None:
        """Refuse levels of a stamp of `clock` that are beyond the bounds."""
        most = sum(bounds.events)
        if not 1 <= levels[0] <= most:
            raise ValueError(f"{clock}: level 1 is {levels[0]}, outside 1..{most}")
        for level, (greater, less) in enumerate(pairwise(levels), 2):
            # The receive and the send after it are two events later than the received stamp.
            if less > max(greater - 2, 0):
                raise ValueError(f"{clock}: level {level} is {less}, too near to {greater}")
