"""Faults done to real containers: what they leave in the logs, and nothing in the engine."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import docker
import pytest

from analysis.evaluation import evaluate
from analysis.history.replay import replay
from analysis.logs.finding import load
from cluster import command, first_container, in_engine, vklocks, wait_for_line
from loopback import Log, check_whole, read_log, read_logs
from orchestrator.backends import BACKENDS
from orchestrator.backends.docker import engine, image
from orchestrator.backends.outcome import RunOutcome
from vm.records import Event
from vm.schedule import SECOND_NS
from vm.spec import Spec

pytestmark = pytest.mark.docker
LAB = {
    "machines": 3,
    "duration_s": 3,
    "ticks": [20, 40],
    "workload": "tight",
    "clocks": ["lamport", "vector"],
    "seed": 7,
}
#: What a container takes to be frozen, cut off or started by a busy engine.
ENGINE_NS = SECOND_NS
#: Where the five restarts happen is printed with the test's name.
INSTANTS = Random("restarts of containers")


@pytest.fixture(scope="module", autouse=True)
def client() -> Iterator[docker.DockerClient]:
    with engine.connected() as connected:
        image.ensure(connected, str)
        yield connected


def execute(
    folder: Path, client: docker.DockerClient, **fields: Any
) -> tuple[Spec, RunOutcome, dict[str, Log]]:
    """A run whose history replays, whose messages are all accounted for, and that is gone."""
    spec = Spec.parse(LAB | fields).resolved()
    outcome, run = RunOutcome(), f"test-{folder.name}"
    BACKENDS["containers"].create(spec, run).execute(folder, outcome, lambda phase: None)
    assert outcome.problem == ""
    assert not in_engine(client, run)
    logs = {m: read_log(folder / f"{m}.jsonl") for m in spec.machines}
    difference = replay(logs)
    assert difference is None, difference.explain()
    found = evaluate(load(folder)).verdict
    assert not found.violations
    assert not found.unchecked
    return spec, outcome, read_logs(folder, spec.machines)


def receives(logs: dict[str, Log]) -> list[tuple[str, Event]]:
    return [(m, e) for m, log in logs.items() for e in log.events if e.kind == "receive"]


@pytest.mark.parametrize(
    ("machine", "at_s", "until_s"),
    [
        (f"vm{1 + n % 3}", at_s := round(INSTANTS.uniform(0, 2), 3), round(at_s + 0.5, 3))
        for n in range(5)
    ],
)
def test_a_restart_loses_nothing_and_doubles_nothing(
    tmp_path: Path, client: docker.DockerClient, machine: str, at_s: float, until_s: float
) -> None:
    fault = {"kind": "restart", "machine": machine, "at_s": at_s, "until_s": until_s}
    spec, outcome, logs = execute(tmp_path, client, faults=[fault])
    check_whole(spec, logs)
    assert {ended.outcome for ended in outcome.machines.values()} == {"finished"}
    assert [len(logs[m].recoveries) for m in spec.machines] == [m == machine for m in spec.machines]
    for log in logs.values():
        assert log.stop is not None
        assert not log.stop.undelivered
        readings = [event.clock["lamport"] for event in log.events]
        assert readings == sorted(set(readings))  # type: ignore[type-var]


def test_a_crash_is_no_failure(tmp_path: Path, client: docker.DockerClient) -> None:
    crash = {"kind": "crash", "machine": "vm3", "at_s": 1}
    _, outcome, logs = execute(tmp_path, client, duration_s=2, faults=[crash])
    endings = {name: ended.outcome for name, ended in outcome.machines.items()}
    assert endings == {"vm1": "finished", "vm2": "finished", "vm3": "killed"}
    assert logs["vm3"].stop is None
    assert max(e.at_ns for e in logs["vm3"].events) < SECOND_NS + ENGINE_NS


def test_a_frozen_machine_misses_its_ticks_and_nothing_else(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    pause = {"kind": "pause", "machine": "vm2", "at_s": 1, "until_s": 4}
    spec, _, logs = execute(tmp_path, client, duration_s=5, faults=[pause])
    check_whole(spec, logs)
    frozen = (SECOND_NS + ENGINE_NS, 4 * SECOND_NS)
    assert not [e for e in logs["vm2"].events if frozen[0] < e.at_ns < frozen[1]]
    assert [e for e in logs["vm1"].events if frozen[0] < e.at_ns < frozen[1]]
    assert all(log.stop and not log.stop.undelivered for log in logs.values())


def test_a_partition_cuts_the_network_between_the_groups_and_only_there(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    """Held back for longer than it takes to find out that a connection is dead, and not lost."""
    cut = {"kind": "partition", "groups": [["vm1", "vm2"]], "at_s": 1, "until_s": 4}
    idle = {"machines": 4, "workload": "assignment", "duration_s": 6}
    spec, _, logs = execute(tmp_path, client, **idle, faults=[cut])
    check_whole(spec, logs)
    arrived: dict[tuple[str, str], list[int]] = defaultdict(list)
    for machine, event in receives(logs):
        arrived[machine, event.sender].append(event.arrived_ns)
    for machine, log in logs.items():
        for unread in log.stop.inbox if log.stop else ():
            arrived[machine, unread.sender].append(unread.arrived_ns)
    apart = (SECOND_NS + ENGINE_NS, 4 * SECOND_NS)
    for (machine, sender), times_ns in arrived.items():
        together = (machine in ("vm1", "vm2")) == (sender in ("vm1", "vm2"))
        meanwhile = [at_ns for at_ns in times_ns if apart[0] < at_ns < apart[1]]
        assert bool(meanwhile) == together
        assert together or max(times_ns) > apart[1]
    assert all(log.stop and not log.stop.undelivered for log in logs.values())


def test_channels_lose_double_and_reorder_as_the_spec_says(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    faults = [
        {"kind": "loss", "probability": 0.2},
        {"kind": "duplication", "probability": 0.2},
        {"kind": "delay", "extra_s": 0.05, "jitter_s": 0.3},
    ]
    _, _, logs = execute(tmp_path, client, faults=faults, fifo=False)
    sends = [event for log in logs.values() for event in log.events if event.kind == "send"]
    assert any(event.lost for event in sends)
    assert any(event.duplicated for event in sends)
    causes = [
        [e.cause for m, e in receives(logs) if (m, e.sender) == (machine, sender)]
        for machine in logs
        for sender in logs
    ]
    assert any(indices != sorted(indices) for indices in causes)


@pytest.mark.docker(alone=True)
def test_nothing_frozen_or_cut_outlives_a_killed_orchestrator(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    file = tmp_path / "frozen.toml"
    file.write_text(
        "duration_s = 60\nticks = [20, 40]\n"
        '[[faults]]\nkind = "pause"\nmachine = "vm2"\nat_s = 0.5\n'
        '[[faults]]\nkind = "partition"\ngroups = [["vm3"]]\nat_s = 0.6\n'
    )
    with command("run", file, "--out", tmp_path) as process:
        container = first_container(client, tmp_path, "vm2")
        run = container.labels["vklocks"]
        wait_for_line(first_container(client, tmp_path, "vm1"), lambda line: " tick 60 " in line)
        container.reload()
        assert container.status == "paused"
        process.kill()
        process.wait()
    assert in_engine(client, run)
    assert vklocks("clean", "--out", tmp_path).returncode == 0
    assert not in_engine(client, run)


@pytest.mark.docker(alone=True)
def test_the_next_call_removes_what_a_killed_one_left(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    with command("run", "--duration", 60, "--ticks", "20-40", "--out", tmp_path) as process:
        run = first_container(client, tmp_path, "vm1").labels["vklocks"]
        process.kill()
        process.wait()
    assert in_engine(client, run)
    done = vklocks("run", "--duration", 1, "--machines", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not in_engine(client, run)
