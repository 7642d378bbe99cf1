"""Sends found without names, against the names that the histories have."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.matching import (
    BY_CLOCK,
    BY_ORDER,
    BY_STAMP,
    RECEIVE_COLUMNS,
    SEND_COLUMNS,
    Matches,
    match,
)
from histories import World
from unruly import events_of, unruly

#: Histories in which nothing is received twice, in order and not.
quiet_worlds = st.builds(
    unruly,
    seed=st.integers(0, 2**32),
    machines=st.integers(2, 5),
    acts=st.sampled_from([5, 20, 60, 200]),
    loss=st.sampled_from([0, 0.3]),
    fifo=st.booleans(),
)


def sends_in(found: Matches) -> dict[int, int]:
    return dict(found.table.select("row", "send").iter_rows())


def bounds(clock: int, before: int) -> tuple[int, int]:
    """The bounds of the clock of a send, from the receiver's clock after the receive and before."""
    return (clock - 1, clock - 1) if clock > before + 1 else (-(2**62), before)


def matched(
    world: World, *, sender: bool, stamp: bool, keeps_order: bool | None = None
) -> tuple[Matches, dict[int, int]]:
    """What is found if receives tell so much, and what is so: the rows of their sends."""
    row = {name: n for n, (name, _) in enumerate(events_of(world))}
    clock = {name: event.clock["lamport"] for name, event in events_of(world)}
    truth = {
        row[name]: row[event.sender, event.cause]
        for name, event in events_of(world)
        if event.kind == "receive"
    }
    sends = [
        (row[machine, index], machine, receiver, clock[machine, index], True)
        for (machine, index), event in events_of(world)
        for receiver in event.to
    ]
    receives = [
        (
            row[machine, index],
            event.sender if sender else None,
            machine,
            *(
                (clock[event.sender, event.cause],) * 2
                if stamp
                else bounds(clock[machine, index], clock.get((machine, index - 1), 0))
            ),
            stamp,
        )
        for (machine, index), event in events_of(world)
        if event.kind == "receive"
    ]
    found = match(
        pl.DataFrame(sends, SEND_COLUMNS, orient="row"),
        pl.DataFrame(receives, RECEIVE_COLUMNS, orient="row"),
        keeps_order=keeps_order,
    )
    assert {*sends_in(found), *found.ambiguous, *found.orphans} == {*truth}
    assert not {*sends_in(found)} & {*found.ambiguous}
    return found, truth


@settings(max_examples=60, deadline=None)
@given(world=quiet_worlds)
def test_a_stamp_names_a_message_whatever_was_lost_or_overtaken(world: World) -> None:
    found, truth = matched(world, sender=True, stamp=True)
    assert sends_in(found) == truth
    assert {*found.table["method"]} <= {BY_STAMP}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), machines=st.integers(2, 5))
def test_where_nothing_is_lost_or_overtaken_order_is_enough(seed: int, machines: int) -> None:
    found, truth = matched(unruly(seed, machines, acts=150), sender=True, stamp=False)
    assert sends_in(found) == truth
    assert {*found.table["method"]} <= {BY_ORDER}


@settings(max_examples=60, deadline=None)
@given(world=quiet_worlds)
def test_what_only_the_clock_values_tell_is_right_or_left_open(world: World) -> None:
    found, truth = matched(world, sender=False, stamp=False, keeps_order=False)
    assert sends_in(found).items() <= truth.items()
    assert found.orphans == []
    assert {*found.table["method"]} <= {BY_CLOCK}
    assert all(several > 1 for several in found.ambiguous.values())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), machines=st.integers(2, 3))
def test_where_two_channels_keep_order_it_decides_what_clocks_leave_open(
    seed: int, machines: int
) -> None:
    world = unruly(seed, machines, acts=200)
    alone, truth = matched(world, sender=False, stamp=False, keeps_order=False)
    found, _ = matched(world, sender=False, stamp=False, keeps_order=True)
    assert sends_in(alone).items() <= sends_in(found).items() <= truth.items()
    assert not found.orphans
    if machines == 2:
        assert sends_in(found) == truth


Channel = list[tuple[int, int]]


@pytest.mark.parametrize(
    ("stamps", "receives", "sends", "ambiguous", "orphans"),
    [
        # The third send lets the clock jump, so one of the first two was lost, and who knows
        # which of them the first receive is of.
        ([1, 2, 5], [(9, 8), (10, 9)], {0: 0, 1: 1}, {}, []),
        ([1, 2, 15], [(9, 8), (16, 9)], {1: 2}, {0: 2}, []),
        # The clock shows another stamp, which is the receiver's mistake.
        ([8], [(8, 6)], {0: 0}, {}, []),
        # More receives than sends: which of them has none is open, and the last is named.
        ([1], [(9, 8), (10, 9)], {}, {0: 1}, [1]),
        # Without a jump the stamp is at most what the clock read before.
        ([8, 9], [(9, 8), (10, 9)], {0: 0, 1: 1}, {}, []),
        ([9], [(9, 8)], {0: 0}, {}, []),
        # The first message has no logged send; one shift explains all others.
        ([4, 8], [(1, 0), (5, 2), (9, 6)], {1: 0, 2: 1}, {}, [0]),
    ],
)
def test_order_by_hand(
    stamps: list[int],
    receives: Channel,
    sends: dict[int, int],
    ambiguous: dict[int, int],
    orphans: list[int],
) -> None:
    found = by_hand("p", stamps, receives)
    assert (sends_in(found), found.ambiguous, found.orphans) == (sends, ambiguous, orphans)


@pytest.mark.parametrize(
    ("stamps", "receives", "sends", "ambiguous", "orphans"),
    [
        # A jump tells the stamp; the other one is then the only send that is left.
        ([3, 7], [(8, 4), (9, 8)], {0: 1, 1: 0}, {}, []),
        # Two sends fit the one, and both fit the other.
        ([3, 3], [(9, 8), (10, 9)], {}, {0: 2, 1: 2}, []),
        ([7, 7], [(8, 4)], {}, {0: 2}, []),
        ([9], [(9, 8)], {}, {}, [0]),
    ],
)
def test_clock_values_by_hand(
    stamps: list[int],
    receives: Channel,
    sends: dict[int, int],
    ambiguous: dict[int, int],
    orphans: list[int],
) -> None:
    found = by_hand(None, stamps, receives)
    assert (sends_in(found), found.ambiguous, found.orphans) == (sends, ambiguous, orphans)


def test_a_receive_that_fits_none_of_its_possible_sends_breaks_a_rule() -> None:
    """Sends without receivers may be passed over: the clock of 6 needs a send at 5."""
    found = by_hand("p", [3, 7], [(6, 2)], named=False)
    assert (sends_in(found), found.ambiguous, found.broken) == ({}, {0: 2}, [0])
    assert not found.is_explained
    fitting = by_hand("p", [5, 7], [(9, 8)], named=False)
    assert (fitting.ambiguous, fitting.broken) == ({0: 2}, [])


def by_hand(
    sender: str | None, stamps: list[int], receives: Channel, *, named: bool = True
) -> Matches:
    """Sends of p to q with these stamps; receives with their clocks and those before."""
    sent = [(row, "p", "q", stamp, named) for row, stamp in enumerate(stamps)]
    received = [(row, sender, "q", *bounds(*clocks), False) for row, clocks in enumerate(receives)]
    return match(
        pl.DataFrame(sent, SEND_COLUMNS, orient="row"),
        pl.DataFrame(received, RECEIVE_COLUMNS, orient="row"),
    )


def test_a_stamp_that_is_received_again_is_of_the_same_send() -> None:
    sends = pl.DataFrame(
        [(row, "p", "q", stamp, True) for row, stamp in enumerate([4, 4, 5])],
        SEND_COLUMNS,
        orient="row",
    )
    receives = pl.DataFrame(
        [(row, "p", "q", stamp, stamp, True) for row, stamp in enumerate([4, 4, 4, 5, 6])],
        RECEIVE_COLUMNS,
        orient="row",
    )
    found = match(sends, receives)
    assert (sends_in(found), found.orphans) == ({0: 0, 1: 1, 2: 1, 3: 2}, [4])


def test_a_message_with_a_stamp_is_not_that_of_a_receive_without_one() -> None:
    """The second receive fits both sends, of which the first is that of the first receive."""
    sends = [(0, "p", "q", 4, False), (1, "p", "q", 6, False)]
    receives = [(0, "p", "q", 4, 4, True), (1, None, "q", 0, 8, False)]
    found = match(
        pl.DataFrame(sends, SEND_COLUMNS, orient="row"),
        pl.DataFrame(receives, RECEIVE_COLUMNS, orient="row"),
    )
    assert (sends_in(found), found.orphans) == ({0: 0, 1: 1}, [])


@pytest.mark.parametrize("far", [1000, 2**62])
def test_stamps_that_no_send_has_are_of_no_send_however_far_apart(far: int) -> None:
    """Between three machines, in both directions of each channel, sends of the same stamps."""
    names = ("a", "b", "c")
    channels = [(x, y) for x in names for y in names if x != y]
    stamps = (1, 2, far)
    sends = [(x, y, stamp) for x, y in channels for stamp in stamps]
    rows = [(row, *send, True) for row, send in enumerate(sends)]
    asked = [(x, y, stamp) for x, y in channels for stamp in (0, 1, 2, 3, far - 1, far, far + 1)]
    receives = [(row, *one, one[2], True) for row, one in enumerate(asked)]
    found = match(
        pl.DataFrame(rows, SEND_COLUMNS, orient="row"),
        pl.DataFrame(receives, RECEIVE_COLUMNS, orient="row"),
    )
    assert sends_in(found) == {
        row: sends.index(one) for row, one in enumerate(asked) if one[2] in stamps
    }
    assert found.orphans == [row for row, one in enumerate(asked) if one[2] not in stamps]
