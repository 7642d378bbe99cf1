"""Runs in a swarm of three engines, from the command to the files, and nothing left on any node."""

import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from agreeing import check_agrees
from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.history.replay import replay
from analysis.history.run import Run
from analysis.logs.finding import load
from cluster import command, only_run, vklocks
from engines import Engine, copy_image, engines, join
from loopback import read_log, read_logs
from orchestrator.backends import BACKENDS
from orchestrator.backends.docker import image
from orchestrator.backends.outcome import EnvironmentProblem, RunOutcome
from swarms import left_on, wait_for_tick
from vm.options import UsageError
from vm.schedule import SECOND_NS
from vm.spec import Spec

pytestmark = pytest.mark.docker(nested=True)
SHORT = ("--duration", 2, "--ticks", "20-40", "--tight", "--clocks", "lamport,vector")
LAB = {
    "machines": 3,
    "duration_s": 2,
    "seed": 7,
    "ticks": [20, 40],
    "workload": "tight",
    "clocks": ["lamport", "vector"],
}
FAULTS = [
    {"kind": "restart", "machine": "vm2", "at_s": 0.5, "until_s": 1.5},
    {"kind": "pause", "machine": "vm1", "at_s": 1, "until_s": 1.5},
    {"kind": "partition", "groups": [["vm1"], ["vm2", "vm3"]], "at_s": 2, "until_s": 2.5},
    {"kind": "duplication", "probability": 0.1},
    {"kind": "crash", "machine": "vm3", "at_s": 3},
]
#: The longest time to a killed command's death: after it, the run of 2 s has ended.
KILL_WITHIN_S = 9.0
KILLS = 10
#: How long the manager takes to see that a node does not answer, and the run to end.
LOSS_S = 60


def run(nodes: list[Engine], *arguments: object) -> subprocess.CompletedProcess[str]:
    return vklocks("run", "--backend", "swarm", *arguments, DOCKER_HOST=nodes[0].address)


def checked(directory: Path) -> Run:
    """Return a run with correct clocks, whose messages are all accounted for."""
    loaded = load(directory)
    assert not evaluate(loaded).verdict.violations
    places = account(Evidence(loaded))
    ended = places.received + places.inbox + places.undelivered + places.died
    assert places.sent == ended > 0
    return loaded


@pytest.fixture
def manager(nodes: list[Engine], monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The manager, as the engine of this process."""
    monkeypatch.setenv("DOCKER_HOST", nodes[0].address)
    return nodes[0]


def execute(folder: Path, spec: Spec, places: dict[str, str]) -> RunOutcome:
    configure = BACKENDS["swarm"].configure
    assert configure
    backend, outcome = configure({"place": places}, [spec]), RunOutcome()
    backend.create(spec, "test").execute(folder, outcome, lambda phase: None)
    assert outcome.problem == ""
    return outcome


@pytest.mark.usefixtures("manager")
def test_a_run_agrees_with_all_other_backends(tmp_path: Path, nodes: list[Engine]) -> None:
    spec = Spec.parse(LAB).resolved()
    outcome = execute(tmp_path, spec, {})
    assert {ended.outcome for ended in outcome.machines.values()} == {"finished"}
    check_agrees(spec, tmp_path)
    assert not left_on(nodes)


@pytest.mark.usefixtures("manager")
def test_faults_come_at_their_dates_and_leave_the_logs_of_killed_machines(
    tmp_path: Path, nodes: list[Engine]
) -> None:
    spec = Spec.parse(LAB | {"duration_s": 4, "faults": FAULTS}).resolved()
    outcome = execute(tmp_path, spec, {"vm1": "node3", "vm2": "node2"})
    ends = {name: ended.outcome for name, ended in outcome.machines.items()}
    assert ends == {"vm1": "finished", "vm2": "finished", "vm3": "killed"}
    difference = replay({m: read_log(tmp_path / f"{m}.jsonl") for m in spec.machines})
    assert difference is None, difference.explain()
    logs, loaded = read_logs(tmp_path, spec.machines), checked(tmp_path)
    assert logs["vm1"].stop
    assert logs["vm1"].stop.ticks_missed > 0
    assert len(logs["vm2"].recoveries) == 1
    assert max(event.at_ns for event in logs["vm3"].events) < 3.5 * SECOND_NS
    assert "vm3" not in loaded.stops
    assert not left_on(nodes)


def test_a_wrong_place_and_a_worker_are_named_before_anything_begins(
    nodes: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, spec = BACKENDS["swarm"], Spec.parse(LAB)
    assert backend.configure
    assert backend.prepare
    monkeypatch.setenv("DOCKER_HOST", nodes[0].address)
    with pytest.raises(UsageError) as wrong:
        backend.configure({"place": {"vm1": "node9"}}, [spec])
    takers = ", ".join(node.name for node in nodes)
    assert f"no node 'node9' takes machines; those that do: {takers}" in str(wrong.value)
    monkeypatch.setenv("DOCKER_HOST", nodes[1].address)
    with pytest.raises(EnvironmentProblem, match="it is a worker: set DOCKER_HOST to a manager"):
        backend.prepare(print)


def test_a_killed_command_leaves_nothing_that_clean_does_not_remove(
    tmp_path: Path, nodes: list[Engine], pytestconfig: pytest.Config
) -> None:
    draw = Random("instants of kills")
    instants_s = [draw.uniform(0.5, KILL_WITHIN_S) for _ in range(KILLS)]
    for after_s in instants_s if pytestconfig.getoption("--nightly") else (4,):
        arguments = ("run", "--backend", "swarm", *SHORT, "--out", tmp_path)
        with command(*arguments, DOCKER_HOST=nodes[0].address) as process, ExitStack() as stack:
            stack.enter_context(pytest.raises(subprocess.TimeoutExpired))
            process.wait(after_s)
        cleaned = vklocks("clean", "--out", tmp_path, DOCKER_HOST=nodes[0].address)
        assert cleaned.returncode == 0, cleaned.stderr
        assert "no volume of an ended run is left on node1, node2, node3" in cleaned.stdout
        assert not left_on(nodes), after_s


@pytest.fixture
def nightly(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--nightly"):
        pytest.skip("only with --nightly")


@pytest.mark.usefixtures("nightly")
def test_a_ctrl_c_keeps_the_logs_and_leaves_nothing(tmp_path: Path, nodes: list[Engine]) -> None:
    arguments = ("run", "--backend", "swarm", "--duration", 60, "--seed", 1, "--out", tmp_path)
    with command(*arguments, DOCKER_HOST=nodes[0].address) as process:
        wait_for_tick(nodes[2], process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    directory, recorded = only_run(tmp_path)
    assert recorded["outcome"] == "interrupted"
    assert {stop.reason for stop in checked(directory).stops.values()} == {"terminated"}
    assert not left_on(nodes)


@pytest.mark.usefixtures("nightly")
def test_twelve_machines_tick_fifty_times_a_second(tmp_path: Path, nodes: list[Engine]) -> None:
    spec = ("--machines", 12, "--duration", 20, "--ticks", "50-50", "--seed", 5)
    done = run(nodes, *spec, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = checked(only_run(tmp_path)[0])
    assert len(loaded.stops) == 12
    assert not left_on(nodes)


@pytest.mark.usefixtures("nightly")
def test_a_missing_image_is_named_and_the_loss_of_a_node_keeps_the_logs_of_the_others(
    tmp_path: Path,
) -> None:
    names = ("lone1", "lone2", "lone3")
    with engines(names) as own:
        join(own)
        copy_image(image.reference(), own[:1])
        refused = run(own, *SHORT, "--out", tmp_path)
        assert refused.returncode == 3, refused.stderr
        assert "no image of these sources on lone2, lone3" in refused.stderr
        assert "vklocks image save | docker" in refused.stderr
        assert not left_on(own)
        copy_image(image.reference(), own[1:])
        arguments = ("--backend", "swarm", "--duration", 12, "--ticks", "20-40", "--seed", 2)
        with command("run", *arguments, "--out", tmp_path, DOCKER_HOST=own[0].address) as process:
            wait_for_tick(own[2], process)
            own[2].container.kill()
            _, err = process.communicate(timeout=LOSS_S)
        assert process.returncode == 4, err
        assert "vm3" in err
        assert "lone3" in err
        (directory,) = (path.parent for path in tmp_path.glob("*/*/run.json"))
        loaded = load(directory)
        assert set(loaded.stops) == {"vm1", "vm2"}
        assert not evaluate(loaded).verdict.violations
        assert not left_on(own[:2])
