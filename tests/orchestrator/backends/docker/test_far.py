"""An engine far away: behind ssh, with another time, and lost in mid-run; with --nightly."""

import io
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import docker
import pytest

from agreeing import check_agrees
from cluster import command, first_container, in_engine, only_run, vklocks, wait_for_line
from engines import PORT, Engine, copy_image, engines
from loopback import read_logs
from orchestrator.backends.docker import engine, image
from vm.schedule import SECOND_NS
from vm.spec import Spec

pytestmark = pytest.mark.docker(nested=True)
SHORT = ("--duration", 2, "--ticks", "20-40", "--tight", "--clocks", "lamport,vector", "--seed", 7)
AHEAD_S = 3
#: The machines' image, with another wall time in Python. (libfaketime also delays gRPC's timers.)
AHEAD = f"""
FROM {{0}}
USER root
RUN mkdir /ahead && printf '%s\\n' "import time" "now = time.time_ns" \\
    "time.time_ns = lambda: now() + {AHEAD_S * SECOND_NS}" \\
    "time.time = lambda: time.time_ns() / 1e9" > /ahead/sitecustomize.py
ENV PYTHONPATH=/ahead
USER vklocks
"""
#: What a container takes to be frozen by a busy engine.
ENGINE_NS = SECOND_NS


@pytest.fixture
def far(engine_lock: int, pytestconfig: pytest.Config) -> Iterator[Engine]:
    if not pytestconfig.getoption("--nightly"):
        pytest.skip("only with --nightly")
    with engines(["far"]) as (running,):
        copy_image(image.reference(), [running])
        yield running


@pytest.fixture
def client(far: Engine) -> Iterator[docker.DockerClient]:
    with closing(far.client()) as client:
        yield client


@pytest.fixture
def path_with_ssh(far: Engine, tmp_path: Path) -> str:
    """A PATH with an ssh whose configuration knows the engine as `far`, and a key for it."""
    key, config = tmp_path / "key", tmp_path / "config"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    serve = "mkdir -p ~/.ssh; echo $KEY > ~/.ssh/authorized_keys; ssh-keygen -A; /usr/sbin/sshd"
    served = far.container.exec_run(["sh", "-c", serve], environment={"KEY": public})
    assert served.exit_code == 0, served.output
    config.write_text(
        f"Host far\nHostName {far.ip}\nUser root\nIdentityFile {key}\n"
        f"StrictHostKeyChecking accept-new\nUserKnownHostsFile {tmp_path / 'known'}\n"
    )
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    wrapper.chmod(0o755)
    return f"{wrapper.parent}:{os.environ['PATH']}"


def test_an_engine_is_reached_through_the_users_own_ssh(
    tmp_path: Path, client: docker.DockerClient, path_with_ssh: str
) -> None:
    call = partial(vklocks, PATH=path_with_ssh, TMPDIR=str(tmp_path / "sockets"))
    (tmp_path / "sockets").mkdir()
    done = call("run", *SHORT, "--out", tmp_path / "runs", DOCKER_HOST="ssh://far")
    assert done.returncode == 0, done.stderr
    directory, recorded = only_run(tmp_path / "runs")
    check_agrees(Spec.parse(json.loads((directory / "spec.json").read_text())), directory)
    assert not in_engine(client, recorded["run"])
    refused = call("doctor", DOCKER_HOST="ssh://stranger@far")
    assert refused.returncode == 3
    assert "ssh cannot log in at ssh://stranger@far (" in refused.stdout
    elsewhere = call("doctor", DOCKER_HOST="ssh://far/nowhere.sock")
    assert elsewhere.returncode == 3
    assert "no Docker engine answers at ssh://far/nowhere.sock (DOCKER_HOST)" in elsewhere.stdout
    assert not list((tmp_path / "sockets").iterdir())


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy in front of an engine; `changed` is applied to the answers."""

    daemon_threads = True

    def __init__(self, far: Engine, changed: Callable[[bytes], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Through)
        self.target = (far.ip, PORT)
        self.changed = changed
        self.open: list[socket.socket] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """Break all connections; new ones are accepted."""
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Through(socketserver.BaseRequestHandler):
    """One connection through the proxy."""

    server: Proxy

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as there:
            self.server.open += [self.request, there]
            back = threading.Thread(target=pump, args=(there, self.request, self.server.changed))
            back.start()
            pump(self.request, there, bytes)
            back.join()


@contextmanager
def in_front(far: Engine, changed: Callable[[bytes], bytes] = bytes) -> Iterator[Proxy]:
    with Proxy(far, changed) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


def pump(source: socket.socket, target: socket.socket, changed: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(changed(data))
        target.shutdown(socket.SHUT_WR)


def later(data: bytes) -> bytes:
    """Add AHEAD_S to the time in an answer, which keeps its length."""
    return re.sub(rb'(?<="SystemTime":")[^.Z]+', _added, data)


def _added(found: re.Match[bytes]) -> bytes:
    second = datetime.fromisoformat(found[0].decode()) + timedelta(seconds=AHEAD_S)
    return second.isoformat().encode()


def test_faults_come_in_time_if_the_clock_of_the_engine_is_wrong(
    tmp_path: Path, far: Engine, client: docker.DockerClient
) -> None:
    recipe = io.BytesIO(AHEAD.format(image.reference()).encode())
    with engine.connected() as main:
        ahead, _ = main.images.build(fileobj=recipe, rm=True, forcerm=True)
        archive = b"".join(ahead.save())
    (loaded,) = client.images.load(archive)
    loaded.tag(image.reference())
    file = tmp_path / "pause.toml"
    file.write_text(
        "duration_s = 5\nticks = [20, 40]\nseed = 7\n"
        '[[faults]]\nkind = "pause"\nmachine = "vm2"\nat_s = 1\nuntil_s = 4\n'
    )
    with in_front(far, later) as proxy:
        found = vklocks("doctor", "--out", tmp_path, DOCKER_HOST=proxy.address)
        assert re.search(r"warning +clock: the engine's is (2[.]9|3[.]0)", found.stdout)
        begun_ns = time.time_ns()
        done = vklocks("run", file, "--out", tmp_path, DOCKER_HOST=proxy.address)
    assert done.returncode == 0, done.stderr
    directory, recorded = only_run(tmp_path)
    assert recorded["epoch_unix_ns"] > recorded["begun_unix_ns"] + AHEAD_S * SECOND_NS
    assert 0 < recorded["phases_s"]["barrier"] < (time.time_ns() - begun_ns) / SECOND_NS
    logs = read_logs(directory, ("vm1", "vm2", "vm3"))
    frozen = (SECOND_NS + ENGINE_NS, 4 * SECOND_NS)
    assert [event for event in logs["vm2"].events if event.at_ns < SECOND_NS]
    assert not [event for event in logs["vm2"].events if frozen[0] < event.at_ns < frozen[1]]
    assert [event for event in logs["vm1"].events if frozen[0] < event.at_ns < frozen[1]]


def test_an_engine_lost_in_mid_run_is_named_soon(
    tmp_path: Path, far: Engine, client: docker.DockerClient
) -> None:
    with command(
        *("run", "--duration", 60, "--ticks", "20-40", "--out", tmp_path), DOCKER_HOST=far.address
    ) as process:
        wait_for_line(first_container(client, tmp_path, "vm1"), lambda line: " tick " in line)
        far.container.kill()
        _, err = process.communicate(timeout=40)
    assert process.returncode == 3
    (line,) = err.splitlines()
    assert f"no Docker engine answers at {far.address} (DOCKER_HOST)" in line
    assert not list(tmp_path.glob("*/*"))


def test_logs_are_kept_if_a_broken_connection_comes_back(
    tmp_path: Path, far: Engine, client: docker.DockerClient
) -> None:
    call = ("run", "--duration", 60, "--ticks", "20-40", "--seed", 7, "--out", tmp_path)
    with in_front(far) as proxy, command(*call, DOCKER_HOST=proxy.address) as process:
        wait_for_line(first_container(client, tmp_path, "vm1"), lambda line: " tick " in line)
        proxy.cut()
        _, err = process.communicate(timeout=40)
    assert process.returncode == 4, err
    assert "engine: the connection for its events broke" in err
    directory, recorded = only_run(tmp_path)
    assert recorded["outcome"] == "failed"
    assert all(log.events for log in read_logs(directory, ("vm1", "vm2", "vm3")).values())
    assert not in_engine(client, recorded["run"])
