"""Runs on a remote engine: one inside the engine, reached by TCP at its address."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from agreeing import check_agrees
from cluster import command, first_container, in_engine, only_run, vklocks
from engines import Engine
from orchestrator.backends.docker import engine, image
from vm.spec import Spec

pytestmark = pytest.mark.docker(nested=True)
#: Its seed is in no other test, as runs of one second and seed have one name.
SHORT = ("--duration", 2, "--ticks", "20-40", "--tight", "--clocks=lamport,vector", "--seed=4711")


@pytest.fixture
def remote(nodes: list[Engine]) -> Engine:
    """The last node, which has no part in managing the swarm."""
    return nodes[-1]


@pytest.fixture
def client(remote: Engine) -> Iterator[docker.DockerClient]:
    with closing(remote.client()) as client:
        yield client


def test_engines_inside_the_engine_are_a_swarm_and_have_the_image(nodes: list[Engine]) -> None:
    with closing(nodes[0].client()) as client:
        ready = {
            node.attrs["Description"]["Hostname"]: node.attrs["Status"]["State"]
            for node in client.nodes.list()
        }
    assert ready == {node.name: "ready" for node in nodes}
    for node in nodes:
        with closing(node.client()) as client:
            assert image.find(client, image.reference())


def test_a_run_on_a_remote_engine_is_the_same(
    tmp_path: Path, remote: Engine, client: docker.DockerClient
) -> None:
    done = vklocks("run", *SHORT, "--out", tmp_path, DOCKER_HOST=remote.address)
    assert done.returncode == 0, done.stderr
    directory, recorded = only_run(tmp_path)
    check_agrees(Spec.parse(json.loads((directory / "spec.json").read_text())), directory)
    assert not in_engine(client, recorded["run"])
    with engine.connected() as main:
        assert not in_engine(main, recorded["run"])


def test_the_engine_of_a_context_is_used_and_named_by_doctor(
    tmp_path: Path, remote: Engine
) -> None:
    contexts = docker_config(tmp_path, lab=remote.address)
    done = vklocks("doctor", "--out", tmp_path, DOCKER_CONFIG=str(contexts), DOCKER_CONTEXT="lab")
    assert done.returncode == 0, done.stderr
    assert f" at {remote.address} (context 'lab' of DOCKER_CONTEXT)" in done.stdout
    assert "clock: the engine's is 0.0" in done.stdout
    # The disk is that of the engine, which has 4 GiB in memory.
    assert "disk of the engine: 3." in done.stdout


def docker_config(folder: Path, **hosts: str) -> Path:
    """Return a folder for DOCKER_CONFIG with a context for each host."""
    config = folder / "docker"
    for name, host in hosts.items():
        create = ["docker", "--config", config, "context", "create", name]
        subprocess.run([*create, "--docker", f"host={host}"], check=True, capture_output=True)
    return config


def test_an_owner_of_another_computer_with_the_same_name_lives(
    tmp_path: Path, remote: Engine, client: docker.DockerClient
) -> None:
    """A killed run is cleaned; the same labels from another computer are left alone."""
    with command(
        *("run", "--duration", 60, "--ticks", "20-40", "--seed", 7, "--out", tmp_path),
        DOCKER_HOST=remote.address,
    ) as process:
        container = first_container(client, tmp_path, "vm1")
        process.kill()
        process.wait()
    run, labels = container.labels["vklocks"], container.labels
    elsewhere = {**labels, engine.PLACE_LABEL: "another computer", "vklocks": "elsewhere"}
    volume = client.volumes.create("elsewhere", labels=elsewhere)
    try:
        cleaned = vklocks("clean", "--out", tmp_path, DOCKER_HOST=remote.address)
        assert cleaned.returncode == 0, cleaned.stderr
        assert not in_engine(client, run)
        assert in_engine(client, "elsewhere") == ["volume elsewhere"]
        left = f"left volume elsewhere: {labels[engine.OWNER_LABEL]}, or a container, may still use"
        assert left in cleaned.stdout
    finally:
        volume.remove()
