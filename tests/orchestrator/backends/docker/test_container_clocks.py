"""All clocks at once on real containers, one of which is killed and recovers from its log."""

from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.history.replay import replay
from analysis.logs.finding import load
from loopback import check_whole, read_log, read_logs
from orchestrator.backends import BACKENDS
from orchestrator.backends.docker import engine, image
from orchestrator.backends.outcome import RunOutcome
from vm.clocks import CLOCKS
from vm.clocks.states import stamped
from vm.spec import Spec

LAB = {
    "duration_s": 6,
    "ticks": [6, 12],
    "workload": "tight",
    "clocks": list(CLOCKS),
    "physical_clocks": {"kind": "synchronised", "error_s": 0.03, "every_s": 1},
    "faults": [{"kind": "restart", "machine": "vm2", "at_s": 1, "until_s": 2}],
    "seed": 7,
}


def check_run(folder: Path, backend: str) -> None:
    """Execute the run and check that it is whole, replays equal, and that every clock is right."""
    spec, outcome = Spec.parse(LAB).resolved(), RunOutcome()
    BACKENDS[backend].create(spec, f"test-{folder.name}").execute(
        folder, outcome, lambda phase: None
    )
    assert outcome.problem == ""
    assert {ended.outcome for ended in outcome.machines.values()} == {"finished"}
    logs = read_logs(folder, spec.machines)
    check_whole(spec, logs)
    assert [len(logs[machine].recoveries) for machine in spec.machines] == [0, 1, 0]
    difference = replay({machine: read_log(folder / f"{machine}.jsonl") for machine in logs})
    assert difference is None, difference.explain()
    found = evaluate(load(folder)).verdict
    assert (found.violations, found.unchecked) == ((), ())
    assert [claim.clock for claim in found.claims] == list(spec.clocks)
    received = [e for log in logs.values() for e in log.events if e.kind == "receive"]
    after = [e for e in logs["vm2"].events if e.at_ns > logs["vm2"].recoveries[0].at_ns]
    assert any(event.kind == "receive" for event in after)
    assert {frozenset(e.stamps or ()) for e in received} == {frozenset(stamped(spec.clocks))}


@pytest.mark.docker
def test_all_clocks_at_once_on_containers(tmp_path: Path) -> None:
    with engine.connected() as connected:
        image.ensure(connected, str)
    check_run(tmp_path, "containers")


def test_all_clocks_at_once_on_processes(tmp_path: Path) -> None:
    check_run(tmp_path, "processes")
