"""Direct dependencies on random histories."""

from collections.abc import Mapping

import pytest
from hypothesis import given

from claims import check_wire, claims
from steps import Name, Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import Bounds

CLOCK = clock_of("direct")


def closure(dependencies: Mapping[Name, tuple[int, ...]]) -> dict[Name, tuple[int, ...]]:
    """Return the vectors of events from their direct dependency vectors alone."""
    found = dict[Name, tuple[int, ...]]()

    def visit(event: Name) -> tuple[int, ...]:
        if event not in found:
            direct = dependencies[event]
            # Counts name the last event of each machine; of the own one, the event before.
            named = [(q, count - 1 - (q == event[0])) for q, count in enumerate(direct)]
            pasts = [visit(name) for name in named if name[1] >= 0]
            found[event] = tuple(map(max, zip(direct, *pasts, strict=True)))
        return found[event]

    # In the order of indices, so that own pasts do not nest.
    for event in sorted(dependencies, key=lambda event: event[1]):
        visit(event)
    return found


@given(history=histories())
def test_the_closure_is_the_vector(history: Steps) -> None:
    assert closure(drive(CLOCK, history).timestamps) == history.vectors()


@given(history=histories())
def test_components_are_the_last_direct_sends_and_the_own_events(history: Steps) -> None:
    received = [[0] * history.machines for _ in range(history.machines)]
    timestamps = drive(CLOCK, history).timestamps
    for step in history.steps:
        own = received[step.machine]
        own[step.machine] += 1
        if step.cause:
            sender, index = step.cause
            own[sender] = max(own[sender], index + 1)
        assert timestamps[step.name] == tuple(own)


@given(history=histories(max_steps=120))
def test_orders_no_concurrent_pair_and_all_pairs_of_one_machine(history: Steps) -> None:
    driven, ordered = drive(CLOCK, history), history.ordered()
    claimed = claims(CLOCK, driven)
    assert claimed <= ordered
    assert {(a, b) for a, b in ordered if a[0] == b[0]} <= claimed
    check_wire(CLOCK, history, driven)


@given(history=histories(max_steps=120))
def test_orders_a_pair_if_the_second_itself_received_all_that_the_first_depends_on(
    history: Steps,
) -> None:
    timestamps = drive(CLOCK, history).timestamps
    direct = {
        (a, b)
        for b, received in timestamps.items()
        for a, depends in timestamps.items()
        if a != b and all(received[q] >= count for q, count in enumerate(depends))
    }
    assert claims(CLOCK, drive(CLOCK, history)) == direct


def test_loses_a_pair_over_a_third_machine() -> None:
    """0 → 1 → 2: machine 2 has not received from machine 0 itself."""
    history = Steps(
        3,
        (
            Step(0, 0, 0, to=(1,)),
            Step(1, 0, 0, cause=(0, 0)),
            Step(1, 1, 0, to=(2,)),
            Step(2, 0, 0, cause=(1, 1)),
        ),
    )
    driven = drive(CLOCK, history)
    assert driven.timestamps[2, 0] == (0, 2, 1)
    assert history.ordered() - claims(CLOCK, driven) == {
        ((0, 0), (2, 0)),
        ((1, 0), (2, 0)),
        ((1, 1), (2, 0)),
    }
    assert CLOCK.promise == "none"
    assert closure(driven.timestamps)[2, 0] == (1, 2, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a stamp is 1 number, not 0"),
        (b"\x01\x01", "a stamp is 1 number, not 2"),
        (b"\x00", "the number of a send event is 0"),
        (b"\x06", "component 1 is 6, outside 0..5"),
    ],
)
def test_refuses_what_no_message_can_carry(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^direct: {reason}"):
        CLOCK.decode(data, Bounds(sender=1, receiver=0, events=(4, 5, 6)))
