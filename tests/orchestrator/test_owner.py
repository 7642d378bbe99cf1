import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import owner


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_this_process_lives() -> None:
    assert owner.me() == f"{socket.gethostname()}:{os.getpid()}"
    assert not owner.is_dead(owner.me())
    assert not owner.is_dead(owner.me(), owner.begun(os.getpid()))
    assert not owner.is_dead_tag(f".run{owner.tag()}")


def test_a_process_that_has_ended_is_dead() -> None:
    assert owner.is_dead(f"{socket.gethostname()}:{ended_pid()}")
    assert owner.is_dead_tag(f".a-run@{socket.gethostname()}:{ended_pid()}@77")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="nobody says who is a zombie")
def test_one_that_has_ended_and_whose_parent_has_not_asked_how_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert owner.is_dead(f"{socket.gethostname()}:{process.pid}")


def test_one_that_had_our_process_id_before_us_is_dead() -> None:
    assert owner.is_dead(owner.me(), "1")


@pytest.mark.parametrize("name", ["elsewhere:1", "", "1", f"{socket.gethostname()}:x", "nobody:"])
def test_of_anybody_else_nobody_can_say(name: str) -> None:
    assert not owner.is_dead(name)


def test_a_process_of_somebody_else_lives() -> None:
    assert not owner.is_dead(f"{socket.gethostname()}:1")
