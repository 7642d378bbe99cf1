"""The K-Lamport clock: its levels, and how more of them order less."""

from hypothesis import given

from examples import PAIRED_STEPS
from steps import Step, Steps, claimed, drive, histories
from vm.clocks import clock_of


@given(history=histories())
def test_level_1_is_lamports_time_and_the_next_the_greatest_received(history: Steps) -> None:
    driven, depth = drive(clock_of("k-lamport:4"), history), 4
    times = drive(clock_of("lamport"), history).timestamps
    greatest = [[0] * depth for _ in range(history.machines)]
    for step in history.steps:
        me, (machine, *levels) = step.machine, driven.timestamps[step.name]
        if step.cause:
            stamp = driven.stamps[step.cause, me][1:]
            greatest[me] = list(map(max, greatest[me], stamp))
        assert machine == me
        assert levels == [times[step.name], *greatest[me][: depth - 1]]


@given(history=histories(max_steps=PAIRED_STEPS))
def test_a_further_level_adds_no_claim(history: Steps) -> None:
    fewer = claimed(clock_of("lamport"), history)
    assert claimed(clock_of("k-lamport:1"), history) == fewer
    for depth in (2, 3, 4):
        more, fewer = fewer, claimed(clock_of(f"k-lamport:{depth}"), history)
        assert fewer <= more


def test_events_of_machines_that_received_nothing_are_not_ordered() -> None:
    clock = clock_of("k-lamport:2")
    history = Steps(2, (Step(0, 0, 0), Step(1, 0, 0), Step(1, 1, 0)))
    first, _, third = drive(clock, history).timestamps.values()
    assert clock_of("lamport").precedes(first[1], third[1])
    assert not clock.precedes(first, third)


def test_levels_move_up_from_hop_to_hop() -> None:
    history = Steps(
        3,
        (
            Step(0, 0, 0, to=(1,)),
            Step(1, 0, 0, cause=(0, 0)),
            Step(1, 1, 0, to=(2,)),
            Step(2, 0, 0, cause=(1, 1)),
        ),
    )
    read = list(drive(clock_of("k-lamport:3"), history).timestamps.values())
    assert read == [(0, 1, 0, 0), (1, 2, 1, 0), (1, 3, 1, 0), (2, 4, 3, 1)]
