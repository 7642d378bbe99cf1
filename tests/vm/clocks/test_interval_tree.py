"""The interval tree clock on random histories, and the trees of its paper."""

from json import loads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims import check_wire, claims
from steps import Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.clock import At, Bounds
from vm.clocks.exact.intervals import Events, Id, event, fork, is_at_most, join, together

CLOCK = clock_of("interval-tree")
PARTS = 8


def heights(tree: Any, parts: int = PARTS) -> list[int]:
    """Return the values of a function over equal parts of the interval."""
    if isinstance(tree, int):
        return [tree] * parts
    left, right = (heights(half, parts // 2) for half in tree[1:])
    return [tree[0] + height for height in left + right]


def owned(tree: Any, parts: int = PARTS) -> list[int]:
    if isinstance(tree, int):
        return [tree] * parts
    return owned(tree[0], parts // 2) + owned(tree[1], parts // 2)


@given(history=histories(max_steps=120))
def test_orders_exactly_the_causally_related_pairs(history: Steps) -> None:
    driven = drive(CLOCK, history)
    assert claims(CLOCK, driven) == history.ordered()
    check_wire(CLOCK, history, driven)


@given(history=histories())
def test_a_part_is_raised_by_its_owner_only(history: Steps) -> None:
    """On a part, no machine ever knows of a greater height than its owner."""
    owners = [owned(CLOCK.initial(me, history.machines)[0]) for me in range(history.machines)]
    assert [sum(part) for part in zip(*owners, strict=True)] == [1] * PARTS
    latest = [[0] * PARTS for _ in owners]
    for name, text in drive(CLOCK, history).timestamps.items():
        me, now = name[0], heights(loads(text))
        latest[me] = now
        for own, known in zip(owners, latest, strict=True):
            assert all(now[part] <= known[part] for part in range(PARTS) if own[part])


@pytest.mark.parametrize("machines", [1, 2, 3, 5, 8, 200])
def test_ids_fork_the_seed_in_halves(machines: int) -> None:
    ids: list[Id] = [CLOCK.initial(me, machines)[0] for me in range(machines)]
    whole: Id = 0
    for own in ids:
        whole = together(whole, own)
    assert whole == 1
    depths = {str(own).count("(") for own in ids}
    assert max(depths) - min(depths) <= 1


def test_example_of_the_paper() -> None:
    """The run that the paper draws: forks, events and joins that end in one node."""
    a, b = fork(1)
    a_events = event(a, 0)
    assert (a, a_events) == ((1, 0), (0, 1, 0))
    b_events = event(b, event(b, 0))
    assert b_events == (0, 0, 2)
    a1, c = fork(a)
    assert (a1, c) == (((1, 0), 0), ((0, 1), 0))
    a1_events = event(a1, a_events)
    assert a1_events == (0, (1, 1, 0), 0)
    joined = together(c, b), join(a_events, b_events)
    assert joined == (((0, 1), 1), (1, 0, 1))
    c, b = fork(joined[0])
    assert (c, b) == (((0, 1), 0), (0, 1))
    final = together(a1, c), join(a1_events, joined[1])
    assert final == ((1, 0), (1, (0, 1, 0), 1))
    assert event(*final) == 2


def trees() -> st.SearchStrategy[Events]:
    """Draw trees as joins of grown parts, so in normal form."""
    raised = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), max_size=12)

    def build(parts: list[tuple[int, int]]) -> Events:
        tree: Events = 0
        for me, times in parts:
            part: Events = 0
            for _ in range(times):
                part = event(CLOCK.initial(me, 8)[0], part)
            tree = event(CLOCK.initial(me, 8)[0], join(tree, part))
        return tree

    return raised.map(build)


@given(a=trees(), b=trees())
def test_join_and_order_are_those_of_functions(a: Events, b: Events) -> None:
    assert heights(join(a, b)) == list(map(max, heights(a), heights(b)))
    assert is_at_most(a, b) == all(x <= y for x, y in zip(heights(a), heights(b), strict=True))
    assert join(a, b) == join(b, a)


@given(tree=trees(), me=st.integers(0, 7))
def test_an_event_raises_the_own_part_alone(tree: Events, me: int) -> None:
    own = CLOCK.initial(me, 8)[0]
    before, after = heights(tree), heights(event(own, tree))
    for part, mine in enumerate(owned(own)):
        assert after[part] > before[part] if mine else after[part] == before[part]


def test_an_event_of_two_parts_grows_the_one_that_needs_no_new_node() -> None:
    both: Id = ((1, 0), (0, 1))
    assert event(both, (0, 0, (0, 0, 1))) == (0, 0, (0, 0, 2))
    both = ((0, 1), (1, 0))
    assert event(both, (0, (0, 0, 1), 0)) == (0, (0, 0, 2), 0)


@given(tree=trees())
def test_machines_that_retire_and_join_own_what_they_owned(tree: Events) -> None:
    """A crashed machine's stamp is in its log; a restart joins it to the anonymous stamp."""
    for me in range(8):
        retired = CLOCK.initial(me, 8)[0], tree
        assert (together(0, retired[0]), join(0, retired[1])) == retired


def test_bits_of_the_paper() -> None:
    """A leaf is 1 and its number; 0, 1, 5 are 000, 001, 10001; a node with a base is 0 11."""
    assert CLOCK.encode(0) == bytes([0b1000_0000])
    assert CLOCK.encode(5) == bytes([0b1100_0100])
    assert CLOCK.encode((0, 1, 0)) == bytes([0b0011_0010])
    assert CLOCK.encode((1, 0, 2)) == bytes([0b0110_0100, 0b1101_0000])
    assert CLOCK.timestamp((1, (1, (0, 1, 0), 1))) == "[1,[0,1,0],1]"


def test_a_filled_part_may_be_higher_than_the_number_of_its_events() -> None:
    """The first event of a machine that knows the height 5 beside its part makes a leaf of both."""
    assert CLOCK.receive(((1, 0), 0), (0, 0, 5), 1, At(0, "vm1")) == ((1, 0), 5)


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        ("", "the stamp is cut off"),
        ("0", "the interval of one machine is divided"),
        ("1_111", "the stamp is cut off"),
        ("1" * 80, "a number of more than 64 bits"),
        ("1_001_0000_1", "a tree in a longer form than needed, or bits after it"),
        ("010_1000_1001", "a tree in a longer form than needed, or bits after it"),
        ("011_1_1_000_1001_1010", "a base is no number, or 0"),
        ("010_1001_1010", "the tree is not in normal form"),
        ("1_1110_00000", "height 28 is outside 0..11"),
        ("1_001", "the part of a machine without an event is raised"),
        ("001_001_1_001", "the part of the sender is 0"),
    ],
)
def test_refuses_what_no_message_can_carry(bits: str, reason: str) -> None:
    bits = bits.replace("_", "")
    data = bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))
    with pytest.raises(ValueError, match=f"^interval-tree: {reason}"):
        CLOCK.decode(data, Bounds(sender=1, receiver=0, events=(7, 4, 0)))
