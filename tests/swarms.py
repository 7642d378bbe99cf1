"""Runs in a swarm of engines inside the engine: the contents of all nodes, and the begun run."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from cluster import wait_for_line
from engines import Engine
from orchestrator.backends.swarm.tasks import polls

REMOVAL_S = 5


def left_on(nodes: Sequence[Engine]) -> list[str]:
    """Return all services, networks, secrets, containers and volumes that are left in the swarm.

    A node removes the container of a removed service in its own time, of which it gets a little.
    """
    found: list[str] = []
    for _ in polls(REMOVAL_S):
        if not (found := list(_found_on(nodes))):
            break
    return found


def _found_on(nodes: Sequence[Engine]) -> Iterator[str]:
    for number, node in enumerate(nodes):
        with closing(node.client()) as client:
            api: Any = client.api
            yield from (f"{node.name}: {one['Names']}" for one in api.containers(all=True))
            yield from (f"{node.name}: {one['Name']}" for one in api.volumes()["Volumes"] or ())
            if number == 0:
                yield from (one["Spec"]["Name"] for one in [*api.services(), *api.secrets()])
                networks = api.networks(filters={"driver": "overlay"})
                yield from (one["Name"] for one in networks if one["Name"] != "ingress")


def wait_for_tick(node: Engine, process: subprocess.Popen[str]) -> None:
    """Return when a machine of the run that the process executes ticks on the node."""
    with closing(node.client()) as client:
        while not (there := client.containers.list()):
            assert process.poll() is None
        wait_for_line(there[0], lambda line: " tick " in line)
