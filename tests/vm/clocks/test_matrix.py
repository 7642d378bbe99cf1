"""The matrix clock on random histories."""

import pytest
from hypothesis import given

from claims import check_wire, claims
from steps import Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import Bounds

CLOCK = clock_of("matrix")


@given(history=histories())
def test_row_q_is_the_vector_of_the_last_known_event_of_q(history: Steps) -> None:
    vectors = history.vectors()
    zero = (0,) * history.machines
    for event, rows in drive(CLOCK, history).timestamps.items():
        known = vectors[event]
        assert rows == tuple(vectors.get((q, known[q] - 1), zero) for q in range(len(known)))
        assert rows[event[0]] == known


@given(history=histories(max_steps=120))
def test_orders_exactly_the_causally_related_pairs(history: Steps) -> None:
    driven = drive(CLOCK, history)
    assert claims(CLOCK, driven) == history.ordered()
    check_wire(CLOCK, history, driven)


def test_example_of_two_machines() -> None:
    """A request and its reply: then machine 0 knows that machine 1 knows its first event."""
    history = Steps(
        2,
        (
            Step(0, 0, 0, to=(1,)),
            Step(1, 0, 0, cause=(0, 0)),
            Step(1, 1, 0, to=(0,)),
            Step(0, 1, 0, cause=(1, 1)),
        ),
    )
    assert list(drive(CLOCK, history).timestamps.values()) == [
        ((1, 0), (0, 0)),
        ((1, 0), (1, 1)),
        ((1, 0), (1, 2)),
        ((2, 2), (1, 2)),
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "a stamp is 9 numbers, not 0"),
        ([1, 0, 0, 0], "a stamp is 9 numbers, not 4"),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0], "the sender's component is 0"),
        ([5, 0, 0, 0, 0, 0, 0, 0, 0], "component 0 is 5, outside 0..4"),
        ([2, 2, 0, 0, 1, 0, 0, 0, 0], "row 1 is that of event 1, not of 2"),
        ([2, 0, 0, 1, 0, 0, 0, 0, 0], "row 1 of a machine without an event is not zero"),
        ([2, 1, 1, 0, 1, 2, 0, 0, 1], "row 0 lacks the past of row 1"),
        ([2, 2, 0, 2, 2, 0, 0, 0, 0], "rows 0 and 1 are each in the past of the other"),
        ([2, 2, 2, 0, 2, 2, 1, 1, 2], "row 1 lacks the past of row 2"),
    ],
)
def test_refuses_what_no_message_can_carry(rows: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^matrix: {reason}"):
        CLOCK.decode(bytes(rows), Bounds(sender=0, receiver=1, events=(4, 5, 6)))
