"""The services of a run: what a machine and its helpers may do on a node.

A service is a job of one task on a given node: it is never started again. The image is given by its
ID, or by a digest, so that all nodes execute the same one, and no node asks a registry for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import docker
from docker.types import (
    ContainerSpec,
    EndpointSpec,
    Mount,
    Placement,
    Resources,
    RestartPolicy,
    SecretReference,
    ServiceMode,
    TaskTemplate,
)

from orchestrator.backends.swarm.nodes import Node
from orchestrator.backends.wall_clock import STOP_LIMIT_S
from vm.schedule import SECOND_NS
from vm.swarm.volumes import SOCKET

MEMORY_BYTES = 256 << 20
MAX_PIDS = 64
#: The user of the image, who owns the folder of logs.
USER = "10001"
ROOT = "0"
KEY_FILE = "vklocks-key"
KEY_PATH = f"/run/secrets/{KEY_FILE}"


class RunSecret(NamedTuple):
    """The secret with the key of a run."""

    id: str
    name: str


class Program(NamedTuple):
    """The program of a service: its command, and what it gets to see on its node."""

    command: Sequence[str]
    mounts: Sequence[Mount] = ()
    user: str = USER


def create(
    client: docker.DockerClient,
    name: str,
    labels: Mapping[str, str],
    image: str,
    node: Node,
    program: Program,
    network: str = "",
    key: RunSecret | None = None,
) -> str:
    """Create a service, which begins at once; return its ID.

    `network` is the ID of its network, `key` the run's key, if it gets them.
    """
    container = ContainerSpec(
        image,
        command=list(program.command),
        user=program.user,
        mounts=list(program.mounts),
        secrets=[_secret(key)] if key else [],
        init=True,
        read_only=True,
        cap_drop=["ALL"],
        # Missing in the SDK's class.
        privileges={"NoNewPrivileges": True},  # type: ignore[arg-type]
        stop_grace_period=STOP_LIMIT_S * SECOND_NS,
    )
    limits = Resources(mem_limit=MEMORY_BYTES)
    limits["Limits"]["Pids"] = MAX_PIDS
    task = TaskTemplate(
        container,
        resources=limits,
        restart_policy=RestartPolicy("none"),
        placement=Placement(constraints=[f"node.id=={node.id}"]),
        networks=[network] if network else None,
    )
    api: Any = client.api
    created: dict[str, Any] = api.create_service(
        task,
        name=name,
        labels=dict(labels),
        mode=ServiceMode("replicated-job", replicas=1),
        endpoint_spec=EndpointSpec(mode="dnsrr"),
    )
    return str(created["ID"])


def socket_mount() -> Mount:
    return Mount(SOCKET, SOCKET, type="bind")


def _secret(key: RunSecret) -> SecretReference:
    return SecretReference(key.id, key.name, filename=KEY_FILE, uid=USER, mode=0o400)
