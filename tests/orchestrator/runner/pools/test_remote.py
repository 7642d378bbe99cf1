"""Runs in a worker that shares no folder, without a cluster around it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from orchestrator import owner
from orchestrator.backends.outcome import EnvironmentProblem, InterruptedBeforeStart
from orchestrator.cli.execution.simulated import simulate
from orchestrator.runner.execution import PlannedRun
from orchestrator.runner.pools import remote
from orchestrator.runner.pools.sweep import Sweep
from orchestrator.runner.pools.versions import differences, refusal, versions
from sweeps import tree
from vm.spec import Spec


def task_of(folder: Path) -> remote.Task:
    planned = PlannedRun("run", Spec(seed=1, duration_s=5), "simulation", folder, True)
    work = partial(simulate, logs=True, is_evaluated=False)
    (task,) = remote.tasks(Sweep([planned], work, None, "", print))
    return task


def test_a_run_that_comes_back_equals_one_that_is_executed_here(tmp_path: Path) -> None:
    task = task_of(tmp_path / "away")
    executed = remote.settle(task.planned, remote.fulfil(task))
    assert executed.directory == tmp_path / "away" / "run"
    here = task.work(replace(task.planned, folder=tmp_path / "here"))
    assert replace(executed, directory=here.directory, phases_s=here.phases_s) == here
    assert tree(tmp_path / "away") == tree(tmp_path / "here")


def test_a_worker_with_other_versions_refuses_a_run(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    python = versions()["python"]
    with pytest.raises(EnvironmentProblem, match=rf": python {python} there, 3\.10\.0 here\. "):
        remote.fulfil(replace(task, versions={**versions(), "python": "3.10.0"}))


def test_no_run_of_an_ended_sweep_begins(tmp_path: Path) -> None:
    ended, other = task_of(tmp_path), task_of(tmp_path)
    remote.end(ended.sweep)
    with pytest.raises(InterruptedBeforeStart):
        remote.fulfil(ended)
    assert remote.fulfil(other).executed.result == "finished"


def test_what_killed_workers_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "gettempdir", lambda: str(tmp_path))
    # The id of this process, at another time.
    left = tmp_path / f".vklocks-x@{owner.me()}@1"
    left.mkdir()
    remote._remove_leftovers_of_workers.cache_clear()
    remote.fulfil(task_of(tmp_path / "away"))
    assert not left.exists()


def test_differences_name_both_versions_and_the_first_members() -> None:
    here = {"python": "3.11.7", "polars": "2.1.0"}
    assert list(differences(here, here)) == []
    assert list(differences(here, {"python": "3.12.1"})) == [
        "python 3.12.1 there, 3.11.7 here",
        "polars missing there, 2.1.0 here",
    ]
    many = {f"worker {number}": ["python 3.12.1 there, 3.11.7 here"] for number in range(7)}
    assert "worker 4: python 3.12.1 there, 3.11.7 here; and 2 more." in refusal(many)


def test_a_disk_of_a_worker_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/sys")
    monkeypatch.setattr(remote, "_remove_leftovers_of_workers", lambda: None)
    with pytest.raises(EnvironmentProblem, match=r"^worker .*: /sys/"):
        remote.fulfil(task_of(tmp_path))
