"""The tree clock on random histories: its order, its shape, its work."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from claims import check_wire, claims
from steps import Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import At, Bounds
from vm.clocks.exact.tree import NONE, Nodes, updates

CLOCK = clock_of("tree")


@given(history=histories())
def test_timestamp_is_the_vector(history: Steps) -> None:
    assert drive(CLOCK, history).timestamps == history.vectors()


@given(history=histories(max_steps=120))
def test_orders_exactly_the_causally_related_pairs(history: Steps) -> None:
    driven = drive(CLOCK, history)
    assert claims(CLOCK, driven) == history.ordered()
    check_wire(CLOCK, history, driven)


def depth_first(tree: Nodes) -> Iterator[int]:
    waiting = [tree.root]
    while waiting:
        yield (node := waiting.pop())
        waiting += tree.children[node]


@given(history=histories())
def test_states_are_trees_of_the_known_machines(history: Steps) -> None:
    vectors = history.vectors()
    for event, tree in drive(CLOCK, history).states.items():
        nodes = list(depth_first(tree))
        assert sorted(nodes) == [q for q, count in enumerate(tree.clk) if count]
        assert tree.root == event[0]
        for node in nodes:
            below = tree.children[node]
            attached = [tree.aclk[child] for child in below]
            assert attached == sorted(set(attached), reverse=True)
            assert all(tree.parent[child] == node for child in below)
            # Direct monotonicity: the parent's event of attachment knew the child's.
            for child in below:
                assert vectors[node, tree.aclk[child] - 1][child] >= tree.clk[child]


@given(history=histories())
def test_a_search_finds_all_newer_nodes(history: Steps) -> None:
    driven = drive(CLOCK, history)
    zero = (0,) * history.machines
    for step in history.steps:
        if step.cause:
            stamp = driven.stamps[step.cause, step.machine]
            known = driven.timestamps.get((step.machine, step.index - 1), zero)
            if stamp.clk[stamp.root] > known[stamp.root]:
                newer, visited = updates(stamp, known)
                assert set(newer) == {q for q, n in enumerate(stamp.clk) if n > known[q]}
                assert len(newer) <= visited <= history.machines


def work(history: Steps) -> tuple[int, int, int]:
    """Return the visited nodes of joins, of copies, and the entries that a vector has to change.

    In the paper a clock passes from thread to thread through that of a lock: it is copied on
    release and joined on acquisition. The lock is a channel here: a send copies what has changed
    since the previous message to the receiver, and each event increments its own component.
    """
    driven, vectors = drive(CLOCK, history), history.vectors()
    zero = (0,) * history.machines
    joins = copies = changes = 0
    last = dict[tuple[int, int], tuple[int, ...]]()
    for step in history.steps:
        me = step.machine
        before, after = vectors.get((me, step.index - 1), zero), vectors[step.name]
        joins += 1
        changes += sum(map(int.__ne__, before, after))
        if step.cause:
            stamp = driven.stamps[step.cause, me]
            is_news = stamp.clk[stamp.root] > before[stamp.root]
            joins += updates(stamp, before)[1] if is_news else 1
        for receiver in step.to:
            known = last.get((me, receiver), zero)
            copies += updates(driven.stamps[step.name, receiver], known)[1]
            changes += sum(map(int.__ne__, known, after))
            last[me, receiver] = after
    return joins, copies, changes


@given(history=histories(fifo=True))
def test_work_is_at_most_three_times_the_changed_entries(history: Steps) -> None:
    joins, copies, changes = work(history)
    assert joins + copies <= 3 * changes


def test_joins_alone_can_exceed_three_times_the_changed_entries() -> None:
    """20 machines send to 20 others, which then all send to one another: each message has one news,
    its sender, whose 20 children are all new to it and old to the receiver."""
    steps, counts = list[Step](), [0] * 40

    def add(me: int, **fields: Any) -> tuple[int, int]:
        steps.append(Step(me, counts[me], 0, **fields))
        counts[me] += 1
        return steps[-1].name

    late = range(20, 40)
    for early in range(20):
        cause = add(early, to=tuple(late))
        for me in late:
            add(me, cause=cause)
    sends = [add(me, to=tuple(q for q in late if q != me)) for me in late]
    for me in late:
        for cause in sends:
            if cause[0] != me:
                add(me, cause=cause)
    joins, copies, changes = work(Steps(40, tuple(steps)))
    entries_of_joins = 20 * (1 + 20 * 2) + 20 * (1 + 19 * 2)
    assert joins > 5 * entries_of_joins
    assert joins + copies < 2 * changes


def test_example_of_a_relay() -> None:
    """0 and 1 send to 2, which sends to 3: the tree of 3 keeps from whom each was learned."""
    history = Steps(
        4,
        (
            Step(0, 0, 0, to=(2,)),
            Step(1, 0, 0, to=(2, 3)),
            Step(2, 0, 0, cause=(0, 0)),
            Step(2, 1, 0, cause=(1, 0)),
            Step(2, 2, 0, to=(3,)),
            Step(3, 0, 0, cause=(1, 0)),
            Step(3, 1, 0, cause=(2, 2)),
        ),
    )
    driven = drive(CLOCK, history)
    assert driven.stamps[(2, 2), 3] == Nodes(
        root=2,
        clk=(1, 1, 3, 0),
        parent=(2, 2, NONE, NONE),
        aclk=(1, 2, 0, 0),
        children=((), (), (1, 0), ()),
    )
    assert driven.states[3, 1] == Nodes(
        root=3,
        clk=(1, 1, 3, 2),
        parent=(2, 3, 3, NONE),
        aclk=(1, 1, 2, 0),
        children=((), (), (0,), (2, 1)),
    )
    # Machine 1 is known already, machine 0 is not, although it was attached before.
    assert updates(driven.stamps[(2, 2), 3], (0, 1, 0, 1)) == ({2: [0], 0: []}, 3)
    # From event 2 of machine 2 on, machine 0 is known: the search stops at the first child.
    assert updates(driven.stamps[(2, 2), 3], (1, 1, 2, 1)) == ({2: []}, 2)


def test_a_machine_stays_the_root_if_a_forged_stamp_knows_more_of_it() -> None:
    forged = CLOCK.decode(bytes([3, 1, 1, 2, 0]), Bounds(sender=1, receiver=0, events=(4, 5, 6)))
    state = CLOCK.receive(CLOCK.initial(0, 3), forged, 1, At(0, "vm1"))
    assert list(depth_first(state)) == [0, 1]
    assert CLOCK.timestamp(state) == (4, 2, 0)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([], "the stamp ends within machine 0"),
        ([0, 2], "the stamp ends within machine 2"),
        ([0, 2, 0, 7, 7], "2 numbers after the last machine"),
        ([0, 0, 0], "the sender's component is 0"),
        ([5, 1, 1, 2, 0], "component 0 is 5, outside 0..4"),
        ([1, 3, 1, 2, 0], "the parent 3 of machine 0 is no machine"),
        ([1, 1, 2, 2, 0], "machine 0 was attached by event 2 of 1"),
        ([1, 1, 0, 2, 0], "machine 0 was attached by event 0 of 1"),
        ([2, 2, 1, 2, 2, 0, 1], "a machine is not below the sender"),
        ([2, 1, 1, 2, 2, 1, 1], "two machines were attached by one receive"),
    ],
)
def test_refuses_what_no_message_can_carry(numbers: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^tree: {reason}"):
        CLOCK.decode(bytes(numbers), Bounds(sender=1, receiver=0, events=(4, 5, 6)))
