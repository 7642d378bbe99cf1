"""Id trees and event trees over the interval [0, 1), as interval tree clocks use them (Almeida,
Baquero and Fonte, Interval Tree Clocks, OPODIS 2008, section 5).

An id is the part of the interval that its machine owns: 0 nothing, 1 all, (left, right) by halves.
An event tree is a function of the interval: a number, or (base, left, right), where both halves add
to the base. Trees are in normal form: each function has one tree. No tree is changed in place.
"""

from typing import TypeAlias

Id: TypeAlias = "int | tuple[Id, Id]"
Events: TypeAlias = "int | tuple[int, Events, Events]"

#: The cost of a new node, over that of any path.
_NODE_COST = 1000


def fork(own: Id) -> tuple[Id, Id]:
    """Split an id in two that share nothing.

    >>> fork(1)
    ((1, 0), (0, 1))
    """
    if own == 1:
        return (1, 0), (0, 1)
    if isinstance(own, int):
        return 0, 0
    left, right = own
    if left == 0:
        first, second = fork(right)
        return (0, first), (0, second)
    if right == 0:
        first, second = fork(left)
        return (first, 0), (second, 0)
    return (left, 0), (0, right)


def together(a: Id, b: Id) -> Id:
    """Return the id that owns what one of two disjoint ids owns.

    >>> together((1, 0), (0, 1))
    1
    """
    if isinstance(a, int) or isinstance(b, int):
        assert a == 0 or b == 0
        return b if a == 0 else a
    halves = together(a[0], b[0]), together(a[1], b[1])
    return 1 if halves == (1, 1) else halves


def join(a: Events, b: Events) -> Events:
    """Return the pointwise maximum."""
    if isinstance(a, int):
        if isinstance(b, int):
            return a if a >= b else b
        if a <= b[0]:
            return b
        a = (a, 0, 0)
    elif isinstance(b, int):
        if b <= a[0]:
            return a
        b = (b, 0, 0)
    if a[0] > b[0]:
        a, b = b, a
    above = b[0] - a[0]
    return _normal(a[0], join(a[1], _lifted(b[1], above)), join(a[2], _lifted(b[2], above)))


def event(own: Id, events: Events) -> Events:
    """Return a greater function, changed within the id only: made simpler, or else grown."""
    filled = _fill(own, events)
    return filled if filled != events else _grow(own, events)[0]


def is_at_most(a: Events, b: Events, above: int = 0) -> bool:
    """Return whether a + `above` is nowhere over b. Both may be lists, as in JSON."""
    if isinstance(a, int):
        return a + above <= (b if isinstance(b, int) else b[0])
    base, left, right = a
    if isinstance(b, int):
        return _maximum(a) + above <= b
    above += base - b[0]
    return above <= 0 and is_at_most(left, b[1], above) and is_at_most(right, b[2], above)


def _normal(base: int, left: Events, right: Events) -> Events:
    """Return the tree in normal form: no two equal leaves, and no base that both halves share."""
    if isinstance(left, int) and left == right:
        return base + left
    low = min(_minimum(left), _minimum(right))
    return (base + low, _lifted(left, -low), _lifted(right, -low)) if low else (base, left, right)


def _lifted(events: Events, by: int) -> Events:
    return events + by if isinstance(events, int) else (events[0] + by, events[1], events[2])


def _minimum(events: Events) -> int:
    """Return the least value: in normal form that of the base."""
    return events if isinstance(events, int) else events[0]


def _maximum(events: Events) -> int:
    if isinstance(events, int):
        return events
    return events[0] + max(_maximum(events[1]), _maximum(events[2]))


def _fill(own: Id, events: Events) -> Events:
    """Raise the owned part where this makes the tree simpler."""
    if own == 0 or isinstance(events, int):
        return events
    if isinstance(own, int):
        return _maximum(events)
    base, left, right = events
    if own[0] == 1:
        right = _fill(own[1], right)
        return _normal(base, max(_maximum(left), _minimum(right)), right)
    if own[1] == 1:
        left = _fill(own[0], left)
        return _normal(base, left, max(_maximum(right), _minimum(left)))
    return _normal(base, _fill(own[0], left), _fill(own[1], right))


def _grow(own: Id, events: Events) -> tuple[Events, int]:
    """Add 1 to a part of the owned interval where this costs least; return the cost, too."""
    if isinstance(events, int):
        if isinstance(own, int):
            return events + 1, 0
        grown, cost = _grow(own, (events, 0, 0))
        return grown, cost + _NODE_COST
    assert not isinstance(own, int)  # `_fill` has made it a leaf
    base, left, right = events
    if own[0] == 0:
        grown, cost = _grow(own[1], right)
        return (base, left, grown), cost + 1
    if own[1] == 0:
        grown, cost = _grow(own[0], left)
        return (base, grown, right), cost + 1
    (lefts, left_cost), (rights, right_cost) = _grow(own[0], left), _grow(own[1], right)
    if left_cost < right_cost:
        return (base, lefts, right), left_cost + 1
    return (base, left, rights), right_cost + 1
