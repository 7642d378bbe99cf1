"""The vector clock as one number, a product of primes (Kshemkalyani, Shen and Voleti 2020)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, lcm, log2
from typing import Any

from vm.clocks.clock import At, Bounds, Clock, Overflow, parameter

#: A whole number that is not 0.
HEX = re.compile("[1-9a-f][0-9a-f]*")


@dataclass(frozen=True)
class Encoded(Clock[int]):
    """One number per machine: an event of machine q multiplies by the prime of q, a receive first
    takes the least common multiple of both numbers (Prime clock: Encoded vector clock to
    characterize causality in distributed systems, JPDC 140, 2020, section 3). The exponent of the
    prime of q is component q of the vector.

    Orders exactly the causally related pairs of events, by divisibility. A number grows by 1 to
    11 bits with each known event, so it soon needs more bits than the vector; `advance` and
    `receive` raise Overflow if it would need more than `bits`. A timestamp is hexadecimal text:
    decimal text takes quadratic time, and Python refuses it above 4,300 digits.
    """

    bits: int = parameter(4096, 1, 16384, "largest size of a timestamp in bits")

    promise = "strong clock condition"
    column = "text"

    def initial(self, me: int, machines: int) -> int:
        return 1

    def advance(self, state: int, at: At) -> int:
        number = state * prime(at.me)
        if number.bit_length() > self.bits:
            raise Overflow(
                f"encoded: event {at.index} of {at.machine} needs {number.bit_length()} bits, "
                f"over the limit of {self.bits}"
            )
        return number

    def receive(self, state: int, stamp: int, sender: int, at: At) -> int:
        return self.advance(lcm(state, stamp), at)

    def timestamp(self, state: int) -> str:
        return f"{state:x}"

    def is_timestamp(self, value: Any, machines: int) -> bool:
        # A division of longer numbers, which no machine logs, takes quadratic time.
        is_short = isinstance(value, str) and len(value) <= -(-self.bits // 4)
        return is_short and HEX.fullmatch(value) is not None

    def limit(self, events: Sequence[int]) -> str:
        bits = ceil(sum(count * log2(prime(q)) for q, count in enumerate(events))) + 1
        return f"its events can need {bits} bits" if bits > self.bits else ""

    def precedes(self, a: str, b: str) -> bool:
        # A divisor has no more digits; most pairs that are not ordered end here.
        return len(a) <= len(b) and a != b and not int(b, 16) % int(a, 16)

    def encode(self, stamp: int) -> bytes:
        return stamp.to_bytes((stamp.bit_length() + 7) // 8)

    def decode(self, data: bytes, bounds: Bounds) -> int:
        number = int.from_bytes(data)
        if not data or data[0] == 0:
            raise ValueError("encoded: a stamp of no bytes, or with leading zeros")
        if number.bit_length() > self.bits:
            raise ValueError(f"encoded: {number.bit_length()} bits, over the limit of {self.bits}")
        rest = number
        for machine, most in enumerate(bounds.events):
            factor, count = prime(machine), 0
            while not rest % factor:
                rest, count = rest // factor, count + 1
            if count > most:
                raise ValueError(f"encoded: exponent {machine} is {count}, outside 0..{most}")
            if not count and machine == bounds.sender:
                raise ValueError("encoded: the sender's exponent is 0, but a send is an event")
        if rest != 1:
            raise ValueError("encoded: a factor that is the prime of no machine")
        return number


@cache
def prime(machine: int) -> int:
    """Return the prime of the machine at this position.

    >>> [prime(machine) for machine in range(5)]
    [2, 3, 5, 7, 11]
    """
    smaller = [prime(before) for before in range(machine)]
    number = smaller[-1] + 1 if smaller else 2
    while not all(number % factor for factor in smaller):
        number += 1
    return number
