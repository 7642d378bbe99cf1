"""Runs in real containers, from the command to the files that they leave."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from cluster import (
    command,
    first_container,
    in_engine,
    only_run,
    run_directories,
    vklocks,
    wait_for_line,
)
from orchestrator import owner
from orchestrator.backends.docker import engine
from orchestrator.backends.outcome import PHASES
from vm.spec import Spec

pytestmark = pytest.mark.docker
SHORT = ("--duration", 2, "--ticks", "20-40", "--tight", "--seed", 7)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    with engine.connected() as connected:
        yield connected


def is_tick(line: str) -> bool:
    return " tick " in line


@pytest.fixture(scope="module")
def finished(engine_lock: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run without a fault."""
    out = tmp_path_factory.mktemp("finished")
    done = vklocks("run", *SHORT, "--clocks", "lamport,vector", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_run_is_what_its_spec_says_and_nothing_of_it_is_left(
    finished: Path, client: docker.DockerClient
) -> None:
    directory, recorded = only_run(finished)
    assert recorded["outcome"] == "finished"
    assert tuple(recorded["phases_s"]) == PHASES
    spec = Spec.parse(json.loads((directory / "spec.json").read_text()))
    run = load(directory)
    assert run.tick_rates_hz == {m: spec.tick_rate_hz(m) for m in spec.machines}
    for machine, stop in run.stops.items():
        due = spec.schedule(machine).ticks_before(spec.duration_ns)
        assert stop.events + stop.ticks_missed == due
        assert stop.rejected == 0
    found = evaluate(run).verdict
    assert not found.violations
    assert not found.unchecked
    places = account(Evidence(run))
    assert places.sent == places.received + places.inbox + places.undelivered > 0
    assert {path.name for path in directory.iterdir()} >= {
        "spec.json",
        "run.json",
        *(f"{m}.{suffix}" for m in spec.machines for suffix in ("jsonl", "out")),
    }
    assert not in_engine(client, recorded["run"])


def test_the_same_seed_draws_the_same_rates_again(finished: Path, tmp_path: Path) -> None:
    assert vklocks("run", *SHORT, "--out", tmp_path).returncode == 0
    first, again = (load(only_run(out)[0]).tick_rates_hz for out in (finished, tmp_path))
    assert first == again


def test_runs_side_by_side_do_not_mix(tmp_path: Path, client: docker.DockerClient) -> None:
    done = vklocks("run", *SHORT, "--repeat", 3, "--jobs", 3, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    runs = [load(directory) for directory in run_directories(tmp_path)]
    assert len({run.starts["vm1"].run for run in runs}) == 3
    assert sorted(run.starts["vm1"].spec.seed for run in runs) == [7, 8, 9]
    for run in runs:
        assert {start.run for start in run.starts.values()} == {run.name}
        assert [stop.rejected for stop in run.stops.values()] == [0, 0, 0]
        assert not evaluate(run).verdict.violations
        assert not in_engine(client, run.name)


def test_a_machine_alone_has_nobody_to_wait_for(tmp_path: Path) -> None:
    done = vklocks("run", "--machines", 1, "--duration", 1, "--seed", 3, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    run = load(only_run(tmp_path)[0])
    assert set(run.events["kind"]) == {"internal"}


def test_a_killed_machine_fails_the_run_and_keeps_every_log(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    with command("run", *SHORT, "--out", tmp_path) as process:
        victim = first_container(client, tmp_path, "vm2")
        wait_for_line(victim, is_tick)
        victim.kill()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "vm2 was killed" in err
    directory, recorded = only_run(tmp_path)
    assert recorded["outcome"] == "failed"
    assert "vm2" in recorded["problem"]
    assert recorded["machines"]["vm2"] == {
        "outcome": "killed",
        "exit_code": 137,
        "out_of_memory": False,
    }
    assert recorded["phases_s"]["run"] < 2 + 5
    run = load(directory)
    assert not run.missing
    assert set(run.stops) == {"vm1", "vm3"}
    assert not evaluate(run).verdict.violations
    places = account(Evidence(run))
    ended = places.received + places.inbox + places.undelivered + places.died
    assert places.sent == ended > 0
    assert not in_engine(client, recorded["run"])


def test_a_first_ctrl_c_keeps_the_logs_and_leaves_nothing(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    with command("run", "--duration", 60, "--ticks", "20-40", "--out", tmp_path) as process:
        wait_for_line(first_container(client, tmp_path, "vm1"), is_tick)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    directory, recorded = only_run(tmp_path)
    assert recorded["outcome"] == "interrupted"
    assert str(directory) in out
    run = load(directory)
    assert {stop.reason for stop in run.stops.values()} == {"terminated"}
    assert not evaluate(run).verdict.violations
    assert not in_engine(client, recorded["run"])


@pytest.mark.docker(alone=True)
def test_what_a_killed_orchestrator_leaves_is_cleaned_and_nothing_else(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    foreign = client.volumes.create("vklocks-test-foreign")
    living = client.volumes.create(
        "vklocks-test-living",
        labels={**engine.labels("living"), engine.OWNER_LABEL: owner.me()},
    )
    try:
        with command("run", "--duration", 60, "--ticks", "20-40", "--out", tmp_path) as process:
            container = first_container(client, tmp_path, "vm1")
            wait_for_line(container, is_tick)
            process.kill()
            process.wait()
        run = container.labels["vklocks"]
        assert in_engine(client, run)
        cleaned = vklocks("clean", "--out", tmp_path)
        assert cleaned.returncode == 0, cleaned.stderr
        assert not in_engine(client, run)
        assert not list(tmp_path.glob("*/*"))
        assert in_engine(client, "living") == ["volume vklocks-test-living"]
        assert client.volumes.get(foreign.name)
    finally:
        foreign.remove()
        living.remove()


def test_machines_are_shut_in(tmp_path: Path, client: docker.DockerClient) -> None:
    """No root, nothing writable but the logs, no capability, no way out of the run's network."""
    with command("run", *SHORT, "--out", tmp_path) as process:
        container = first_container(client, tmp_path, "vm3")
        config, host = container.attrs["Config"], container.attrs["HostConfig"]
        (network,) = client.networks.list(
            names=list(container.attrs["NetworkSettings"]["Networks"]), greedy=True
        )
        process.communicate(timeout=60)
    assert config["User"] == "vklocks"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["Init"]
    assert not host["PortBindings"]
    assert network.attrs["Internal"]


def test_doctor_finds_what_is_there(tmp_path: Path) -> None:
    done = vklocks("doctor", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for subject in ("engine", "clock", "cores", "disk for runs", "image"):
        assert f" {subject}: " in done.stdout


@pytest.mark.parametrize("act", ["run", "clean"])
def test_no_engine_is_reported_in_one_line(tmp_path: Path, act: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        done = vklocks(act, "--out", tmp_path, DOCKER_HOST=address)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"no Docker engine answers at {address}" in line
    assert not list(tmp_path.glob("*/*"))
