"""The differential vector clock on random histories of FIFO channels without loss."""

import pytest
from hypothesis import given

from claims import check_wire, claims
from steps import Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import Bounds

CLOCK = clock_of("differential")
BOUNDS = Bounds(sender=1, receiver=0, events=(4, 5, 6))


@given(history=histories(fifo=True))
def test_state_and_timestamp_are_the_vector(history: Steps) -> None:
    assert drive(CLOCK, history).timestamps == history.vectors()


@given(history=histories(fifo=True))
def test_a_message_carries_exactly_the_components_that_changed(history: Steps) -> None:
    vectors, driven = history.vectors(), drive(CLOCK, history)
    last = dict[tuple[int, int], tuple[int, ...]]()
    for step in history.steps:
        for receiver in step.to:
            channel, vector = (step.machine, receiver), vectors[step.name]
            before = last.get(channel, (0,) * history.machines)
            assert driven.stamps[step.name, receiver] == tuple(
                (q, count) for q, count in enumerate(vector) if count != before[q]
            )
            last[channel] = vector


@given(history=histories(fifo=True, max_steps=120))
def test_orders_exactly_the_causally_related_pairs(history: Steps) -> None:
    driven = drive(CLOCK, history)
    assert claims(CLOCK, driven) == history.ordered()
    check_wire(CLOCK, history, driven)


@given(history=histories(fifo=True))
def test_a_second_copy_changes_nothing(history: Steps) -> None:
    """A copy that follows at any time after the first one, as a later receive of the same send."""
    repeated, counts, named = list[Step](), [0] * history.machines, dict[tuple[int, int], Step]()
    for step in history.steps:
        for cause in [step.cause, step.cause] if step.cause else [None]:
            sent = named[cause].name if cause else None
            copy = step._replace(index=counts[step.machine], cause=sent)
            counts[step.machine] += 1
            repeated.append(copy)
        named[step.name] = copy
    again = Steps(history.machines, tuple(repeated))
    assert drive(CLOCK, again).timestamps == again.vectors()


def test_misses_a_component_if_a_message_overtakes_another() -> None:
    """2 → 0, then 0 sends to 1 twice, and the second message arrives first: only the first one
    carries the component of machine 2."""
    history = Steps(
        3,
        (
            Step(2, 0, 0, to=(0,)),
            Step(0, 0, 0, cause=(2, 0)),
            Step(0, 1, 0, to=(1,)),
            Step(0, 2, 0, to=(1,)),
            Step(1, 0, 0, cause=(0, 2)),
        ),
    )
    driven = drive(CLOCK, history)
    assert CLOCK.needs_fifo
    assert driven.stamps[(0, 1), 1] == ((0, 2), (2, 1))
    assert driven.stamps[(0, 2), 1] == ((0, 3),)
    assert (driven.timestamps[1, 0], history.vectors()[1, 0]) == ((3, 1, 0), (3, 1, 1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the sender's component is missing"),
        (b"\x01", "the last machine has no component"),
        (b"\x80", "the last number is cut off"),
        (b"\x03\x01", "machine 3 is outside 0..2"),
        (b"\x01\x01\x00\x01", "machine 0 is outside 2..2"),
        (b"\x01\x00", "component 1 is 0, so it has not changed"),
        (b"\x01\x06", "component 1 is 6, outside 0..5"),
        (b"\x00\x01", "the sender's component is missing"),
    ],
)
def test_refuses_what_no_message_can_carry(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^differential: {reason}"):
        CLOCK.decode(data, BOUNDS)
