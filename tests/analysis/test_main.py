"""The analysis inside the compose file, called as the compose file calls it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.logs.finding import load
from analysis.metrics.machine import per_machine
from by_hand import EPOCH_UNIX_NS, internal, receive, send, stop, write_run
from vm import __version__
from vm.log import FORMAT
from vm.records import Stop
from vm.spec import Spec

LOGS = {
    "vm1": [internal(10, 1), send(20, 2, "vm2")],
    "vm2": [internal(15, 1), receive(25, 3, "vm1", 1)],
}
#: When runs by hand began, in UTC, and the seed.
NAME = "20231114-221320-seed7"
SPEC: dict[str, Any] = {
    "duration_s": 0.5,
    "tick_rates_hz": {"vm1": 3, "vm2": 5},
    "workload": {"one": 1, "all": 2, "internal": 3},
    "clocks": ["lamport"],
    "seed": 7,
}
FOREIGN = "2025-01-01 10:00:00,000 INFO: Machine m1 initialized with tick rate 1 ticks per second\n"


def logs_at(directory: Path, stops: dict[str, Stop | None] | None = None) -> Path:
    write_run(directory, LOGS, stops, **SPEC)
    for machine in LOGS:
        (directory / f"{machine}.out").write_text(f"{machine} says something\n")
    return directory


@pytest.fixture
def analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, Path], int | str | None]:
    def call(*arguments: Path) -> int | str | None:
        monkeypatch.setattr(sys, "argv", ["analysis", *map(str, arguments)])
        try:
            return main()
        except SystemExit as exit_:
            return exit_.code

    return call


Call = Callable[..., int | str | None]


def ended(outcome: str) -> dict[str, object]:
    """How run.json records a machine whose exit was not observed."""
    return {"outcome": outcome, "exit_code": None, "out_of_memory": False}


def test_a_run_is_kept_whole(
    tmp_path: Path, analysis: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = logs_at(tmp_path / "logs")
    assert analysis(logs, tmp_path / "runs" / "compose") == 0
    (kept,) = (tmp_path / "runs" / "compose").iterdir()
    assert kept.name == NAME
    for file in logs.iterdir():
        assert (kept / file.name).read_bytes() == file.read_bytes()
    assert {file.name for file in kept.iterdir()} == {
        "metrics.json",
        "report.html",
        "run.json",
        "spec.json",
        "verdict.json",
        *(file.name for file in logs.iterdir()),
    }
    assert json.loads((kept / "run.json").read_text()) == {
        "format": FORMAT,
        "run": NAME,
        "backend": "compose",
        "seed": 7,
        "outcome": "finished",
        "machines": {"vm1": ended("finished"), "vm2": ended("finished")},
        "problem": "",
        "versions": {"vklocks": __version__},
        "epoch_unix_ns": EPOCH_UNIX_NS,
        "wall_offsets": {},
    }
    assert per_machine(load(kept)).equals(per_machine(load(logs)))
    said = capsys.readouterr()
    assert f"kept as runs/compose/{NAME}" in said.out
    assert "1 message sent = 1 received" in said.out
    assert said.err == ""


def test_the_spec_of_a_kept_run_is_a_spec(tmp_path: Path, analysis: Call) -> None:
    analysis(logs_at(tmp_path / "logs"), tmp_path)
    spec = Spec.parse(json.loads((tmp_path / NAME / "spec.json").read_text()))
    assert spec == Spec.parse({"machines": ["vm1", "vm2"], **SPEC})


def test_a_run_that_was_kept_before_is_shown_again(
    tmp_path: Path, analysis: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = logs_at(tmp_path / "logs")
    analysis(logs, tmp_path / "runs")
    first = capsys.readouterr().out
    assert analysis(logs, tmp_path / "runs") == 0
    assert capsys.readouterr().out == first
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [NAME]


def test_runs_of_the_same_second_and_seed_are_both_kept(tmp_path: Path, analysis: Call) -> None:
    logs = logs_at(tmp_path / "logs")
    analysis(logs, tmp_path / "runs")
    for log in logs.glob("*.jsonl"):
        epoch = f'"epoch_unix_ns":{EPOCH_UNIX_NS}'
        assert epoch in log.read_text()
        log.write_text(log.read_text().replace(epoch, f"{epoch[:-1]}1"))
    for _ in range(2):
        analysis(logs, tmp_path / "runs")
        kept = sorted(path.name for path in (tmp_path / "runs").iterdir())
        assert kept == [NAME, f"{NAME}-2"]


def test_a_run_of_which_something_is_missing_is_kept_as_far_as_it_goes(
    tmp_path: Path, analysis: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = logs_at(tmp_path / "logs", {"vm2": None})
    for lost in ("vm1.jsonl", "vm1.out"):
        (logs / lost).unlink()
    (logs / "vm2.jsonl").rename(logs / "second.jsonl")
    assert analysis(logs, tmp_path) == 0
    kept = tmp_path / NAME
    assert sorted(file.name for file in kept.iterdir()) == [
        "metrics.json",
        "report.html",
        "run.json",
        "second.jsonl",
        "spec.json",
        "verdict.json",
        "vm2.out",
    ]
    about = json.loads((kept / "run.json").read_text())
    assert about["outcome"] == "failed"
    assert about["problem"] == "vm1, vm2 did not finish"
    assert about["machines"] == {"vm1": ended("failed"), "vm2": ended("killed")}
    spec = Spec.parse(json.loads((kept / "spec.json").read_text()))
    assert (spec.machines, spec.tick_rates_hz) == (("vm1", "vm2"), {"vm1": 3, "vm2": 5})
    said = capsys.readouterr().out
    assert "note: there is no log of vm1" in said
    assert "note: vm2 left no stop record: it was killed" in said


def test_a_machine_that_was_told_to_end_did_not_finish(tmp_path: Path, analysis: Call) -> None:
    whole = stop(2)
    terminated = Stop("terminated", 2, 0, 0, whole.inbox, whole.undelivered)
    analysis(logs_at(tmp_path / "logs", {"vm1": terminated}), tmp_path)
    about = json.loads((tmp_path / NAME / "run.json").read_text())
    assert about["outcome"] == "failed"
    assert about["machines"] == {"vm1": ended("terminated"), "vm2": ended("finished")}


def nowhere(logs: Path, runs: Path) -> None:
    for file in logs.iterdir():
        file.unlink()
    logs.rmdir()


def empty(logs: Path, runs: Path) -> None:
    for file in logs.glob("*.jsonl"):
        file.unlink()


def a_file(logs: Path, runs: Path) -> None:
    nowhere(logs, runs)
    logs.write_text("?\n")


def foreign(logs: Path, runs: Path) -> None:
    empty(logs, runs)
    (logs / "m1_log.txt").write_text(FOREIGN)


def appended(logs: Path, runs: Path) -> None:
    log = logs / "vm1.jsonl"
    log.write_text(log.read_text() * 2)


def of_no_duration(logs: Path, runs: Path) -> None:
    for log in logs.glob("*.jsonl"):
        log.write_text(log.read_text().replace('"duration_s":0.5', '"duration_s":null'))


def runs_are_a_file(logs: Path, runs: Path) -> None:
    runs.write_text("?\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (nowhere, "logs cannot be read: No such file or directory"),
        (empty, "logs is no run: its files vm1.out, "),
        (a_file, "logs is a file that was not recognised as a log: give the directory of a run"),
        (foreign, "logs holds logs in the format vklocks: `vklocks analyse` reads them"),
        (appended, "vm1.jsonl:5: a second start record"),
        (of_no_duration, "vm1.jsonl:1: spec.duration_s: None"),
        (runs_are_a_file, "the run cannot be kept: "),
    ],
)
def test_nonsense_is_refused_in_one_line_and_nothing_is_left(
    tmp_path: Path,
    analysis: Call,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path, Path], None],
    says: str,
) -> None:
    logs, runs = logs_at(tmp_path / "logs"), tmp_path / "runs"
    spoil(logs, runs)
    assert analysis(logs, runs) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("analysis: ")
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not runs.is_dir()


def test_without_arguments_it_says_what_it_wants(
    analysis: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analysis() == 2
    assert "the following arguments are required: logs, runs" in capsys.readouterr().err


def test_it_is_a_command_of_its_own(tmp_path: Path) -> None:
    logs = logs_at(tmp_path / "logs")
    command = [sys.executable, "-m", "analysis", str(logs), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"kept as {'/'.join((*tmp_path.parts[-1:], 'runs', NAME))}" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_begun_as_root_it_leaves_everything_to_the_owner_of_the_checkout() -> None:
    # The folder that pytest gives is closed to everybody else.
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        logs = logs_at(folder / "logs")
        checkout = folder / "docker-compose.yml"
        checkout.touch()
        os.chown(checkout, 12345, 54321)
        (folder / "runs").mkdir()
        runs = folder / "runs" / "compose"
        # Nor need Python's own modules be open to others: a first call as root imports them all.
        program = (
            "import sys; from analysis.__main__ import main;"
            "owner = sys.argv[3:]; del sys.argv[3:]; assert main() == 0;"
            "sys.argv[2:] = owner; sys.exit(main())"
        )
        command = [sys.executable, "-c", program, str(logs), str(folder / "first")]
        command += [str(runs), "--owner", str(checkout)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        left = [runs.parent, runs, *runs.rglob("*")]
        assert len(left) > 6
        for path in left:
            assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321), path
