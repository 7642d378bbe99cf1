"""Real machines in child processes: with every fault done to them, and with nobody left behind."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from analysis.history.replay import replay
from loopback import Log, check_whole, read_log, read_logs
from orchestrator.backends import BACKENDS
from orchestrator.backends import processes as processes_module
from orchestrator.backends.backend import BackendRun
from orchestrator.backends.outcome import InterruptedBeforeStart, RunOutcome
from orchestrator.keys import new_secret
from vm.channel import Channel
from vm.latency import AS_IT_IS
from vm.records import Event
from vm.schedule import SECOND_NS
from vm.spec import Spec

LAB = {
    "machines": 3,
    "ticks": [20, 60],
    "workload": "tight",
    "clocks": ["lamport", "vector"],
    "seed": 7,
}
#: By how much the wall clock may have been slewed between two machines' looks at it.
SLEW_NS = SECOND_NS // 1000


def processes(spec: Spec) -> BackendRun:
    return BACKENDS["processes"].create(spec, "test")


def execute(folder: Path, **fields: Any) -> tuple[Spec, RunOutcome, dict[str, Log]]:
    spec = Spec.parse(LAB | fields).resolved()
    outcome = RunOutcome()
    processes(spec).execute(folder, outcome, lambda phase: None)
    return spec, outcome, read_logs(folder, spec.machines)


def check(folder: Path, spec: Spec, logs: dict[str, Log]) -> None:
    check_whole(spec, logs)
    assert replay({m: read_log(folder / f"{m}.jsonl") for m in spec.machines}) is None


def receives(logs: dict[str, Log]) -> list[tuple[str, Event]]:
    return [(m, e) for m, log in logs.items() for e in log.events if e.kind == "receive"]


def test_a_run_is_executed(tmp_path: Path) -> None:
    spec, outcome, logs = execute(tmp_path, duration_s=1)
    assert outcome.problem == ""
    assert {ended.outcome for ended in outcome.machines.values()} == {"finished"}
    # Machines on one computer have one wall clock, and one epoch by it.
    assert {log.start.epoch_unix_ns for log in logs.values()} == {outcome.epoch_unix_ns}
    assert all(log.start.wall_offsets == outcome.wall_offsets for log in logs.values())
    assert {m: offset.offset_ns for m, offset in outcome.wall_offsets.items()} == dict.fromkeys(
        spec.machines, 0
    )
    check(tmp_path, spec, logs)
    assert receives(logs)


def test_the_key_is_not_to_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, shown = new_secret(), dict[str, list[bytes]]()
    monkeypatch.setattr(processes_module, "new_secret", lambda: secret)

    def look(phase: str) -> None:
        if phase == "run":
            for child in Path("/proc/thread-self/children").read_text().split():
                files = (Path(f"/proc/{child}/{name}") for name in ("cmdline", "environ"))
                # Other tests of this process may have workers of their own.
                if b"-m\0vm\0" in (texts := [file.read_bytes() for file in files])[0]:
                    shown[child] = texts

    spec = Spec.parse(LAB | {"duration_s": 1})
    outcome = RunOutcome()
    processes(spec).execute(tmp_path, outcome, look)
    assert outcome.problem == ""
    assert len(shown) == len(spec.machines)
    assert all(b"--key" in commands for commands, _ in shown.values())
    written = [path.read_bytes() for path in tmp_path.rglob("*")]
    assert not [text for text in (*chain(*shown.values()), *written) if secret in text]


def restart(machine: str, at_s: float, until_s: float) -> dict[str, Any]:
    return {"kind": "restart", "machine": machine, "at_s": at_s, "until_s": until_s}


@pytest.mark.parametrize(
    "faults",
    [
        [restart("vm1", 0.2, 0.3), restart("vm2", 1, 1.01), restart("vm3", 1.4, 1.6)],
        # Two at once, one of them from the very beginning, the other until the very end.
        [restart("vm1", 0, 0.8), restart("vm2", 0.2, 1.999), restart("vm3", 1.3, 1.5)],
    ],
    ids=["one after the other", "at once"],
)
def test_a_restart_loses_nothing_and_doubles_nothing(
    tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    spec, outcome, logs = execute(tmp_path, duration_s=2, faults=faults)
    assert outcome.problem == ""
    check(tmp_path, spec, logs)
    for log in logs.values():
        assert log.stop is not None
        assert not log.stop.undelivered
        assert len(log.recoveries) == 1


def test_who_is_killed_after_its_last_tick_gets_its_inbox_again(tmp_path: Path) -> None:
    """All machines have ticked for the last time by then, and vm2 has a message unread."""
    fields = {"ticks": [1, 1], "workload": {"one": 0, "all": 1, "internal": 0}, "seed": 106}
    faults = [restart("vm2", 1.3, 1.4)]
    spec, _, logs = execute(tmp_path, duration_s=1.5, faults=faults, **fields)
    check(tmp_path, spec, logs)
    assert max(event.at_ns for log in logs.values() for event in log.events) < 1.3 * SECOND_NS
    (back,) = logs["vm2"].recoveries
    stop = logs["vm2"].stop
    assert stop is not None
    assert stop.inbox
    assert back.at_ns < stop.inbox[0].arrived_ns


def test_a_crash_is_no_failure(tmp_path: Path) -> None:
    crash = {"kind": "crash", "machine": "vm1", "at_s": 0.4}
    _, outcome, logs = execute(tmp_path, duration_s=0.5, faults=[crash])
    assert outcome.problem == ""
    endings = {name: ended.outcome for name, ended in outcome.machines.items()}
    assert endings == {"vm1": "killed", "vm2": "finished", "vm3": "finished"}
    assert logs["vm1"].stop is None
    sends = {(m, e.index, to) for m, log in logs.items() for e in log.events for to in e.to}
    assert {(e.sender, e.cause, m) for m, e in receives(logs)} <= sends


def test_what_a_frozen_machine_misses_is_there_afterwards(tmp_path: Path) -> None:
    """For longer than it takes its peers to find out that their connections are dead."""
    pause = {"kind": "pause", "machine": "vm2", "at_s": 0.2, "until_s": 2.8}
    spec, outcome, logs = execute(tmp_path, duration_s=3, faults=[pause])
    assert outcome.problem == ""
    check(tmp_path, spec, logs)
    assert all(log.stop and not log.stop.undelivered for log in logs.values())
    missed = [
        tick
        for tick in range(spec.schedule("vm2").ticks_before(spec.duration_ns))
        if 0.5 < spec.schedule("vm2").due_ns(tick) / SECOND_NS < 2.7
    ]
    assert {event.tick for event in logs["vm2"].events}.isdisjoint(missed)


LOSS = {"kind": "loss", "probability": 0.3}
DUPLICATION = {"kind": "duplication", "probability": 0.3}
DELAY = {"kind": "delay", "extra_s": 0.05, "jitter_s": 0.3}
CHANNELS: dict[str, dict[str, Any]] = {
    "in order": {
        "latency": {"kind": "lognormal", "median_s": 0.05, "sigma": 0.8},
        "faults": [
            DUPLICATION,
            {"kind": "partition", "groups": [["vm1"]], "at_s": 0.3, "until_s": 1},
        ],
    },
    "out of order": {"faults": [LOSS, DELAY | {"receivers": ["vm3"]}], "fifo": False},
    "killed": {
        "faults": [LOSS, DUPLICATION, DELAY, restart("vm1", 0.3, 0.5), restart("vm2", 0.6, 0.7)],
        "fifo": False,
    },
}


@pytest.mark.parametrize("fields", CHANNELS.values(), ids=list(CHANNELS))
def test_channels_do_what_the_spec_says(tmp_path: Path, fields: dict[str, Any]) -> None:
    spec, outcome, logs = execute(tmp_path, duration_s=1.2, **fields)
    assert outcome.problem == ""
    check(tmp_path, spec, logs)
    leaves_ns: dict[tuple[str, int, str], int] = {}
    for name, log in logs.items():
        latency = spec.latency or AS_IT_IS
        channels = {peer: Channel(spec, name, peer, latency) for peer in spec.machines}
        for event in log.events:
            copies = {peer: channels[peer].carry(event.at_ns) for peer in event.to}
            assert event.lost == tuple(p for p, times in copies.items() if not times)
            assert event.duplicated == tuple(p for p, times in copies.items() if len(times) == 2)
            leaves_ns |= {(name, event.index, p): min(t) for p, t in copies.items() if t}
    for name, event in receives(logs):
        assert event.arrived_ns >= leaves_ns[event.sender, event.cause, name] - SLEW_NS
    causes = [
        [e.cause for m, e in receives(logs) if (m, e.sender) == (name, sender)]
        for name in spec.machines
        for sender in spec.machines
    ]
    assert spec.fifo == all(of_one == sorted(of_one) for of_one in causes)
    events = [event for log in logs.values() for event in log.events]
    kinds = {fault["kind"] for fault in fields["faults"]}
    assert any(event.lost for event in events) == ("loss" in kinds)
    assert any(event.duplicated for event in events) == ("duplication" in kinds)


def test_a_machine_that_cannot_begin_ends_the_run_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "vm2.out").mkdir()
    outcome = RunOutcome()
    processes(Spec.parse(LAB).resolved()).execute(tmp_path, outcome, lambda phase: None)
    assert "vm2 failed with exit code 2" in outcome.problem
    assert "last output of vm2: vm: --log: cannot write" in outcome.problem


def test_a_log_that_others_replace_fails_the_run_and_spares_the_other_logs(tmp_path: Path) -> None:
    log = tmp_path / "vm2.jsonl"

    def replace(phase: str) -> None:
        if phase == "collect":
            log.unlink()
            log.symlink_to("/dev/zero")

    outcome = RunOutcome()
    spec = Spec.parse(LAB | {"duration_s": 1}).resolved()
    processes(spec).execute(tmp_path, outcome, replace)
    assert outcome.problem == "vm2: vm2.jsonl was replaced by a symbolic link"
    assert not log.is_symlink()
    assert read_log(tmp_path / "vm1.jsonl")
    assert read_log(tmp_path / "vm3.jsonl")


def test_a_run_that_is_to_end_before_it_begins_leaves_nothing(tmp_path: Path) -> None:
    run = processes(Spec.parse(LAB).resolved())
    run.interrupt()
    before = children_of(os.getpid())
    with pytest.raises(InterruptedBeforeStart):
        run.execute(tmp_path, RunOutcome(), lambda phase: None)
    assert not list(tmp_path.iterdir())
    assert children_of(os.getpid()) == before


#: Executes a run in which vm2 is frozen soon, and prints when it is. SIGINT ends the run.
ORCHESTRATOR = """
import os, signal, subprocess, sys, threading
from pathlib import Path
from orchestrator.backends import BACKENDS
from orchestrator.backends.outcome import RunOutcome
from vm.spec import Spec

pause = {"kind": "pause", "machine": "vm2", "at_s": 0.1, "until_s": 60}
spec, outcome = Spec.parse({"faults": [pause]}).resolved(), RunOutcome()
run = BACKENDS["processes"].create(spec, "test")
signal.signal(signal.SIGINT, lambda *_: run.interrupt())

def report(phase):
    if phase == "run":
        threading.Thread(target=print_when_frozen, daemon=True).start()

def print_when_frozen():
    vm2 = subprocess.check_output(["pgrep", "-P", str(os.getpid()), "-f", "vm vm2"])
    os.waitid(os.P_PID, int(vm2), os.WSTOPPED | os.WNOWAIT)
    print("frozen", flush=True)

executing = threading.Thread(target=run.execute, args=(Path(sys.argv[1]), outcome, report))
executing.start()
executing.join()
print(outcome.problem, *(ended.outcome for ended in outcome.machines.values()))
"""


@pytest.fixture
def orchestrator(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An orchestrator of three machines, one of them frozen, in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", ORCHESTRATOR, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "frozen\n"
        yield process
        process.kill()


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def test_ctrl_c_ends_machines_in_order_the_frozen_one_too(
    orchestrator: subprocess.Popen[str],
) -> None:
    os.killpg(orchestrator.pid, signal.SIGINT)
    output, _ = orchestrator.communicate(timeout=20)
    assert output == "interrupted terminated terminated terminated\n"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux can wait for any process")
def test_nobody_outlives_a_killed_orchestrator_not_even_frozen(
    orchestrator: subprocess.Popen[str],
) -> None:
    machines = {os.pidfd_open(pid) for pid in children_of(orchestrator.pid)}
    assert len(machines) == 3
    orchestrator.kill()
    while machines:
        ended, _, _ = select.select(machines, [], [], 20)
        assert ended, f"{len(machines)} machines live on"
        machines -= set(ended)
        for one in ended:
            os.close(one)
