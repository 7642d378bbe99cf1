"""Laws over every clock, and known histories from the papers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import World, happened_before, readings, worlds
from vm.clocks import CLOCKS

every_clock = pytest.mark.parametrize("name", CLOCKS)


@every_clock
@given(world=worlds())
def test_what_happened_before_precedes(name: str, world: World) -> None:
    read = readings(world, name)
    for before, after in happened_before(world):
        assert CLOCKS[name].precedes(read[before], read[after])


@pytest.mark.parametrize("name", [name for name, clock in CLOCKS.items() if clock.strong])
@given(world=worlds())
def test_a_strong_clock_claims_nothing_else(name: str, world: World) -> None:
    read = readings(world, name)
    truth = happened_before(world)
    for a, stamp_a in read.items():
        for b, stamp_b in read.items():
            assert CLOCKS[name].precedes(stamp_a, stamp_b) == ((a, b) in truth)


def test_the_scalar_clock_orders_concurrent_events_too() -> None:
    assert not CLOCKS["lamport"].strong
    assert CLOCKS["lamport"].precedes(1, 2)  # wherever they happened


@every_clock
@given(world=worlds(), data=st.data())
def test_precedes_is_a_strict_partial_order(name: str, world: World, data: st.DataObject) -> None:
    stamps = list(readings(world, name).values())
    if not stamps:
        return
    precedes = CLOCKS[name].precedes
    a, b, c = (data.draw(st.sampled_from(stamps)) for _ in range(3))
    assert not precedes(a, a)
    assert not (precedes(a, b) and precedes(b, a))
    assert not (precedes(a, b) and precedes(b, c)) or precedes(a, c)


@every_clock
@given(world=worlds())
def test_timestamps_survive_the_wire(name: str, world: World) -> None:
    clock = CLOCKS[name]
    events = [len(events) for events in world.events.values()]
    for stamp in readings(world, name).values():
        assert clock.decode(clock.encode(stamp), events) == stamp


@every_clock
@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param((), id="nothing"),
        pytest.param((-1, 2, 1), id="negative"),
        pytest.param((1, 2), id="too few, or too many"),
        pytest.param((1, 2, 1, 1), id="too many"),
        pytest.param((100, 2, 1), id="more than there were events"),
        pytest.param((-1,), id="negative, alone"),
        pytest.param((100,), id="more than there were events, alone"),
    ],
)
def test_what_no_event_can_have_is_refused(name: str, numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=name):
        CLOCKS[name].decode(numbers, events=(3, 3, 3))


@every_clock
@given(numbers=st.lists(st.integers(), max_size=5), events=st.lists(st.integers(0, 9), min_size=1))
def test_whatever_comes_in_is_a_timestamp_or_refused(
    name: str, numbers: list[int], events: list[int]
) -> None:
    clock = CLOCKS[name]
    try:
        stamp = clock.decode(numbers, events)
    except ValueError:
        return
    assert list(clock.encode(stamp)) == numbers
    assert sum(numbers) <= sum(events)


def test_lamports_rules() -> None:
    # IR1 and IR2: P sends in its second event, Q's first receives it, Q answers.
    lamport = CLOCKS["lamport"]
    p1 = lamport.advance(lamport.initial(2), 0)
    p2 = lamport.advance(p1, 0)
    q1 = lamport.receive(lamport.initial(2), p2, 1)
    q2 = lamport.advance(q1, 1)
    p3 = lamport.receive(p2, q2, 0)
    assert (p1, p2, q1, q2, p3) == (1, 2, 3, 4, 5)
    # A message from the past does not turn the clock back.
    assert lamport.receive(9, 3, 0) == 10


def test_vector_times_as_mattern_draws_them() -> None:
    # Three processes; P1 tells P2, P2 tells P3; P3's first event is concurrent with both sends.
    vector = CLOCKS["vector"]
    zero = vector.initial(3)
    p1 = vector.advance(zero, 0)
    p2 = vector.receive(vector.advance(zero, 1), p1, 1)
    p3_first = vector.advance(zero, 2)
    p3 = vector.receive(p3_first, p2, 2)
    assert (p1, p2, p3_first, p3) == ((1, 0, 0), (1, 2, 0), (0, 0, 1), (1, 2, 2))
    assert vector.precedes(p1, p3)
    assert not vector.precedes(p1, p3_first)
    assert not vector.precedes(p3_first, p1)
