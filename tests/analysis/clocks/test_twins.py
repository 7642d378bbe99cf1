"""Vectorised twins against the clocks of the same names, timestamp by timestamp."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.clocks import TWINS, twin_of
from analysis.clocks.twin import Steps
from analysis.history.run import schema_of
from vm.clocks import clock_of
from vm.clocks.clock import At

MACHINES = 3

#: Small numbers, so that timestamps are often equal, or comparable.
numbers = st.integers(0, 3)
rows = st.lists(st.tuples(*[st.tuples(*[numbers] * MACHINES)] * 2), min_size=1, max_size=8)
every_twin = pytest.mark.parametrize("clock", TWINS)


def timestamp(clock: str, numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    return numbers[0] if clock_of(clock).column == "number" else numbers


def array(clock: str, timestamps: list[int | tuple[int, ...]]) -> np.ndarray:
    type_ = schema_of([clock])[f"clock_{clock}"]
    return twin_of(clock).read(pl.Series(timestamps, dtype=type_), MACHINES)


def steps(me: int, count: int) -> Steps:
    each = np.zeros(count, np.int64)
    return Steps(np.full(count, me, np.int32), each, each.astype(np.int32) - 1, each)


@every_twin
@given(pairs=rows, me=st.integers(0, MACHINES - 1))
def test_a_twin_equals_its_clock(clock: str, pairs: list, me: int) -> None:
    one, many, at = clock_of(clock), twin_of(clock), At(me, "")
    a = [timestamp(clock, a) for a, _ in pairs]
    b = [timestamp(clock, b) for _, b in pairs]
    read_a, read_b = array(clock, a), array(clock, b)
    mine = steps(me, len(a))
    both = list(zip(a, b, strict=True))
    assert many.precedes(read_a, read_b).tolist() == [one.precedes(x, y) for x, y in both]
    assert many.equal(read_a, read_b).tolist() == [x == y for x, y in both]
    received = [one.receive(x, y, 0, at) for x, y in both]
    assert np.array_equal(many.due(read_a, read_b, mine), array(clock, received))
    advanced = [one.advance(x, at) for x in a]
    assert np.array_equal(many.due(read_a, read_a, mine), array(clock, advanced))
    initial = [one.initial(me, MACHINES)] * len(a)
    assert np.array_equal(many.initial(MACHINES, mine.me), array(clock, initial))
    assert [timestamp.tolist() for timestamp in read_a] == [
        x if isinstance(x, int) else [*x] for x in a
    ]
    pairs_of_a = [(x, y) for n, x in enumerate(a) for y in a[:n]]
    left = sum(not one.precedes(x, y) and not one.precedes(y, x) for x, y in pairs_of_a)
    assert many.unordered(read_a) in (left, None)
