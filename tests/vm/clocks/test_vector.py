"""Vector clocks: Mattern's example, and a law on random histories."""

import pytest
from hypothesis import given

from steps import Steps, drive, histories
from vm.clocks.clock import At, Bounds
from vm.clocks.encoding import encode_numbers
from vm.clocks.exact.vector import Vector


def test_vector_times_as_mattern_draws_them() -> None:
    # Three processes; P1 tells P2, P2 tells P3; P3's first event is concurrent with both sends.
    vector, (one, two, three) = Vector(), (At(m, f"P{m + 1}") for m in range(3))
    zero = vector.initial(0, 3)
    p1 = vector.advance(zero, one)
    p2 = vector.receive(vector.advance(zero, two), p1, 0, two)
    p3_first = vector.advance(zero, three)
    p3 = vector.receive(p3_first, p2, 1, three)
    assert (p1, p2, p3_first, p3) == ((1, 0, 0), (1, 2, 0), (0, 0, 1), (1, 2, 2))
    assert vector.precedes(p1, p3)
    assert not vector.precedes(p1, p3_first)
    assert not vector.precedes(p3_first, p1)


@given(history=histories())
def test_component_q_counts_the_events_of_q_in_the_past(history: Steps) -> None:
    assert drive(Vector(), history).timestamps == history.vectors()


@pytest.mark.parametrize("numbers", [(), (1, 2), (1, 2, 1, 1), (4, 2, 1), (0, 2, 1)])
def test_what_no_event_can_have_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^vector: "):
        Vector().decode(encode_numbers(numbers), Bounds(0, 1, (3, 3, 3)))
