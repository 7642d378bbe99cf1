"""The measurement of a wall clock by round trips."""

from hypothesis import example, given
from hypothesis import strategies as st

from vm.host.wire.probing import RoundTrip, wall_offset
from vm.records import NO_OFFSET, WallOffset

MS = 10**6
DAY_NS = 24 * 3600 * 10**9
#: When a question is asked, how long it is on its way, and how long the answer is.
ways = st.tuples(st.integers(0, DAY_NS), st.integers(0, 10**10), st.integers(0, 10**10))


def trips(offset_ns: int, ways: list[tuple[int, int, int]]) -> list[RoundTrip]:
    """Round trips to a clock that is ahead by an offset."""
    return [
        RoundTrip(asked_ns, asked_ns + there_ns + offset_ns, asked_ns + there_ns + back_ns)
        for asked_ns, there_ns, back_ns in ways
    ]


@given(offset_ns=st.integers(-DAY_NS, DAY_NS), ways=st.lists(ways, min_size=1))
@example(offset_ns=1, ways=[(0, 0, 1)])
@example(offset_ns=-1, ways=[(0, 1, 0)])
@example(offset_ns=7, ways=[(1, 3, 0)])
def test_the_true_offset_is_within_the_bound(
    offset_ns: int, ways: list[tuple[int, int, int]]
) -> None:
    found = wall_offset(trips(offset_ns, ways))
    assert abs(found.offset_ns - offset_ns) <= found.bound_ns
    half_ns = -(-min(there + back for _, there, back in ways) // 2)
    assert found.bound_ns <= 2 * half_ns
    # Half a round trip bounds every offset that is not taken for none.
    assert found.bound_ns == half_ns or found.offset_ns == 0


@given(ways=st.lists(ways, min_size=1))
def test_equal_clocks_have_no_offset(ways: list[tuple[int, int, int]]) -> None:
    assert wall_offset(trips(0, ways)).offset_ns == 0


def test_the_shortest_round_trip_counts() -> None:
    slow, quick = (0, 90 * MS, 2 * MS), (500 * MS, MS, 3 * MS)
    found = wall_offset(trips(3000 * MS, [slow, quick, slow]))
    assert found == WallOffset(2999 * MS, 2 * MS)


def test_clocks_that_may_be_equal_are() -> None:
    assert wall_offset(trips(MS, [(0, 2 * MS, 2 * MS)])) == WallOffset(0, 3 * MS)
    assert wall_offset([RoundTrip(5, 5, 5)]) == NO_OFFSET
