"""Engines in containers of the main engine: remote engines, and the nodes of a swarm.

Their resources have the labels of a run of this process, so that `vklocks clean` and the next run
remove what a killed test leaves.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import docker
from docker.models.containers import Container

from orchestrator.backends.docker.engine import connected, if_there, labels

IMAGE = "vklocks-test-engine"
PORT = 2375
SWARM_PORT = 2377
RUN = "test-engines"
LIMIT_S = 120

Given, Result = TypeVar("Given"), TypeVar("Result")


@dataclass(frozen=True)
class Engine:
    """An engine inside a container of the main engine; `name` is its host's name."""

    name: str
    ip: str
    container: Container

    @property
    def address(self) -> str:
        """The value of DOCKER_HOST for this engine."""
        return f"tcp://{self.ip}:{PORT}"

    def client(self) -> docker.DockerClient:
        """Return a new client, to be closed by the caller."""
        return docker.DockerClient(self.address, version="auto", timeout=LIMIT_S)


@contextmanager
def engines(names: Sequence[str]) -> Iterator[list[Engine]]:
    """Run engines, each in a container, on a network of their own; nothing of them is left."""
    own_labels = labels(RUN)
    prefix = f"vklocks-test-{own_labels['vklocks.owner'].rpartition(':')[2]}-{names[0]}"
    stacks = {name: ExitStack() for name in names}
    with connected() as main, ExitStack() as stack:
        main.images.build(path=str(Path(__file__).parent), tag=IMAGE, rm=True, forcerm=True)
        stack.callback(if_there, partial(main.api.remove_network, prefix))
        main.networks.create(prefix, labels=own_labels, check_duplicate=True)
        stack.callback(in_parallel, ExitStack.close, list(stacks.values()))
        yield in_parallel(lambda name: _run(stacks[name], prefix, own_labels, name), names)


def _run(stack: ExitStack, prefix: str, own_labels: dict[str, str], name: str) -> Engine:
    main, own_name = stack.enter_context(connected()), f"{prefix}-{name}"
    stack.callback(if_there, partial(main.api.remove_container, own_name, force=True))
    container = main.containers.run(
        IMAGE,
        name=own_name,
        hostname=name,
        labels=own_labels,
        network=prefix,
        # In memory, which is written and removed in no time; on a disk, each takes ten seconds.
        tmpfs={"/var/lib/docker": "exec,suid,dev,size=4g"},
        privileged=True,
        init=True,
        detach=True,
    )
    container.reload()
    ip = container.attrs["NetworkSettings"]["Networks"][prefix]["IPAddress"]
    _wait(container, f"API listen on {ip}:{PORT}")
    return Engine(name, ip, container)


def _wait(container: Container, line: str) -> None:
    """Return when the container has printed a line. It fails if the container ends before."""
    output = ""
    for chunk in container.logs(stream=True, follow=True):
        output += chunk.decode(errors="replace")
        if line in output:
            return
    raise AssertionError(f"{container.name} ended:\n{output}")


def join(nodes: Sequence[Engine]) -> None:
    """Make a swarm of engines; the first one manages it."""
    manager, *workers = nodes
    with closing(manager.client()) as client:
        client.swarm.init(advertise_addr=manager.ip, listen_addr=f"{manager.ip}:{SWARM_PORT}")
        token = client.swarm.attrs["JoinTokens"]["Worker"]

    def enter(worker: Engine) -> None:
        with closing(worker.client()) as client:
            client.swarm.join(
                remote_addrs=[f"{manager.ip}:{SWARM_PORT}"],
                join_token=token,
                advertise_addr=worker.ip,
                listen_addr=f"{worker.ip}:{SWARM_PORT}",
            )

    in_parallel(enter, workers)


def copy_image(reference: str, nodes: Sequence[Engine]) -> None:
    """Copy an image of the main engine into each of the engines."""

    def copy(node: Engine) -> None:
        with connected() as main, closing(node.client()) as client:
            client.images.load(main.images.get(reference).save(named=reference))

    in_parallel(copy, nodes)


def in_parallel(act: Callable[[Given], Result], given: Sequence[Given]) -> list[Result]:
    """Return the results for all given values, computed at the same time."""
    with ThreadPoolExecutor(max(1, len(given))) as pool:
        return list(pool.map(act, given))
