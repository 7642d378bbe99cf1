"""A stranger in the network of a run in a swarm: it changes nothing but the refused frames."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from cluster import command
from engines import Engine
from orchestrator.backends.swarm import removal, services
from strangers import (
    FORGERIES,
    MACHINES,
    RUN,
    Target,
    assert_secret,
    interrupted,
    refused_in,
)
from swarms import left_on, wait_for_tick

pytestmark = [pytest.mark.docker(nested=True), pytest.mark.usefixtures("nightly")]


@contextmanager
def attacked(nodes: Sequence[Engine], out: Path) -> Iterator[Target]:
    """Yield a run to be attacked from the last node; afterwards its key is still secret, and
    nothing of it is left on any node."""
    arguments = (*RUN, "--backend", "swarm", "--out", out)
    with (
        closing(nodes[0].client()) as manager,
        closing(nodes[-1].client()) as node,
        command(*arguments, DOCKER_HOST=nodes[0].address) as process,
    ):
        wait_for_tick(nodes[-1], process)
        name, run = _names(manager)
        hosts = {machine: f"{name}-{number}" for number, machine in enumerate(MACHINES, 1)}
        yield Target(node, name, run, hosts, encrypts=True)
        shown = _shown_by_manager(manager) + [text for one in nodes for text in _shown_by(one)]
        key = _key(node)
        shown.append(interrupted(process))
    assert_secret(key, shown, out)
    assert not left_on(nodes)


def test_forged_streams_on_a_node(tmp_path: Path, nodes: list[Engine]) -> None:
    with attacked(nodes, tmp_path) as target:
        plain = target.attack(attack="forge", waits=False, encrypts=False)
        codes = target.attack(attack="forge", waits=True)
    assert plain == {name: {"UNAVAILABLE": FORGERIES} for name in MACHINES}
    assert codes == {name: {"UNAUTHENTICATED": FORGERIES} for name in MACHINES}
    assert refused_in(tmp_path) == dict.fromkeys(MACHINES, FORGERIES)


def test_floods_on_a_node(tmp_path: Path, nodes: list[Engine], attack_seed: int) -> None:
    with attacked(nodes, tmp_path) as target:
        target.flood(attack_seed)
    refused = refused_in(tmp_path)
    assert refused.keys() == set(MACHINES)
    assert min(refused.values()) > 0


def _names(manager: docker.DockerClient) -> tuple[str, str]:
    """Return the own name of the run in the swarm, and that of the run."""
    api: Any = manager.api
    labels = api.services(filters={"label": removal.SWARM_LABEL})[0]["Spec"]["Labels"]
    return labels[removal.SWARM_LABEL], labels[removal.RUN_LABEL]


def _shown_by_manager(manager: docker.DockerClient) -> list[bytes]:
    """Return what the manager shows of the run: services and tasks, secrets, networks, logs."""
    api: Any = manager.api
    found = [api.inspect_service(one["ID"]) for one in api.services()]
    assert len(found) == len(MACHINES)
    logs = [b"".join(api.service_logs(one["ID"], stdout=True, stderr=True)) for one in found]
    assert all(logs)
    shown = (found, api.tasks(), api.secrets(), api.networks())
    return [json.dumps(shown).encode(), *logs]


def _shown_by(node: Engine) -> list[bytes]:
    """Return what the engine of a node shows: containers, their processes and logs, volumes."""
    with closing(node.client()) as client:
        containers = client.containers.list()
        assert containers
        shown = [json.dumps([one.attrs, one.top()]).encode() for one in containers]
        shown.append(json.dumps(client.api.volumes()).encode())
        return shown + [one.logs() for one in containers]


def _key(node: docker.DockerClient) -> bytes:
    """Return the key, as a program of the machine on a node reads it."""
    (machine,) = node.containers.list()
    code = f"print(end=open('{services.KEY_PATH}').read())"
    read = machine.exec_run(["python", "-c", code])
    assert read.exit_code == 0
    return read.output
