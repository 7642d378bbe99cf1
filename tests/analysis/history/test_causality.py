"""Happened-before against brute force, and small histories by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.history import kernels
from analysis.history.causality import (
    MESSAGE,
    PROGRAM_ORDER,
    Causality,
    Hop,
    causality,
    concurrency_share,
    longest_causal_chain,
)
from analysis.history.rows import RowIndex
from cuts import consistent_within
from histories import World
from loading import run_of
from unruly import closure, events_of, unruly, unruly_worlds


@settings(max_examples=60, deadline=None)
@given(world=unruly_worlds)
def test_happened_before_is_the_transitive_closure(world: World) -> None:
    known, truth = causality(run_of(world)), closure(world)
    rows = range(len(truth))
    assert [known.name(row) for row in rows] == [name for name, _ in events_of(world)]
    for row in rows:
        assert np.array_equal(known.past(row), np.flatnonzero(truth[:, row]))
        assert np.array_equal(known.future(row), np.flatnonzero(truth[row]))
    assert known.ordered_pairs == truth.sum()
    assert known.concurrent_pairs == (~(truth | truth.T)).sum() // 2 - len(truth) // 2


@settings(max_examples=30, deadline=None)
@given(world=unruly_worlds, data=st.data())
def test_pairs_of_events(world: World, data: st.DataObject) -> None:
    known, truth = causality(run_of(world)), closure(world)
    if not len(truth):
        return
    some = st.integers(0, len(truth) - 1)
    for _ in range(10):
        a, b = data.draw(some), data.draw(some)
        assert known.happened_before(a, b) == truth[a, b]
        assert known.concurrent(a, b) == (a != b and not truth[a, b] and not truth[b, a])
        assert (
            known.known(np.array([a]), np.array([known.machine[b]]))[0]
            == (known.vector_time(a)[known.machine[b]])
        )


@settings(max_examples=30, deadline=None)
@given(world=unruly_worlds)
def test_depth_is_the_length_of_the_longest_causal_chain(world: World) -> None:
    run, truth = run_of(world), closure(world)
    depth = np.zeros(len(truth), int)
    for row in np.argsort(truth.sum(axis=0), kind="stable"):
        depth[row] = 1 + max(depth[truth[:, row]], default=0)
    assert causality(run).depth.tolist() == depth.tolist()
    assert longest_causal_chain(run) == max(depth, default=None)


@settings(max_examples=30, deadline=None)
@given(world=unruly_worlds, data=st.data())
def test_a_path_is_a_chain_with_the_fewest_messages(world: World, data: st.DataObject) -> None:
    known, truth = causality(run_of(world)), closure(world)
    if not len(truth):
        return
    sends = dict(events_of(world))
    a, b = (data.draw(st.integers(0, len(truth) - 1)) for _ in range(2))
    path = known.path(a, b)
    assert bool(path) == truth[a, b]
    if path:
        assert (path[0].before, path[-1].after) == (known.name(a), known.name(b))
        assert all(one.after == next.before for one, next in pairwise(path))
    for before, after, reason in path:
        event = sends[after]
        if reason == MESSAGE:
            assert before == (event.sender, event.cause)
        else:
            assert reason == PROGRAM_ORDER
            assert before[0] == after[0]
            assert before[1] < after[1]
    messages = sum(hop.reason == MESSAGE for hop in path)
    assert messages == fewest_messages(known, a, b)


def fewest_messages(known: Causality, a: int, b: int) -> int:
    """By Bellman and Ford: program order costs nothing, a message one."""
    far = len(known) + 1
    cost = [far] * len(known)
    cost[a] = 0
    while True:
        before = list(cost)
        for row in range(len(known)):
            m = known.machine[row]
            if row > known.first[m]:
                cost[row] = min(cost[row], cost[row - 1])
            if known.send[row] >= 0:
                cost[row] = min(cost[row], cost[known.send[row]] + 1)
        if cost == before:
            return cost[b] if cost[b] < far else 0


@settings(max_examples=30, deadline=None)
@given(world=unruly_worlds, data=st.data())
def test_the_largest_consistent_cut(world: World, data: st.DataObject) -> None:
    known = causality(run_of(world))
    cut = tuple(data.draw(st.integers(0, int(n)), label="cut") for n in np.diff(known.first))
    within = consistent_within(known, cut)
    # An event of the cut that is left out lacks something of its past.
    for m, (kept, count) in enumerate(zip(within, cut, strict=True)):
        for row in range(known.first[m] + kept, known.first[m] + count):
            assert (known.vector_time(row) > cut).any()
    for m, kept in enumerate(within):
        if kept:
            assert (known.vector_time(known.first[m] + kept - 1) <= within).all()


def test_at_an_instant_of_one_wall_clock_the_cut_is_consistent() -> None:
    run = run_of(unruly(1, machines=4, acts=300))
    times = run.events["at_ns"].to_numpy()
    known = causality(run)
    for at_ns in [-1, *times[::20], max(times)]:
        cut = tuple(np.bincount(known.machine[times <= at_ns], minlength=4).tolist())
        assert consistent_within(known, cut) == cut


@pytest.mark.xdist_group("numba")
@settings(max_examples=20, deadline=None)
@given(world=unruly_worlds)
def test_compiled_and_as_it_is_written_a_kernel_does_the_same(world: World) -> None:
    known = causality(run_of(world))
    past, depth = known._past.copy(), np.zeros_like(known.depth)
    past[1:] = 0
    done = known.first[:-1].copy()
    kernels.compiled(kernels.vector_times)(
        known.first, known.send, known.machine, known._latest, past, depth, done
    )
    assert np.array_equal(done, known.first[1:])
    assert np.array_equal(past, known._past)
    assert np.array_equal(depth, known.depth)


# Three machines; p sends to q in its second event, q to r in its second; r's first event and
# p's third know of empty.
#   p: 0  1s  2        q: 3r(1)  4s        r: 5  6r(4)
MACHINE = np.array([0, 0, 0, 1, 1, 2, 2], np.int32)
SEND = np.array([-1, -1, -1, 1, -1, -1, 4], np.int32)


def by_hand(send: np.ndarray) -> Causality:
    index = np.array([0, 1, 2, 0, 1, 0, 1])
    return Causality(("p", "q", "r"), RowIndex(MACHINE, index, 3), send)


def test_a_relay_by_hand() -> None:
    known = by_hand(SEND)
    assert [known.vector_time(row).tolist() for row in range(7)] == [
        [1, 0, 0], [2, 0, 0], [3, 0, 0], [2, 1, 0], [2, 2, 0], [0, 0, 1], [2, 2, 2],
    ]  # fmt: skip
    assert known.depth.tolist() == [1, 2, 3, 3, 4, 1, 5]
    assert known.path(0, 6) == (
        Hop(("p", 0), ("p", 1), PROGRAM_ORDER),
        Hop(("p", 1), ("q", 0), MESSAGE),
        Hop(("q", 0), ("q", 1), PROGRAM_ORDER),
        Hop(("q", 1), ("r", 1), MESSAGE),
    )
    assert known.path(6, 0) == known.path(2, 6) == known.path(3, 3) == ()
    assert known.concurrent(2, 6)
    assert known.concurrent(5, 4)
    assert known.ordered_pairs == 3 + 1 + 1 + 2 * 2 + 4
    assert known.concurrent_pairs == 21 - 13
    assert consistent_within(known, (0, 2, 2)) == (0, 0, 1)
    assert consistent_within(known, (2, 1, 2)) == (2, 1, 1)
    assert consistent_within(known, (2, 2, 2)) == (2, 2, 2)
    assert known.row("q", 1) == 4
    for name in [("q", 2), ("q", -1), ("s", 0)]:
        with pytest.raises(KeyError):
            known.row(*name)


def test_messages_that_go_round_in_a_circle() -> None:
    # q's send is answered before it is made: p's first event receives it.
    send = SEND.copy()
    send[0] = 4
    assert by_hand(send).cycle == (("p", 0), ("q", 0))
    assert by_hand(SEND).cycle == ()
    send[0] = 2
    assert by_hand(send).cycle == (("p", 0),)


def test_concurrency_is_a_share_of_all_pairs() -> None:
    run = run_of(unruly(5, machines=2, acts=60))
    truth = closure(unruly(5, machines=2, acts=60))
    pairs = len(truth) * (len(truth) - 1) / 2
    assert concurrency_share(run) == pytest.approx(1 - truth.sum() / pairs)
    nothing = run_of(unruly(1, acts=0))
    assert concurrency_share(nothing) is longest_causal_chain(nothing) is None


def test_events_are_found_where_lines_are_missing() -> None:
    index = np.array([0, 2, 5, 1, 0, 3, 3])
    row_index = RowIndex(MACHINE, index, 3)
    wanted = [(0, 2, 1), (0, 1, -1), (1, 0, 4), (1, 1, 3), (2, 3, 5), (2, 9, -1), (-1, 0, -1)]
    machine, asked, rows = np.array(wanted).T
    assert row_index.rows(machine.astype(np.int32), asked).tolist() == rows.tolist()
    empty = RowIndex(MACHINE[:3], index[:3], 3)
    assert empty.rows(np.array([1], np.int32), np.array([0])).tolist() == [-1]
