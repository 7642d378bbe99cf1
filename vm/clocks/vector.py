"""The vector clock (Fidge 1988; Mattern, Virtual Time and Global States, 1989)."""

from collections.abc import Sequence


class Vector:
    """One counter per machine at every machine: component q counts the known events of q.

    Orders exactly the causally related pairs of events.
    """

    strong = True

    def initial(self, machines: int) -> tuple[int, ...]:
        return (0,) * machines

    def advance(self, own: tuple[int, ...], me: int) -> tuple[int, ...]:
        return (*own[:me], own[me] + 1, *own[me + 1 :])

    def receive(self, own: tuple[int, ...], stamp: tuple[int, ...], me: int) -> tuple[int, ...]:
        return self.advance(tuple(map(max, own, stamp)), me)

    def precedes(self, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    def encode(self, timestamp: tuple[int, ...]) -> tuple[int, ...]:
        return timestamp

    def decode(self, numbers: Sequence[int], events: Sequence[int]) -> tuple[int, ...]:
        if len(numbers) != len(events):
            raise ValueError(f"a vector timestamp is {len(events)} numbers, not {len(numbers)}")
        for component, (number, most) in enumerate(zip(numbers, events, strict=True)):
            if not 0 <= number <= most:
                raise ValueError(f"vector component {component} is {number}, outside 0..{most}")
        return tuple(numbers)
