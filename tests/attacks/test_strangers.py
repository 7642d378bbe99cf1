"""A stranger in the network of a run in containers: it changes nothing but the refused frames."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from cluster import command, first_container, in_engine, wait_for_line
from orchestrator.backends.docker import engine
from strangers import (
    FORGERIES,
    MACHINES,
    RUN,
    Target,
    assert_secret,
    interrupted,
    refused_in,
)

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    with engine.connected() as connected:
        yield connected


@contextmanager
def attacked(client: docker.DockerClient, out: Path) -> Iterator[Target]:
    """Yield a run to be attacked; afterwards its key is still secret, and nothing of it is left."""
    with command(*RUN, "--out", out) as process:
        first = first_container(client, out, "vm1")
        wait_for_line(first, lambda line: " tick " in line)
        run, network = first.labels["vklocks"], first.attrs["HostConfig"]["NetworkMode"]
        yield Target(client, network, run, {name: name for name in MACHINES}, encrypts=False)
        shown = _shown(client, run)
        key = _key(first)
        shown.append(interrupted(process))
    assert_secret(key, shown, out)
    assert in_engine(client, run) == []


def test_forged_streams_in_the_network_of_a_run(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    with attacked(client, tmp_path) as target:
        codes = target.attack(attack="forge", waits=True)
    assert codes == {name: {"UNAUTHENTICATED": FORGERIES} for name in MACHINES}
    assert refused_in(tmp_path) == dict.fromkeys(MACHINES, FORGERIES)


@pytest.mark.usefixtures("nightly")
def test_floods_in_the_network_of_a_run(
    tmp_path: Path, client: docker.DockerClient, attack_seed: int
) -> None:
    with attacked(client, tmp_path) as target:
        target.flood(attack_seed)
    refused = refused_in(tmp_path)
    assert refused.keys() == set(MACHINES)
    assert min(refused.values()) > 0


def _shown(client: docker.DockerClient, run: str) -> list[bytes]:
    """Return what the engine shows of a run to its users: inspect, ps, logs."""
    containers = client.containers.list(filters={"label": f"vklocks={run}"})
    assert len(containers) == len(MACHINES)
    shown = [json.dumps([one.attrs, one.top()]).encode() for one in containers]
    volumes = client.volumes.list(filters={"label": f"vklocks={run}"})
    shown += [json.dumps(volume.attrs).encode() for volume in volumes]
    return shown + [one.logs() for one in containers]


def _key(machine: Container) -> bytes:
    """Return the key, as a program of the machine reads it."""
    read = machine.exec_run(["python", "-c", "print(end=open('/key/run.key').read())"])
    assert read.exit_code == 0
    return read.output
