"""The removal of a run's resources: services, containers, networks, secrets, and volumes.

The manager removes all but the volumes of other nodes. Those are removed by a service on each node,
`vm.swarm.volumes`, which has the socket of the node's engine; it ends at once. All resources have
the label SWARM_LABEL with the run's own name, and the labels of its owner.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from secrets import token_hex
from typing import Any

import docker

from orchestrator.backends.docker.engine import Leftover, if_there, owner_labels
from orchestrator.backends.swarm import services
from orchestrator.backends.swarm.nodes import Node, lost_nodes, nodes
from orchestrator.backends.swarm.services import Program
from orchestrator.backends.swarm.tasks import COMPLETE, ended, listed, polls

SWARM_LABEL = "vklocks.swarm"
RUN_LABEL = "vklocks.swarm.run"
#: How long the services that remove volumes may take; they wait for containers to end.
SWEEP_LIMIT_S = 40
#: How long tasks may take to end after the removal of their service.
END_LIMIT_S = 30
VOLUMES = ("python", "-m", "vm.swarm.volumes")


def new_name() -> str:
    """Return the own name of a run in the swarm: valid in DNS, and unique."""
    return f"vklocks-{token_hex(4)}"


def labels(name: str, run: str) -> dict[str, str]:
    """Return the labels of all resources of a run."""
    return {SWARM_LABEL: name, RUN_LABEL: run} | owner_labels()


def filter_of(name: str) -> str:
    """Return the filter for the resources of a run."""
    return f"{SWARM_LABEL}={name}"


def sweep(
    client: docker.DockerClient,
    image: str,
    among: Sequence[Node],
    form: Mapping[str, Sequence[str]],
    end_uses: Callable[[], object],
) -> list[Node]:
    """Remove volumes on nodes; return the nodes on which that failed.

    `form` has the names of runs to `remove`, or of those to `keep`. `end_uses` is called once the
    services are on their way, and ends what uses the volumes.
    """
    name = new_name()
    own = labels(name, "")
    command = (*VOLUMES, json.dumps({"label": SWARM_LABEL, **form}))
    program = Program(command, [services.socket_mount()], services.ROOT)
    sweepers: dict[str, Node] = {}
    with ExitStack() as stack:
        stack.callback(end_tasks, client, name)
        for number, node in enumerate(among):
            service = services.create(client, f"{name}-{number}", own, image, node, program)
            sweepers[service] = node
        end_uses()
        done = ended(client, filter_of(name), sweepers, SWEEP_LIMIT_S)
    swept = {task.service for task in done if task.state == COMPLETE}
    return [node for service, node in sweepers.items() if service not in swept]


def end_tasks(client: docker.DockerClient, name: str) -> None:
    """Remove the services of a run, and wait for the end of their tasks on nodes that answer."""
    remove_services(client, name)
    wait_for_end(client, name, END_LIMIT_S)


def remove_services(client: docker.DockerClient, name: str) -> None:
    """Remove the services of a run; their tasks end later."""
    api: Any = client.api
    with ExitStack() as stack:
        for service in api.services(filters={"label": filter_of(name)}):
            stack.callback(if_there, partial(api.remove_service, service["ID"]))


def wait_for_end(
    client: docker.DockerClient, name: str, limit_s: float, of: Collection[str] = ()
) -> None:
    """Wait until the tasks of removed services have ended, except on nodes that do not answer."""
    for _ in polls(limit_s):
        left = [task for task in listed(client, filter_of(name)) if not of or task.service in of]
        if not left:
            return
        lost = lost_nodes(client)
        if all(task.node in lost for task in left):
            return


def end_containers(client: docker.DockerClient, name: str) -> None:
    """Remove the containers of a run on the manager, with their volumes without a name."""
    with ExitStack() as stack:
        for one in client.api.containers(all=True, filters={"label": filter_of(name)}):
            remove = partial(client.api.remove_container, one["Id"], force=True, v=True)
            stack.callback(if_there, remove)


def leftovers(client: docker.DockerClient) -> Iterator[Leftover]:
    """Yield all resources of runs that the manager lists, in an order that permits removal."""
    api: Any = client.api
    ours = {"label": SWARM_LABEL}
    for plain in api.services(filters=ours):
        spec = plain["Spec"]
        name = spec["Labels"][SWARM_LABEL]
        remove = partial(_remove_service, client, plain["ID"], name)
        yield Leftover("service", spec["Name"], spec["Labels"], remove)
    for plain in api.containers(all=True, filters=ours):
        remove = partial(api.remove_container, plain["Id"], force=True, v=True)
        yield Leftover("container", plain["Names"][0].lstrip("/"), plain["Labels"], remove)
    for plain in api.networks(filters=ours):
        remove = partial(api.remove_network, plain["Id"])
        yield Leftover("network", plain["Name"], plain["Labels"], remove)
    for plain in api.secrets(filters=ours):
        spec = plain["Spec"]
        yield Leftover(
            "secret", spec["Name"], spec["Labels"], partial(api.remove_secret, plain["ID"])
        )


def _remove_service(client: docker.DockerClient, service: str, name: str) -> None:
    api: Any = client.api
    api.remove_service(service)
    wait_for_end(client, name, END_LIMIT_S, of=[service])


def remove_abandoned(client: docker.DockerClient) -> Iterator[Leftover]:
    """Remove the resources of dead owners on the manager, and yield each.

    A swarm is used from several computers, so those of owners on other ones are kept.
    """
    for left in list(leftovers(client)):
        if left.is_abandoned(is_shared=True):
            # Another process may be removing it at the same time.
            if_there(left.remove)
            yield left


def remove_stray_volumes(client: docker.DockerClient, image: str) -> tuple[list[Node], list[Node]]:
    """Remove the volumes of runs of which the manager has no secret left, on all nodes.

    Return the nodes on which that succeeded, and the others. A run has its secret longer than any
    volume, so its volumes are kept; those in use are kept in any case.
    """
    all_nodes = nodes(client)
    api: Any = client.api
    # Not by networks: the manager still lists a removed one while a container there ends.
    secrets = api.secrets(filters={"label": SWARM_LABEL})
    known = sorted({plain["Spec"]["Labels"][SWARM_LABEL] for plain in secrets})
    takers = [node for node in all_nodes if node.is_open]
    failed = sweep(client, image, takers, {"keep": known}, lambda: None)
    swept = [node for node in takers if node not in failed]
    return swept, [node for node in all_nodes if node not in swept]
