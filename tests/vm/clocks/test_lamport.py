"""The rules of Lamport's paper, and a law: the clock is the longest causal path."""

import pytest
from hypothesis import given

from steps import Steps, drive, histories
from vm.clocks.clock import At, Bounds
from vm.clocks.lamport import Lamport

P, Q = At(0, "P"), At(1, "Q")


def test_lamports_rules() -> None:
    # IR1 and IR2: P sends in its second event, Q's first receives it, Q answers.
    lamport = Lamport()
    p1 = lamport.advance(lamport.initial(0, 2), P)
    p2 = lamport.advance(p1, P)
    q1 = lamport.receive(lamport.initial(1, 2), p2, 0, Q)
    q2 = lamport.advance(q1, Q)
    p3 = lamport.receive(p2, q2, 1, P)
    assert (p1, p2, q1, q2, p3) == (1, 2, 3, 4, 5)
    # A message from the past does not turn the clock back.
    assert lamport.receive(9, 3, 1, P) == 10
    # It orders concurrent events, too.
    assert lamport.precedes(1, 2)


@given(history=histories())
def test_a_timestamp_is_the_length_of_the_longest_path_to_the_event(history: Steps) -> None:
    longest: dict[tuple[int, int], int] = {}
    for step in history.steps:
        own = longest.get((step.machine, step.index - 1), 0)
        longest[step.name] = max(own, longest[step.cause] if step.cause else 0) + 1
    assert drive(Lamport(), history).timestamps == longest


@pytest.mark.parametrize(
    "stamp", [b"", b"\x00", b"\x01\x01", b"\x80", b"\x81\x00", b"\x0a", b"\xff" * 11]
)
def test_what_no_event_can_have_is_refused(stamp: bytes) -> None:
    with pytest.raises(ValueError, match=r"^lamport: "):
        Lamport().decode(stamp, Bounds(0, 1, (3, 3, 3)))


def test_all_events_so_far_can_be_one_path() -> None:
    assert Lamport().decode(b"\x09", Bounds(0, 1, (3, 3, 3))) == 9
