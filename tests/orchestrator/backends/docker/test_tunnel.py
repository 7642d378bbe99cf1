"""Tunnels through programs in the place of ssh; `test_far.py` has the real one."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from cluster import ROOT, command, vklocks

LIMIT_S = 20


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    folder = tmp_path / "sockets"
    folder.mkdir()
    return folder


def environment(folder: Path, sockets: Path, script: str) -> dict[str, str]:
    """Return the settings for an engine behind ssh; the script is executed as ssh."""
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "TMPDIR": str(sockets), "DOCKER_HOST": "ssh://me@far:2222"}


def test_a_failed_login_is_a_problem_with_the_last_line_of_ssh(
    tmp_path: Path, sockets: Path
) -> None:
    fails = environment(tmp_path, sockets, "echo Welcome; echo Go away. >&2; exit 255")
    done = vklocks("clean", "--out", tmp_path / "runs", **fails)
    assert done.returncode == 3
    assert done.stderr == (
        "vklocks: ssh cannot log in at ssh://me@far:2222 (Go away.): try it with `ssh`\n"
    )
    assert not list(sockets.iterdir())


def test_ssh_gets_user_port_and_sockets(tmp_path: Path, sockets: Path) -> None:
    prints = environment(tmp_path, sockets, 'echo "$@" >&2')
    done = vklocks("clean", "--out", tmp_path / "runs", **prints)
    assert " -l me -p 2222 -L " in done.stderr
    assert "/socket:/var/run/docker.sock -- far echo vklocks; exec cat" in done.stderr


def test_an_interrupt_ends_a_login_that_hangs(tmp_path: Path, sockets: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    hangs = environment(tmp_path, sockets, f"echo $$ > {tmp_path / 'begun'}; exec sleep 1000")
    with command("clean", "--out", tmp_path / "runs", **hangs) as process:
        ssh = int((tmp_path / "begun").read_text())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not list(sockets.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(ssh, 0)


def test_a_tunnel_ends_with_a_killed_process(tmp_path: Path, sockets: Path) -> None:
    settings = environment(tmp_path, sockets, "echo Last login: today; echo vklocks; exec cat")
    code = (
        "import sys; from orchestrator.backends.docker import tunnel\n"
        "print(tunnel.to('ssh://far') is tunnel.to('ssh://far'), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"True\n"
        assert len(list(sockets.iterdir())) == 1
        process.kill()
    deadline_s = monotonic() + LIMIT_S
    while list(sockets.iterdir()):
        assert monotonic() < deadline_s
