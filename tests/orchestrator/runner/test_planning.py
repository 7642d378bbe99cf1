"""The plan of an experiment: what is missing, and where the runs are after the execution."""

from pathlib import Path

from orchestrator.experiments.experiment import LAB, parse, read
from orchestrator.runner.execution import ExecutedRun
from orchestrator.runner.planning import plan

FILE = "duration_s = 1\nrepeat = 3\n"


def test_runs_that_are_there_are_not_missing(tmp_path: Path) -> None:
    path = tmp_path / "three.toml"
    path.write_text(FILE)
    file = read(path)
    first = plan(file, file.experiment, tmp_path, "simulation", logs=True)
    assert [run.name for run in first.missing] == list(first.specs)
    assert all(run.resumable for run in first.missing)
    (first.folder / "base-seed1").mkdir()
    again = plan(file, file.experiment, tmp_path, "simulation", logs=True)
    assert [run.name for run in again.missing] == ["base-seed0", "base-seed2"]
    assert again.present == 1


def test_without_a_file_every_run_is_new(tmp_path: Path) -> None:
    experiment = parse(LAB, {"duration_s": 1})
    first = plan(None, experiment, tmp_path, "simulation", logs=True)
    (name,) = first.specs
    (first.folder / name).mkdir()
    (other,) = plan(None, experiment, tmp_path, "simulation", logs=True).missing
    assert other.name != name
    assert not other.resumable


def test_directories_are_those_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "three.toml"
    path.write_text(FILE)
    file = read(path)
    planned = plan(file, file.experiment, tmp_path, "simulation", logs=True)
    for name in ("base-seed0", "failed/base-seed1-1"):
        (planned.folder / name).mkdir(parents=True)
    failed = planned.folder / "failed" / "base-seed1-1"
    executed = [ExecutedRun("base-seed1", failed, "failed", "vm1 was killed", {})]
    assert planned.directories(executed) == [planned.folder / "base-seed0"]
