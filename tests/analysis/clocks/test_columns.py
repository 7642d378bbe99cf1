"""What is said of whole columns of timestamps, against what each clock says of two."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.clocks.columns import STAMPS, plain
from analysis.history.run import SCHEMA
from vm.clocks import CLOCKS

MACHINES = 3

#: Small numbers, so that timestamps are often equal, or comparable.
numbers = st.integers(0, 3)
rows = st.lists(st.tuples(*[st.tuples(*[numbers] * MACHINES)] * 2), min_size=1, max_size=8)
every_clock = pytest.mark.parametrize("clock", CLOCKS)


def test_there_is_an_entry_for_every_clock() -> None:
    assert list(STAMPS) == list(CLOCKS)


def readings(clock: str, numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    return numbers[0] if isinstance(CLOCKS[clock].initial(MACHINES), int) else numbers


def column(clock: str, stamps: list[int | tuple[int, ...]]) -> np.ndarray:
    return STAMPS[clock].read(pl.Series(stamps, dtype=SCHEMA[f"clock_{clock}"]), MACHINES)


@every_clock
@given(pairs=rows, me=st.integers(0, MACHINES - 1))
def test_columns_say_what_the_clock_says(clock: str, pairs: list, me: int) -> None:
    one, many = CLOCKS[clock], STAMPS[clock]
    a = [readings(clock, a) for a, _ in pairs]
    b = [readings(clock, b) for _, b in pairs]
    read_a, read_b = column(clock, a), column(clock, b)
    mine = np.full(len(a), me, np.int32)
    both = list(zip(a, b, strict=True))
    assert many.precedes(read_a, read_b).tolist() == [one.precedes(x, y) for x, y in both]
    assert many.equal(read_a, read_b).tolist() == [x == y for x, y in both]
    received = [one.receive(x, y, me) for x, y in both]
    assert np.array_equal(many.due(read_a, read_b, mine), column(clock, received))
    advanced = [one.advance(x, me) for x in a]
    assert np.array_equal(many.due(read_a, read_a, mine), column(clock, advanced))
    initial = one.initial(MACHINES)
    assert np.array_equal(many.initial(MACHINES), column(clock, [initial]))
    assert [plain(stamp) for stamp in read_a] == [x if isinstance(x, int) else [*x] for x in a]
    pairs_of_a = [(x, y) for n, x in enumerate(a) for y in a[:n]]
    left = sum(not one.precedes(x, y) and not one.precedes(y, x) for x, y in pairs_of_a)
    assert many.unordered(read_a) in (left, None)
