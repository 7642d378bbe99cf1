"""Lamport's scalar clock (Time, Clocks, and the Ordering of Events, CACM 1978, rules IR1, IR2)."""

from collections.abc import Sequence


class Lamport:
    """One counter per machine. Orders every causally related pair of events, and many others."""

    strong = False

    def initial(self, machines: int) -> int:
        return 0

    def advance(self, own: int, me: int) -> int:
        return own + 1

    def receive(self, own: int, stamp: int, me: int) -> int:
        return max(own, stamp) + 1

    def precedes(self, a: int, b: int) -> bool:
        return a < b

    def encode(self, timestamp: int) -> tuple[int]:
        return (timestamp,)

    def decode(self, numbers: Sequence[int], events: Sequence[int]) -> int:
        if len(numbers) != 1:
            raise ValueError(f"a lamport timestamp is 1 number, not {len(numbers)}")
        # A timestamp is the length of a causal path, which has at most all events so far.
        if not 1 <= numbers[0] <= sum(events):
            raise ValueError(f"lamport timestamp {numbers[0]} is outside 1..{sum(events)}")
        return numbers[0]
