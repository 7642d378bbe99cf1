"""The hybrid vector clock: its entries, its order, and its size."""

from itertools import pairwise

import pytest
from hypothesis import given

from examples import PAIRED_STEPS
from steps import ERROR_NS, Step, Steps, claimed, drive, histories
from vm.clocks import clock_of

#: No two physical clocks are further apart.
EPSILON_US = 2 * ERROR_NS // 1000
US = 1000


@given(history=histories(max_steps=PAIRED_STEPS) | histories(stepped=True, max_steps=PAIRED_STEPS))
def test_without_a_bound_it_orders_as_a_vector_clock(history: Steps) -> None:
    assert claimed(clock_of(f"hvc:{10**15}"), history) == history.ordered()


@pytest.mark.parametrize("error_us", [EPSILON_US, 2 * EPSILON_US])
@given(history=histories(max_steps=PAIRED_STEPS))
def test_an_entry_is_the_latest_known_time_or_epsilon_behind(history: Steps, error_us: int) -> None:
    times = {step.name: max(step.physical_ns, 1) for step in history.steps}
    past = {name: [name] for name in times}
    for before, after in history.ordered():
        past[after].append(before)
    for name, entries in drive(clock_of(f"hvc:{error_us}"), history).timestamps.items():
        least = max(times[known] for known in past[name]) - error_us * US
        for machine, entry in enumerate(entries):
            known = [times[event] for event in past[name] if event[0] == machine]
            assert entry == max([0, least, *known])


@pytest.mark.parametrize("error_us", [1, 500, 5000, EPSILON_US])
@given(history=histories(max_steps=PAIRED_STEPS) | histories(stepped=True, max_steps=PAIRED_STEPS))
def test_a_claim_is_causal_or_by_times_more_than_epsilon_apart(
    history: Steps, error_us: int
) -> None:
    read, ordered = drive(clock_of(f"hvc:{error_us}"), history).timestamps, history.ordered()
    own = {name: entries[name[0]] for name, entries in read.items()}
    latest = dict(own)
    for before, after in ordered:
        latest[after] = max(latest[after], own[before])
    for a, b in claimed(clock_of(f"hvc:{error_us}"), history) - ordered:
        assert latest[b] - own[a] >= error_us * US


@given(history=histories(max_steps=PAIRED_STEPS))
def test_a_greater_epsilon_keeps_no_fewer_entries(history: Steps) -> None:
    def kept(error_us: int) -> list[int]:
        read = drive(clock_of(f"hvc:{error_us}"), history).timestamps.values()
        return [sum(entry > min(entries) for entry in entries) for entries in read]

    sizes = [kept(EPSILON_US * factor) for factor in (1, 2, 4, 1000)]
    for fewer, more in pairwise(sizes):
        assert all(a <= b for a, b in zip(fewer, more, strict=True))


def test_entries_that_are_too_old_need_no_byte() -> None:
    # Machine 0 tells machine 1 at 5 us; with an epsilon of 10 us that is old news at 20 us.
    history = Steps(
        3,
        (
            Step(0, 0, 5 * US, to=(1,)),
            Step(1, 0, 6 * US, cause=(0, 0)),
            Step(1, 1, 20 * US, to=(2,)),
            Step(2, 0, 18 * US, cause=(1, 1)),
        ),
    )
    driven = drive(clock_of("hvc:10"), history)
    assert list(driven.timestamps.values()) == [
        (5 * US, 0, 0),
        (5 * US, 6 * US, 0),
        (10 * US, 20 * US, 10 * US),
        (10 * US, 20 * US, 18 * US),
    ]
    # The least entry (2 bytes), a set of one machine, and its difference (2 bytes).
    assert len(clock_of("hvc:10").encode(driven.stamps[(1, 1), 2])) == 5


def test_a_clock_that_steps_back_goes_on_from_the_latest_time() -> None:
    history = Steps(2, (Step(0, 0, 9), Step(0, 1, 5), Step(0, 2, 20)))
    read = list(drive(clock_of("hvc"), history).timestamps.values())
    assert read == [(9, 0), (10, 0), (20, 0)]
