"""The places of machines on the nodes of a swarm."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.backends.swarm.nodes import Node, check_places, spread
from vm.options import UsageError


def node(name: str, cores: int = 2, *, is_open: bool = True) -> Node:
    return Node(f"id-{name}", name, cores, True, is_open)


def machines(count: int) -> list[str]:
    return [f"vm{number}" for number in range(1, count + 1)]


THREE = [node("a"), node("b"), node("c")]


def test_equal_nodes_take_turns() -> None:
    places = spread(machines(5), {}, THREE)
    assert [place.name for place in places.values()] == ["a", "b", "c", "a", "b"]


def test_a_given_place_counts_before_the_others_are_spread() -> None:
    places = spread(machines(4), {"vm3": "a", "vm4": "id-a"}, THREE)
    assert {machine: place.name for machine, place in places.items()} == {
        "vm1": "b",
        "vm2": "c",
        "vm3": "a",
        "vm4": "a",
    }


def test_closed_nodes_get_nothing() -> None:
    closed = [node("a", is_open=False), node("b")]
    assert {place.name for place in spread(machines(3), {}, closed).values()} == {"b"}
    with pytest.raises(EnvironmentProblem, match="no node of the swarm takes machines"):
        spread(machines(3), {}, closed[:1])
    with pytest.raises(EnvironmentProblem, match="the node a takes no machines any more"):
        spread(machines(3), {"vm1": "a"}, closed)


@given(st.lists(st.integers(1, 64), min_size=1, max_size=6), st.integers(1, 100))
def test_no_machine_would_have_more_of_a_core_on_another_node(cores: list[int], count: int) -> None:
    among = [node(f"n{number}", each) for number, each in enumerate(cores)]
    counts = Counter(spread(machines(count), {}, among).values())
    for full in counts:
        for other in among:
            assert counts[full] / full.cores <= (counts[other] + 1) / other.cores


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ({"vm9": "a"}, "--place: there is no machine 'vm9'; did you mean vm2?"),
        ({"vm1": "d"}, "--place: no node 'd' takes machines; those that do: a, b, c, c"),
        ({"vm1": "c"}, "--place: 2 nodes are called 'c': give the node's ID"),
    ],
)
def test_a_wrong_place_is_named(places: dict[str, str], problem: str) -> None:
    among = [*THREE, Node("id-2", "c", 2, True, True)]
    with pytest.raises(UsageError) as raised:
        check_places(places, machines(2), among)
    assert str(raised.value) == problem


def test_right_places_pass() -> None:
    check_places({"vm1": "a", "vm2": "id-c"}, machines(2), THREE)
