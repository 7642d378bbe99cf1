"""Leftovers in an engine that several computers may share."""

import socket
import subprocess
import sys

import pytest

from orchestrator import owner
from orchestrator.backends.docker import engine, image
from orchestrator.backends.docker.engine import Leftover

ANOTHER = "another computer"


def leftover(pid: int, **changed: str) -> Leftover:
    host = socket.gethostname()
    labels = {**engine.labels("run"), engine.OWNER_LABEL: f"{host}:{pid}", **changed}
    return Leftover("volume", "left", labels, str)


@pytest.fixture(scope="module")
def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("is_shared", [True, False])
def test_of_this_computer_the_dead_owners_are_known(ended_pid: int, is_shared: bool) -> None:
    assert leftover(ended_pid).is_abandoned(is_shared)
    assert not Leftover("volume", "left", engine.labels("run"), str).is_abandoned(is_shared)


def test_in_a_shared_engine_an_owner_elsewhere_lives(ended_pid: int) -> None:
    """Its computer may have the same name; before a restart, this one had another place."""
    left = leftover(ended_pid, **{engine.PLACE_LABEL: ANOTHER})
    assert not left.is_abandoned(is_shared=True)
    assert left.is_abandoned(is_shared=False)
    left.labels.pop(engine.PLACE_LABEL)
    assert not left.is_abandoned(is_shared=True)


@pytest.mark.skipif(not owner.place(), reason="a system without /proc knows no place")
def test_all_processes_of_a_computer_have_one_place() -> None:
    code = "from orchestrator import owner; print(owner.place())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == owner.place()


@pytest.mark.docker(alone=True)
def test_a_network_to_which_a_container_of_others_is_attached_stays(ended_pid: int) -> None:
    with engine.connected() as client:

        def gone() -> list[str]:
            return [left.name for left in engine.remove_abandoned(client)]

        name = f"vklocks-attached-{ended_pid}"
        client.networks.create(name, labels=leftover(ended_pid).labels)
        stranger = client.containers.create(
            image.reference(), entrypoint=["sleep", "60"], network=name
        )
        try:
            stranger.start()
            assert name not in gone()
        finally:
            stranger.remove(force=True)
        assert name in gone()
