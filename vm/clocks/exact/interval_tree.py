"""The interval tree clock (Almeida, Baquero and Fonte 2008)."""

from collections.abc import Iterator
from functools import cache, lru_cache
from json import JSONEncoder, loads
from typing import Any

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.exact.intervals import Events, Id, event, fork, is_at_most, join

#: A stamp in the paper's sense: the id of a machine and its event tree.
Owned = tuple[Id, Events]
#: The most bits of a number in a stamp.
_MAX_WIDTH = 64

_text = JSONEncoder(separators=(",", ":")).encode


class IntervalTree(Clock[Owned]):
    """Each machine owns a part of the interval [0, 1) and raises a function of it, a tree of
    numbers (Interval Tree Clocks: A Logical Clock for Dynamic Systems, OPODIS 2008, sections 3
    and 5). The parts come from forks of the seed in halves. An event raises the own part, and
    higher where the tree gets simpler; a send is an event and a peek, and a receive joins the
    anonymous stamp, then is an event. A machine that crashes retires: its id stays in its log.
    A restart is the join with that stamp, so no two machines ever own the same part.

    Orders exactly the causally related pairs of events, by the order of functions. A tree has 1 to
    2 N - 1 nodes, few where machines have just heard of one another. A timestamp is the tree as
    JSON text, a number or [base,left,right]: no column has lists of any depth. A stamp has the
    bits of the paper's encoding.
    """

    promise = "strong clock condition"
    column = "text"

    def initial(self, me: int, machines: int) -> Owned:
        return _ids(machines)[me], 0

    def advance(self, state: Owned, at: At) -> Owned:
        own, events = state
        return own, event(own, events)

    def stamp(self, state: Owned, to: int) -> tuple[Owned, Events]:
        return state, state[1]

    def receive(self, state: Owned, stamp: Events, sender: int, at: At) -> Owned:
        own, events = state
        return own, event(own, join(events, stamp))

    def timestamp(self, state: Owned) -> str:
        return _text(state[1])

    def is_timestamp(self, value: Any, machines: int) -> bool:
        try:
            return isinstance(value, str) and _is_tree(_tree(value), machines)
        except (ValueError, RecursionError):
            return False

    def precedes(self, a: str, b: str) -> bool:
        return a != b and is_at_most(_tree(a), _tree(b))

    def encode(self, stamp: Events) -> bytes:
        bits = _bits(stamp)
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8)

    def decode(self, data: bytes, bounds: Bounds) -> Events:
        bits = iter(f"{int.from_bytes(data):0{8 * len(data)}b}" if data else "")
        try:
            events = _read(bits, len(bounds.events))
        except StopIteration:
            raise ValueError("interval-tree: the stamp is cut off") from None
        if self.encode(events) != data:
            raise ValueError("interval-tree: a tree in a longer form than needed, or bits after it")
        _check(events, 0, range(len(bounds.events)), bounds)
        return events


# Comparisons of one event with many others read its text once.
@lru_cache(4096)
def _tree(text: str) -> Any:
    return loads(text)


def _is_tree(value: Any, machines: int) -> bool:
    """Return whether a value is an event tree over the parts of so many machines."""
    if not isinstance(value, list):
        return type(value) is int and value >= 0
    if machines == 1 or len(value) != 3 or type(value[0]) is not int or value[0] < 0:
        return False
    half = _half(machines)
    return _is_tree(value[1], half) and _is_tree(value[2], machines - half)


@cache
def _ids(machines: int, own: Id = 1) -> tuple[Id, ...]:
    """Return as many ids by forks of one, in halves as equal as possible."""
    if machines == 1:
        return (own,)
    left, right = fork(own)
    return _ids(_half(machines), left) + _ids(machines - _half(machines), right)


def _half(machines: int) -> int:
    return (machines + 1) // 2


def _bits(events: Events) -> str:
    """Return the bits of an event tree."""
    if isinstance(events, int):
        return "1" + _number_bits(events)
    base, left, right = events
    halves = ("" if left == 0 else _bits(left)) + ("" if right == 0 else _bits(right))
    if base:
        kind = "1" if left and right else "01" if left else "00"
        return f"011{kind}1{_number_bits(base)}{halves}"
    return ("010" if left and right else "001" if left else "000") + halves


def _number_bits(number: int) -> str:
    """Return a number in 2 bits after a 0, or less 4 in 3 bits after 10, and so on."""
    width = 2
    while number >= 1 << width:
        number -= 1 << width
        width += 1
    return "1" * (width - 2) + f"0{number:0{width}b}"


def _read(bits: Iterator[str], machines: int) -> Events:
    """Return the event tree of an interval of `machines` machines; StopIteration if it is cut."""
    if next(bits) == "1":
        return _read_number(bits)
    if machines == 1:
        raise ValueError("interval-tree: the interval of one machine is divided")
    base, kind = 0, next(bits) + next(bits)
    if kind == "11":
        kind = "10" if next(bits) == "1" else "0" + next(bits)
        if next(bits) != "1" or not (base := _read_number(bits)):
            raise ValueError("interval-tree: a base is no number, or 0")
    left = 0 if kind == "00" else _read(bits, _half(machines))
    right = 0 if kind == "01" else _read(bits, machines - _half(machines))
    return base, left, right


def _read_number(bits: Iterator[str]) -> int:
    width, first, number = 2, 0, 0
    while next(bits) == "1":
        first += 1 << width
        if (width := width + 1) > _MAX_WIDTH:
            raise ValueError(f"interval-tree: a number of more than {_MAX_WIDTH} bits")
    for _ in range(width):
        number = 2 * number + (next(bits) == "1")
    return first + number


def _check(events: Events, above: int, machines: range, bounds: Bounds) -> None:
    """Check the heights over the parts of these machines, and the normal form."""
    if not isinstance(events, int):
        base, left, right = events
        least = [half if isinstance(half, int) else half[0] for half in (left, right)]
        if min(least) or left == right == 0:
            raise ValueError("interval-tree: the tree is not in normal form")
        half = _half(len(machines))
        _check(left, above + base, machines[:half], bounds)
        _check(right, above + base, machines[half:], bounds)
        return
    height = above + events
    # An event raises the greatest height by 1 at most.
    if height > (most := sum(bounds.events)):
        raise ValueError(f"interval-tree: height {height} is outside 0..{most}")
    if height and not all(bounds.events[machine] for machine in machines):
        raise ValueError("interval-tree: the part of a machine without an event is raised")
    if not height and bounds.sender in machines:
        raise ValueError("interval-tree: the part of the sender is 0, but a send is an event")
