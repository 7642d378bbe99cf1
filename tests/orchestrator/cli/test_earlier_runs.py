"""What a call leaves is kept by later ones, listed, and written without a reader of the output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from by_hand import internal, send, write_run
from orchestrator.cli import main
from shortened import shorten

SIMULATED = ("run", "--backend", "simulation", "--duration", "2", "--seed", "1")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shorten(monkeypatch)
    return tmp_path / "runs"


def test_a_later_call_keeps_the_report_of_an_earlier_one(runs: Path) -> None:
    command = (*SIMULATED, "--repeat", "2", "--out", str(runs))
    assert main(command) == 0
    before = {path: path.read_bytes() for path in (runs / "lab").rglob("*") if path.is_file()}
    assert main(command) == 0
    assert {path: path.read_bytes() for path in before} == before
    index = (runs / "index.html").read_text()
    pages = [path.name for path in (runs / "lab").glob("*-report.html")]
    assert len(pages) == 2
    assert all(f'href="lab/{page}"' in index for page in pages)


def test_runs_by_hand_are_listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "by-hand").mkdir(parents=True)
    write_run(runs / "by-hand", {"a": [internal(1, 1)], "b": []}, seed=5)
    assert main([*SIMULATED, "--out", str(runs)]) == 0
    capsys.readouterr()
    assert main(["list", "--out", str(runs)]) == 0
    assert f"{runs / 'by-hand'}  by hand  2 machines\n" in capsys.readouterr().out
    assert "<td>by hand</td><td>2</td>" in (runs / "index.html").read_text()


def test_the_index_has_the_rates_that_were_drawn(runs: Path) -> None:
    assert main([*SIMULATED, "--ticks", "2-3", "--seed", "7", "--out", str(runs)]) == 0
    assert "<td>3 3 3</td>" in (runs / "index.html").read_text()


def test_machines_by_hand_may_have_ranges_of_their_own(tmp_path: Path) -> None:
    rates = {"a": 1, "b": 2}
    write_run(tmp_path, {"a": [send(1, 1, "b")], "b": []}, ticks=[1, 6], tick_rates_hz=rates)
    log = tmp_path / "b.jsonl"
    log.write_text(log.read_text().replace('"ticks":[1,6]', '"ticks":[3,4]'))
    assert '"ticks":[3,4]' in log.read_text()
    assert main(["analyse", str(tmp_path)]) == 0


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_run_ends_in_order_without_a_reader_of_its_output(runs: Path, closed: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    # Without logs there are no pages, which take long.
    words = (*SIMULATED, "--no-logs", "--out", str(runs))
    command = [sys.executable, "-m", "orchestrator", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writing}
    ended = subprocess.run(command, **streams, text=True, timeout=60, check=False)
    os.close(writing)
    assert ended.returncode == 0
    assert not ended.stderr
    (run,) = (runs / "lab").iterdir()
    assert (run / "metrics.json").exists()
    assert (runs / "index.html").exists()


def test_an_exit_code_does_not_depend_on_the_reader(tmp_path: Path) -> None:
    write_run(tmp_path, {"a": [internal(1, 5)]})
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "orchestrator", "check", str(tmp_path)]
    ended = subprocess.run(command, stdout=writing, timeout=60, check=False)
    os.close(writing)
    assert ended.returncode == 1


def test_a_run_that_is_there_is_evaluated_again_only_if_its_logs_changed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("duration_s = 5\nrepeat = 2\n")
    command = ["run", str(file), "--backend", "simulation", "--out", str(runs)]
    assert main(command) == 0
    one, two = (runs / "mine" / f"base-seed{seed}" for seed in range(2))
    pages = {run: (run / "report.html").stat().st_mtime_ns for run in (one, two)}
    summary = (runs / "mine" / "summary.csv").read_bytes()
    assert main(command) == 0
    assert {run: (run / "report.html").stat().st_mtime_ns for run in pages} == pages
    assert (runs / "mine" / "summary.csv").read_bytes() == summary
    log = one / "vm1.jsonl"
    log.write_text(log.read_text().replace('"lamport":2', '"lamport":77', 1))
    capsys.readouterr()
    for _ in range(2):
        # The second call reads the verdict of the first.
        assert main(command) == 1
        assert "verdicts: 1 holds, 1 violated (base-seed0)" in capsys.readouterr().out
    assert (one / "report.html").stat().st_mtime_ns > pages[one]
    assert (two / "report.html").stat().st_mtime_ns == pages[two]
    (two / "report.html").unlink()
    main(command)
    assert (two / "report.html").exists()
