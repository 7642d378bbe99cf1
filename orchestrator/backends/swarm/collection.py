"""The collection of a run's logs from all nodes.

The logs lie in volumes on the nodes, and the orchestrator reaches only the manager. So a container
on the manager, attached to the run's network, receives a bundle from a service on each node, which
has the volumes of the machines there. Both ends prove that they
have the run's key, and encrypt.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tarfile import TarInfo
from typing import IO, Any

import docker
from docker.models.containers import Container
from docker.types import Mount

from orchestrator.backends.docker.archives import entries, members, packed
from orchestrator.backends.docker.engine import if_there
from orchestrator.backends.swarm import services
from orchestrator.backends.swarm.services import Program
from vm.swarm.receive import SUFFIX

PORT = 50050
#: The folder of logs in the image, which its user may write to.
LOGS = "/logs"
KEY = "key"
MACHINES = "/machines"
#: Bytes of an archive beside the contents of its files.
ARCHIVE_BYTES = 1 << 20


def start_receiver(
    client: docker.DockerClient,
    name: str,
    labels: Mapping[str, str],
    image: str,
    key: bytes,
    limit: int,
    stack: ExitStack,
) -> Container:
    """Start the container that receives the bundles, in the network of the same name."""
    form = {"port": PORT, "key": f"{LOGS}/{KEY}", "folder": LOGS, "limit": limit + ARCHIVE_BYTES}
    own_name = receiver_of(name)
    remove = partial(client.api.remove_container, own_name, force=True, v=True)
    stack.callback(if_there, remove)
    receiver = client.containers.create(
        image,
        [json.dumps(form)],
        entrypoint=["python", "-m", "vm.swarm.receive"],
        name=own_name,
        labels=dict(labels),
        network=name,
        volumes=[LOGS],
        init=True,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        mem_limit=services.MEMORY_BYTES,
        memswap_limit=services.MEMORY_BYTES,
    )
    receiver.put_archive(LOGS, packed(KEY, key, 0o400, int(services.USER)))
    receiver.start()
    return receiver


def receiver_of(name: str) -> str:
    """Return the name of the receiving container, by which senders reach it."""
    return f"{name}-receiver"


def sending(name: str, volumes: Mapping[str, str], limit: int, volume_labels: Any) -> Program:
    """Return the program that sends the logs of machines; `volumes` has theirs by their names."""
    folders = {machine: f"{MACHINES}/{number}" for number, machine in enumerate(volumes)}
    form = {
        "receiver": receiver_of(name),
        "port": PORT,
        "key": services.KEY_PATH,
        "folders": folders,
        "limit": limit,
    }
    mounts = [
        Mount(folders[machine], volume, read_only=True, labels=volume_labels)
        for machine, volume in volumes.items()
    ]
    return Program(("python", "-m", "vm.swarm.send", json.dumps(form)), mounts)


def bundled(receiver: Container) -> Iterator[tuple[TarInfo, IO[bytes] | None]]:
    """Yield the entries of all bundles one after the other, with the contents of files."""
    for member, source in members(receiver, LOGS):
        if source and Path(member.name).suffix == SUFFIX:
            yield from entries(source)
