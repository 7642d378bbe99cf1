import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.schedule import SECOND_NS, Schedule
from vm.spec import MAX_TICK_RATE_HZ

schedules = st.integers(1, MAX_TICK_RATE_HZ).flatmap(
    lambda rate: st.builds(Schedule, st.just(rate), st.integers(0, SECOND_NS // rate - 1))
)


@given(schedule=schedules, tick=st.integers(0, 10**9))
def test_ticks_before_counts_exactly_the_ticks_that_are_due(schedule: Schedule, tick: int) -> None:
    due_ns = schedule.due_ns(tick)
    assert schedule.ticks_before(due_ns) == tick
    assert schedule.ticks_before(due_ns + 1) == tick + 1


@given(schedule=schedules, ticks=st.lists(st.integers(0, 10**9), max_size=5))
def test_ticks_are_told_with_when_they_are_due(schedule: Schedule, ticks: list[int]) -> None:
    assert list(schedule.dues_ns(ticks)) == [(tick, schedule.due_ns(tick)) for tick in ticks]


def test_three_ticks_a_second_do_not_drift() -> None:
    schedule = Schedule(3, phase_ns=5)
    assert schedule.due_ns(3 * 24 * 60 * 60) == 24 * 60 * 60 * SECOND_NS + 5


def test_nothing_is_due_before_the_epoch() -> None:
    assert Schedule(6, phase_ns=0).ticks_before(-5 * SECOND_NS) == 0
    assert Schedule(6, phase_ns=0).ticks_before(0) == 0


@pytest.mark.parametrize(
    ("late_ns", "first"),
    [
        pytest.param(0, 10, id="in time"),
        pytest.param(250_000_000, 10, id="exactly a period late is late, not missed"),
        pytest.param(250_000_001, 11, id="more than a period late is missed"),
        pytest.param(750_000_001, 13, id="three are missed"),
    ],
)
def test_a_tick_more_than_a_period_late_is_skipped(late_ns: int, first: int) -> None:
    schedule = Schedule(4, phase_ns=17)
    assert schedule.skip_missed(10, schedule.due_ns(10) + late_ns) == first


@given(schedule=schedules, tick=st.integers(0, 10**6), now_ns=st.integers(0, 10**13))
def test_what_is_not_skipped_is_at_most_a_period_late(
    schedule: Schedule, tick: int, now_ns: int
) -> None:
    first = schedule.skip_missed(tick, now_ns)
    assert first >= tick
    assert now_ns - schedule.due_ns(first) <= schedule.period_ns
    if first > tick:
        assert now_ns - schedule.due_ns(first - 1) > schedule.period_ns
