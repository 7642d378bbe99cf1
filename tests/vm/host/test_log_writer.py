"""Files of earlier runs beside a new log, and output without a reader."""

import os
import subprocess
import sys
from pathlib import Path

from analysis.logs.finding import find_runs
from by_hand import EPOCH_UNIX_NS, internal, write_run
from vm.host.arguments import BY_HAND
from vm.host.log_writer import set_aside


def test_each_earlier_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "by-hand"
    folder.mkdir()
    write_run(folder, {"a": [internal(1, 1)], "b": []}, seed=1)
    write_run(folder, {"c": []}, seed=2)
    (folder / "a.out").write_text("a starts")
    (folder / "unstarted.out").write_text("it waited for peers")
    one, two = (tmp_path / f"by-hand-20231114-221320-seed{seed}" for seed in (1, 2))
    assert set_aside(folder) == [one, two]
    assert set_aside(folder) == []
    assert EPOCH_UNIX_NS == 1_700_000_000 * 10**9
    assert {path.name for path in one.iterdir()} == {"a.jsonl", "b.jsonl", "a.out"}
    assert {path.name for path in two.iterdir()} == {"c.jsonl"}
    assert [path.name for path in folder.iterdir()] == ["unstarted.out"]
    assert [source.path for source in find_runs([tmp_path])] == [one, two]


def test_a_report_goes_with_its_logs(tmp_path: Path) -> None:
    folder = tmp_path / "by-hand"
    folder.mkdir()
    write_run(folder, {"a": [internal(1, 1)]}, seed=1)
    (folder / "report.html").write_text("page")
    (folder / "charts").mkdir()
    set_aside(folder)
    assert (tmp_path / "by-hand-20231114-221320-seed1" / "report.html").read_text() == "page"
    assert (tmp_path / "by-hand-20231114-221320-seed1" / "charts").is_dir()
    assert list(folder.iterdir()) == []


def test_only_the_default_folder_keeps_earlier_runs(tmp_path: Path) -> None:
    for log, runs in (((), 2), (("--log", "named"), 1)):
        home = tmp_path / str(runs)
        home.mkdir()
        for _ in range(2):
            machine("vm1", "--port", "47001", "--ticks", "9", "--duration", "0.2", *log, at=home)
        assert len(list(home.rglob("vm1.jsonl"))) == runs
    assert (tmp_path / "2" / BY_HAND / "vm1.jsonl").exists()


def test_a_machine_names_the_folder_of_the_earlier_run(tmp_path: Path) -> None:
    arguments = ("vm1", "--port", "47003", "--ticks", "9", "--duration", "0.2", "--seed", "5")
    for call in range(2):
        with (tmp_path / f"{call}.out").open("wb") as output:
            machine(*arguments, at=tmp_path, output=output)
    first, second = ((tmp_path / f"{call}.out").read_text().splitlines() for call in range(2))
    (earlier,) = (tmp_path / "runs").glob("by-hand-*")
    assert first[0].startswith("vm1 starts")
    assert second[0] == f"logs of earlier runs in {BY_HAND} are now in runs/{earlier.name}"
    assert second[1].startswith("vm1 starts")


def test_a_machine_runs_on_without_a_reader_of_its_output(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("--port", "47002", "--ticks", "9", "--duration", "0.5", "--log", str(tmp_path))
    with os.fdopen(writing, "wb") as pipe:
        errors = machine("vm1", *arguments, at=tmp_path, output=pipe)
    assert errors == ""
    assert "\nfinished: " in (tmp_path / "vm1.out").read_text()


def machine(*arguments: str, at: Path, output: object = subprocess.DEVNULL) -> str:
    """Run a machine, which must end with 0; return its errors."""
    command = [sys.executable, "-m", "vm", *arguments]
    ended = subprocess.run(
        command, cwd=at, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=True
    )
    return ended.stderr
