"""The backend `simulation`: what it leaves on disk."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from loopback import read_log
from orchestrator.backends import BACKENDS
from orchestrator.backends.outcome import InterruptedBeforeStart, RunOutcome
from orchestrator.backends.simulation import SimulatedRun
from orchestrator.virtual.simulation import simulate
from specs import specs
from vm.files import MachineOutcome
from vm.records import Stop, transcript_line
from vm.spec import Spec


def executed(spec: Spec, directory: Path) -> RunOutcome:
    outcome, phases = RunOutcome(), []
    BACKENDS["simulation"].create(spec, "run").execute(directory, outcome, phases.append)
    assert phases == ["run", "collect"]
    return outcome


def test_the_files_hold_the_history(tmp_path: Path) -> None:
    spec = Spec(duration_s=20, clocks=("vector", "lamport"), seed=4)
    outcome = executed(spec, tmp_path)
    history = simulate(spec, "run")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{suffix}" for name in spec.machines for suffix in ("jsonl", "out")
    }
    for name, records in history.items():
        assert read_log(tmp_path / f"{name}.jsonl") == records
        transcript = (tmp_path / f"{name}.out").read_text().splitlines()
        assert transcript == [transcript_line(record) for record in records]
    assert outcome.epoch_unix_ns == 0
    assert outcome.problem == ""
    assert set(outcome.machines.values()) == {MachineOutcome("finished", 0)}


def test_a_crash_is_how_the_machine_ended_and_no_problem(tmp_path: Path) -> None:
    crash = {"kind": "crash", "machine": "vm2", "at_s": 5}
    outcome = executed(Spec.parse({"duration_s": 10, "faults": [crash]}), tmp_path)
    assert outcome.machines["vm2"] == MachineOutcome("killed", None)
    assert outcome.problem == ""


def test_a_run_interrupted_before_it_began_never_begins(tmp_path: Path) -> None:
    run = SimulatedRun(Spec(), "run")
    run.interrupt()
    with pytest.raises(InterruptedBeforeStart):
        run.execute(tmp_path, RunOutcome(), lambda phase: None)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_ends_cleanly_and_soon(tmp_path: Path) -> None:
    spec = Spec(duration_s=24 * 60 * 60, ticks=(10_000, 10_000))
    run, outcome = SimulatedRun(spec, "run"), RunOutcome()

    def report(phase: str) -> None:
        # The simulation is asked to end as soon as it has begun.
        if phase == "run":
            run.interrupt()

    run.execute(tmp_path, outcome, report)
    assert outcome.problem == "interrupted"
    for name in spec.machines:
        stop = read_log(tmp_path / f"{name}.jsonl")[-1]
        assert isinstance(stop, Stop)
        assert stop.reason == "terminated"
    assert set(outcome.machines.values()) == {MachineOutcome("terminated", 0)}


@settings(max_examples=30, deadline=None)
@given(spec=specs())
def test_the_analysis_finds_every_simulation_right(spec: Spec) -> None:
    with tempfile.TemporaryDirectory() as directory:
        executed(spec, Path(directory))
        run = load(Path(directory))
        found, has_events = evaluate(run).verdict, run.events.height > 0
    # Of machines that crash at once nothing can be checked.
    assert found.state == ("holds" if has_events else "inconclusive")
    places = found.account
    assert places is not None
    assert places.sent == (
        places.received + places.inbox + places.undelivered + places.lost + places.died
    )
