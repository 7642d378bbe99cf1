"""The nodes of a swarm, and the machines that each of them gets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import docker

from orchestrator.backends.outcome import EnvironmentProblem
from vm.options import UsageError
from vm.quoting import quoted
from vm.spec import natural_order, suggestion

CORE = 10**9


class Node(NamedTuple):
    """A node of the swarm; `is_ready` if it answers, `is_open` if it takes new machines."""

    id: str
    name: str
    cores: int
    is_ready: bool
    is_open: bool


def nodes(client: docker.DockerClient) -> list[Node]:
    """Return all nodes of the swarm that the engine manages, in the order of their names."""
    found = [_node(plain) for plain in client.api.nodes()]
    return sorted(found, key=lambda node: (natural_order(node.name), node.id))


def lost_nodes(client: docker.DockerClient) -> set[str]:
    """Return the IDs of the nodes that do not answer."""
    return {node.id for node in nodes(client) if not node.is_ready}


def _node(plain: Mapping[str, Any]) -> Node:
    about, is_ready = plain["Description"], plain["Status"]["State"] == "ready"
    cores = max(1, about["Resources"]["NanoCPUs"] // CORE)
    is_open = is_ready and plain["Spec"]["Availability"] == "active"
    return Node(plain["ID"], about["Hostname"], cores, is_ready, is_open)


def is_manager(client: docker.DockerClient) -> bool:
    return _manages(client.info()["Swarm"])


def _manages(swarm: Mapping[str, Any]) -> bool:
    return bool(swarm.get("ControlAvailable"))


def check_manager(client: docker.DockerClient) -> None:
    """Raise EnvironmentProblem if the engine is no manager of a swarm."""
    # Not for each listing: to describe itself, the engine starts several programs.
    swarm = client.info()["Swarm"]
    if _manages(swarm):
        return
    if swarm.get("LocalNodeState") == "active":
        remedy = "it is a worker: set DOCKER_HOST to a manager of its swarm"
    else:
        remedy = "make one by `docker swarm init`, or set DOCKER_HOST to a manager"
    raise EnvironmentProblem(f"the engine is no manager of a swarm: {remedy}")


def spread(
    machines: Sequence[str], places: Mapping[str, str], among: Sequence[Node]
) -> dict[str, Node]:
    """Return the node of each machine: that of `places`, or the one with most cores to spare.

    The same machines, places and nodes give the same result: the swarm's own spreading counts what
    else runs there. EnvironmentProblem if no node takes machines, or one of `places` does not.
    """
    takers = _takers(among)
    count = dict.fromkeys(takers, 0)
    chosen: dict[str, Node] = {}
    for machine in sorted(machines, key=lambda machine: machine not in places):
        place = places.get(machine)
        fitting = [node for node in takers if place in (None, node.name, node.id)]
        if not fitting:
            raise EnvironmentProblem(f"the node {place} takes no machines any more")
        node = min(fitting, key=lambda node: (count[node] + 1) / node.cores)
        count[node] += 1
        chosen[machine] = node
    return {machine: chosen[machine] for machine in machines}


def check_places(places: Mapping[str, str], machines: Sequence[str], among: Sequence[Node]) -> None:
    """Check the places of machines that were given; UsageError names a wrong one."""
    takers = _takers(among)
    names = [node.name for node in takers]
    for machine, place in places.items():
        if machine not in machines:
            problem = f"there is no machine {quoted(machine)}{suggestion(machine, machines)}"
        elif not any(place in (node.name, node.id) for node in takers):
            problem = f"no node {quoted(place)} takes machines; those that do: {', '.join(names)}"
        elif names.count(place) > 1:
            problem = f"{names.count(place)} nodes are called {quoted(place)}: give the node's ID"
        else:
            continue
        raise UsageError(f"--place: {problem}")


def _takers(among: Sequence[Node]) -> list[Node]:
    takers = [node for node in among if node.is_open]
    if not takers:
        raise EnvironmentProblem(
            "no node of the swarm takes machines: `docker node ls` shows which are down or drained"
        )
    return takers
