"""Readings of logs with a mistake: a machine may receive in a wrong way that is known."""

import pytest

from analysis.logs.recognition.evidence.score import Seen, score

#: a sends at each of its events; b receives every third message.
SENDS = [Seen("send", clock, ("b",)) for clock in range(1, 40)]
STAMPS = range(3, 40, 3)
FIRST = Seen("internal", 1)


@pytest.mark.parametrize("added", [0, 1, 2])
def test_a_log_is_explained_whatever_a_receive_adds(added: int) -> None:
    received = [Seen("receive", stamp + added, None, "a") for stamp in STAMPS]
    found = score({"a": SENDS, "b": [FIRST, *received]}, "after")
    assert (found.misfits, found.explained) == (0, len(received))


def test_jumps_by_arrivals_are_explained() -> None:
    """Each message arrives before an internal event, and is received after it."""
    events = [
        one
        for stamp in STAMPS
        for one in (Seen("internal", stamp + 1), Seen("receive", stamp + 2, None, "a"))
    ]
    found = score({"a": SENDS, "b": [FIRST, *events]}, "after")
    assert found.misfits == 0
    assert score({"a": SENDS[:1], "b": [FIRST, *events]}, "after").misfits > len(STAMPS) / 2


def test_a_jump_that_no_message_explains_is_a_misfit() -> None:
    received = [Seen("receive", 100 * n, None, "a") for n in range(1, 10)]
    assert score({"a": SENDS, "b": [FIRST, *received]}, "after").misfits == len(received)
