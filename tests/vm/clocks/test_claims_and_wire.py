"""The laws of all clocks, against brute force on random histories."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import HALF, PAIRED_STEPS
from steps import ERROR_NS, MAX_STEPS, Steps, claimed, drive, histories
from vm.clocks import CLOCKS, clock_of
from vm.clocks.clock import At, Bounds
from vm.clocks.encoding import encode_numbers

#: Every kind with its own parameters, and small ones, which bring clocks to their limits.
NAMES = [
    *CLOCKS,
    "hvc:1000",
    "hvc:1",
    "repcl:1000:1000",
    "repcl:1000:3000",
    "repcl:50000:1000",
    "rev:1",
    "rev:2",
    "k-lamport:1",
    "k-lamport:2",
    "comb:2:2",
    "bloom:1:1",
    "bloom:5:4",
]
every_clock = pytest.mark.parametrize("name", NAMES)


def of_promise(*promises: str) -> pytest.MarkDecorator:
    names = [name for name in NAMES if clock_of(name).promise in promises]
    return pytest.mark.parametrize("name", names)


def borne(data: st.DataObject, name: str, max_steps: int = MAX_STEPS) -> Steps:
    """Draw a history with channels that the clock bears, and physical clocks of either kind."""
    needs = {"fifo": clock_of(name).needs_fifo, "max_steps": max_steps}
    history: Steps = data.draw(histories(**needs) | histories(**needs, stepped=True))
    return history


def claims(name: str, timestamps: Sequence[Any]) -> list[int]:
    """Return, by event, the events that it precedes, a bit per event."""
    precedes = clock_of(name).precedes
    return [sum(1 << n for n, b in enumerate(timestamps) if precedes(a, b)) for a in timestamps]


@of_promise("clock condition", "strong clock condition")
@HALF
@given(data=st.data())
def test_what_happened_before_precedes(name: str, data: st.DataObject) -> None:
    history, clock = borne(data, name, PAIRED_STEPS), clock_of(name)
    read = drive(clock, history).timestamps
    for before, after in history.ordered():
        assert clock.precedes(read[before], read[after])


@of_promise("strong clock condition")
@HALF
@given(data=st.data())
def test_a_strong_clock_claims_nothing_else(name: str, data: st.DataObject) -> None:
    history = borne(data, name, PAIRED_STEPS)
    assert claimed(clock_of(name), history) == history.ordered()


@every_clock
@HALF
@given(data=st.data())
def test_precedes_is_a_strict_partial_order(name: str, data: st.DataObject) -> None:
    history = borne(data, name, PAIRED_STEPS)
    later = claims(name, list(drive(clock_of(name), history).timestamps.values()))
    for a, after in enumerate(later):
        assert not after >> a & 1
        for b, after_b in enumerate(later):
            assert not after >> b & 1 or after_b & ~after == 0


def limits(history: Steps, sender: int, receiver: int, more: int = 0) -> Bounds:
    """Return the bounds of a message at the end of a history, and of `more` events of each."""
    events = [count + more for count in history.counts]
    return Bounds(sender, receiver, events, history.latest_ns)


@every_clock
@HALF
@given(data=st.data())
def test_stamps_survive_the_wire(name: str, data: st.DataObject) -> None:
    history, clock = borne(data, name), clock_of(name)
    for ((sender, _), receiver), stamp in drive(clock, history).stamps.items():
        assert clock.decode(clock.encode(stamp), limits(history, sender, receiver)) == stamp


def changed(data: st.DataObject, stamp: bytes) -> bytes:
    """Draw a stamp with a few bytes changed, added or removed."""
    place = data.draw(st.integers(0, len(stamp)))
    new = data.draw(st.binary(max_size=3))
    return stamp[:place] + new + stamp[place + data.draw(st.integers(0, 3)) :]


@every_clock
@HALF
@given(data=st.data())
def test_random_bytes_are_refused_or_right(name: str, data: st.DataObject) -> None:
    history, clock = borne(data, name), clock_of(name)
    stamps = [*drive(clock, history).stamps.items()]
    stamps = data.draw(st.lists(st.sampled_from(stamps), min_size=1, max_size=5)) if stamps else []
    forged = [(sender, to, changed(data, clock.encode(x))) for ((sender, _), to), x in stamps]
    few = st.lists(st.integers(0, 9), max_size=12).map(bytes)
    forged += [(0, 1, data.draw(st.binary(max_size=40))), (1, 0, data.draw(few))]
    for sender, receiver, stamp in forged:
        read = decoded(name, stamp, limits(history, sender, receiver))
        if read is None:
            continue
        assert clock.encode(read) == stamp
        # What is accepted leaves a state whose stamps others accept.
        at = At(receiver, f"vm{receiver + 1}")
        state = clock.receive(clock.initial(receiver, history.machines), read, sender, at)
        at.index = 1
        _, sent = clock.stamp(clock.advance(state, at), sender)
        answer = limits(history, receiver, sender, more=2)
        assert clock.decode(clock.encode(sent), answer) == sent


def decoded(name: str, stamp: bytes, bounds: Bounds) -> Any:
    """Return a stamp, or None if it is refused, with a reason that begins with the clock's name."""
    try:
        return clock_of(name).decode(stamp, bounds)
    except ValueError as error:
        reason = str(error)
    assert reason.startswith(f"{name.partition(':')[0]}: ")
    return None


@every_clock
@pytest.mark.parametrize("number", [0, 2**62, 2**63, 2**64])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 64, 65])
def test_absurd_numbers_are_refused(name: str, number: int, length: int) -> None:
    bounds = Bounds(0, 1, [0, 0], ERROR_NS)
    # Any machine can send at time 0.
    if name == "wall" and (number, length) == (0, 1):
        return
    with pytest.raises(ValueError, match=f"^{name.partition(':')[0]}: "):
        clock_of(name).decode(encode_numbers([number] * length), bounds)
