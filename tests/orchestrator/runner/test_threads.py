import os
import signal
from pathlib import Path

import pytest

from backends import Script
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner import threads
from orchestrator.runner.execution import Batch, PlannedRun
from vm.spec import Spec


class RecordingDisplay:
    """A display that remembers, and that sends a signal when two runs have begun."""

    def __init__(self, number: signal.Signals | None = None) -> None:
        self.phases: list[tuple[str, str]] = []
        self.over: dict[str, str] = {}
        self._number = number

    def phase(self, run: str, phase: str) -> None:
        self.phases.append((run, phase))
        if self._number and len(self.phases) == 2:
            os.kill(os.getpid(), self._number)

    def done(self, run: str, problem: str) -> None:
        self.over[run] = problem


def executed(
    folder: Path, script: Script, shown: RecordingDisplay, ended: list[str] | None = None
) -> Batch:
    planned = [PlannedRun(f"run{n}", Spec(seed=n), "processes", folder, True) for n in range(4)]
    named = [] if ended is None else ended
    return threads.execute(planned, script, 2, shown, lambda run: named.append(run.name))


def test_all_runs_are_executed_and_displayed(tmp_path: Path) -> None:
    shown = RecordingDisplay()
    batch = executed(tmp_path, Script(), shown, ended := [])
    names = {"run0", "run1", "run2", "run3"}
    assert {run.name for run in batch.runs} == names
    assert ended == [run.name for run in batch.runs]
    assert {path.name for path in tmp_path.iterdir()} == names
    assert shown.over == dict.fromkeys(names, "")
    assert sorted(shown.phases) == [(name, "run") for name in sorted(names)]
    assert not batch.interrupted
    assert not batch.problems


def test_a_run_that_fails_or_lacks_something_is_no_matter_to_the_others(tmp_path: Path) -> None:
    script = Script({0: "vm1 was killed", 2: EnvironmentProblem("the engine is gone")})
    shown = RecordingDisplay()
    batch = executed(tmp_path, script, shown)
    assert {run.name: run.result for run in batch.runs} == {
        "run0": "failed",
        "run1": "finished",
        "run3": "finished",
    }
    assert batch.problems == ["the engine is gone"]
    assert shown.over == {
        "run0": "failed: vm1 was killed",
        "run1": "",
        "run2": "the engine is gone",
        "run3": "",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_runs_and_what_waits_never_begins(
    tmp_path: Path, number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Script(dict.fromkeys(range(4), "interrupted"))
    before = signal.getsignal(number)
    batch = executed(tmp_path, script, RecordingDisplay(number))
    assert batch.interrupted == number
    assert {run.result for run in batch.runs} == {"interrupted"}
    assert len(batch.runs) == len(script.executed) == 2
    assert {p.name for p in tmp_path.iterdir()} == {"failed"}
    assert "ending the runs" in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_a_mistake_of_ours_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        executed(tmp_path, Script({1: ZeroDivisionError()}), RecordingDisplay())
