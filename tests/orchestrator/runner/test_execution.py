import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends import Script
from orchestrator import owner
from orchestrator.backends.outcome import EnvironmentProblem, InterruptedBeforeStart
from orchestrator.runner import execution
from orchestrator.runner.execution import ExecutedRun, PlannedRun
from vm.files import RUN, read_json, rename_to_free
from vm.spec import Spec


def executed(
    folder: Path,
    script: Script | None = None,
    *,
    resumable: bool = True,
    backend: str = "processes",
) -> ExecutedRun:
    spec = Spec(seed=7)
    planned = PlannedRun("base-seed7", spec, backend, folder, resumable)
    return execution.execute((script or Script())(spec, planned.name), planned, lambda phase: None)


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir()}


def test_a_run_leaves_one_whole_directory_that_says_what_it_was(tmp_path: Path) -> None:
    done = executed(tmp_path / "runs")
    assert done.directory == tmp_path / "runs" / "base-seed7"
    assert below(tmp_path) == {"runs", "runs/base-seed7"}
    assert {p.name for p in done.directory.iterdir()} == {"spec.json", "run.json", "vm1.out"}
    assert json.loads((done.directory / "spec.json").read_text()) == Spec(seed=7).resolved().plain()
    account = read_json(done.directory / RUN)
    assert account is not None
    assert account["run"] == "base-seed7"
    assert account["outcome"] == "finished"
    assert account["machines"]["vm1"] == {
        "outcome": "finished",
        "exit_code": 0,
        "out_of_memory": False,
    }
    assert account["begun_unix_ns"] <= account["ended_unix_ns"]
    assert set(account["phases_s"]) == {"run"}


def test_in_virtual_time_nothing_tells_one_of_two_equal_runs_from_the_other(tmp_path: Path) -> None:
    one, other = (executed(tmp_path / n, backend="simulation").directory for n in ("a", "b"))
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


@pytest.mark.parametrize(
    ("problem", "result"), [("vm1 failed", "failed"), ("interrupted", "interrupted")]
)
def test_what_did_not_finish_is_kept_apart_and_counted(
    tmp_path: Path, problem: str, result: str
) -> None:
    script = Script({7: problem})

    def attempt() -> ExecutedRun:
        run = script(Spec(seed=7), "base-seed7")
        run.interrupt()
        planned = PlannedRun("base-seed7", Spec(seed=7), "processes", tmp_path, resumable=True)
        return execution.execute(run, planned, lambda phase: None)

    first, second = attempt(), attempt()
    assert (first.result, first.problem) == (result, problem)
    assert first.trouble == {"failed": "failed: vm1 failed"}.get(result, "interrupted")
    assert first.directory == tmp_path / "failed" / "base-seed7-1"
    assert second.directory == tmp_path / "failed" / "base-seed7-2"
    assert below(tmp_path) == {"failed", "failed/base-seed7-1", "failed/base-seed7-2"}


def test_a_run_of_no_experiment_stays_where_it_is_even_if_it_failed(tmp_path: Path) -> None:
    done = executed(tmp_path, Script({7: "vm1 failed"}), resumable=False)
    assert done.directory == tmp_path / "base-seed7"
    account = read_json(done.directory / RUN)
    assert account is not None
    assert (account["outcome"], account["problem"]) == ("failed", "vm1 failed")


def test_of_two_that_execute_the_same_run_the_second_one_is_dropped(tmp_path: Path) -> None:
    first = executed(tmp_path)
    (first.directory / "mine").touch()
    second = executed(tmp_path)
    assert second.directory == first.directory
    assert (first.directory / "mine").exists()
    assert below(tmp_path) == {"base-seed7"}


def test_of_two_runs_of_no_experiment_both_are_kept(tmp_path: Path) -> None:
    executed(tmp_path, resumable=False)
    assert executed(tmp_path, resumable=False).directory == tmp_path / "base-seed7-2"


@pytest.mark.parametrize(
    "error", [EnvironmentProblem("no engine"), InterruptedBeforeStart(), OSError("?")]
)
def test_a_run_that_never_began_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        executed(tmp_path, Script({7: error}))
    assert below(tmp_path) == set()


def test_names_by_the_time_of_day_are_new_and_tell_the_seed(tmp_path: Path) -> None:
    specs = [Spec(seed=1), Spec(seed=1), Spec(seed=2)]
    names = execution.fresh_names(tmp_path, specs)
    assert [name.split("-seed")[1] for name in names] == ["1", "1-2", "2"]
    for name in names:
        (tmp_path / name).mkdir()
    assert not set(execution.fresh_names(tmp_path, specs)) & set(names)


@pytest.fixture
def dead_tag() -> str:
    """The tag of one that had our process id before us."""
    return f"{owner.tag().rpartition('@')[0]}@1"


def test_what_dead_owners_left_is_removed_and_nothing_else(tmp_path: Path, dead_tag: str) -> None:
    for name in (f".base-seed1{dead_tag}", f".base-seed2{owner.tag()}", "base-seed3", ".mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vm1.jsonl").touch()
    assert execution.leftovers(tmp_path) == [tmp_path / f".base-seed1{dead_tag}"]
    execution.remove_leftovers(tmp_path)
    assert below(tmp_path) == {f".base-seed2{owner.tag()}", "base-seed3", ".mine"}


def test_what_cannot_be_read_as_an_account_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / RUN) is None
    for text in ("[]", "{", "\0"):
        (tmp_path / "run.json").write_text(text)
        assert read_json(tmp_path / RUN) is None


def test_a_rename_that_fails_for_another_reason_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rename_to_free(tmp_path / "gone", [tmp_path / "place"])


def test_unfinished_files_of_dead_processes_are_found(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    run = tmp_path / "lab" / "run"
    run.mkdir(parents=True)
    for name in (f".report.html.{gone.pid}", f".run.json.{os.getpid()}", ".other.html", "1.1"):
        (run / name).touch()
    assert execution.unfinished_files(tmp_path) == [run / f".report.html.{gone.pid}"]
