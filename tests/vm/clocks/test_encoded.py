"""The clock of primes on random histories."""

import pytest
from hypothesis import given

from claims import check_wire, claims
from steps import Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import At, Bounds, Overflow
from vm.clocks.exact.encoded import prime

CLOCK = clock_of("encoded")


@given(history=histories())
def test_factorises_to_the_vector(history: Steps) -> None:
    vectors = history.vectors()
    for event, text in drive(CLOCK, history).timestamps.items():
        number = 1
        for machine, count in enumerate(vectors[event]):
            number *= prime(machine) ** count
        assert int(text, 16) == number


@given(history=histories(max_steps=120))
def test_orders_exactly_the_causally_related_pairs(history: Steps) -> None:
    driven = drive(CLOCK, history)
    assert claims(CLOCK, driven) == history.ordered()
    check_wire(CLOCK, history, driven)


def test_example_of_two_machines() -> None:
    """Primes 2 and 3: two events, a send received after an own event, and the reply."""
    history = Steps(
        2,
        (
            Step(0, 0, 0),
            Step(0, 1, 0, to=(1,)),
            Step(1, 0, 0),
            Step(1, 1, 0, cause=(0, 1)),
            Step(1, 2, 0, to=(0,)),
            Step(0, 2, 0, cause=(1, 2)),
        ),
    )
    numbers = [int(text, 16) for text in drive(CLOCK, history).timestamps.values()]
    assert numbers == [2, 4, 3, 36, 108, 216]


def test_stops_at_its_limit() -> None:
    clock = clock_of("encoded:8")
    at = At(0, "vm1", 7)
    assert clock.advance(127, at) == 254
    reason = "^encoded: event 7 of vm1 needs 9 bits, over the limit of 8$"
    with pytest.raises(Overflow, match=reason):
        clock.advance(128, at)
    with pytest.raises(Overflow, match=reason):
        clock.receive(81, 2, 1, at)


def test_a_longer_text_than_its_limit_is_no_timestamp() -> None:
    clock = clock_of("encoded:9")
    assert clock.is_timestamp("1ff", 3)
    assert not clock.is_timestamp("1fff", 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a stamp of no bytes"),
        (b"\x00\x03", "a stamp of no bytes, or with leading zeros"),
        (b"\x01" * 3000, "23993 bits, over the limit of 4096"),
        (b"\x0e", "a factor that is the prime of no machine"),
        (b"\x20", "exponent 0 is 5, outside 0..4"),
        (b"\x05", "the sender's exponent is 0"),
        (b"\x00", "a stamp of no bytes, or with leading zeros"),
    ],
)
def test_refuses_what_no_message_can_carry(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^encoded: {reason}"):
        CLOCK.decode(data, Bounds(sender=0, receiver=1, events=(4, 5, 6)))
