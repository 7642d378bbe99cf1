"""`vklocks check` and `vklocks export`, as they are typed."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import main
from others import Delimited
from unruly import unruly

WORLD = unruly(4, machines=3, acts=150)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "one"
    directory.mkdir()
    return WORLD.write(directory)


def test_a_run_that_is_fine(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run)]) == 0
    assert capsys.readouterr().out.startswith("one: fine\n")
    assert json.loads((run / "verdict.json").read_text())["verdict"] == "fine"


def test_a_violated_run_ends_with_1(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = run / "vm2.jsonl"
    log.write_text(log.read_text().replace('"lamport":9', '"lamport":8'))
    assert main(["check", "--json", str(run)]) == 1
    (plain,) = json.loads(capsys.readouterr().out)["runs"]
    assert plain == json.loads((run / "verdict.json").read_text())
    assert plain["verdict"] == "VIOLATED"


def test_logs_that_are_missing_end_with_2(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "vm2.jsonl").unlink()
    assert main(["check", str(run)]) == 2
    assert "could not be checked: there is no log of vm2" in capsys.readouterr().out


def test_a_verdict_that_cannot_be_kept_is_said(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "verdict.json").mkdir()
    assert main(["check", str(run)]) == 0
    assert capsys.readouterr().err == "vklocks: verdict.json is not kept: Is a directory\n"


def test_the_logs_of_others_are_audited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Delimited().write(WORLD, tmp_path)
    assert main(["check", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "nothing violated; 5 of 13 checks cannot be made" in said
    assert "logs in the format delimited, 3 machines" in said
    assert "convention: " in said
    assert main(["check", str(tmp_path), "--format", "delimited"]) == 0
    assert main(["check", str(tmp_path), "--format", "shiviz"]) == 2
    assert main(["check", str(tmp_path), "--format", "shivis"]) == 2
    assert "there is no format 'shivis'; did you mean shiviz?" in capsys.readouterr().err


@pytest.mark.parametrize("to", ["shiviz", "perfetto", "csv", "parquet"])
def test_a_run_is_exported_beside_its_logs_or_elsewhere(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    assert main(["export", str(run), "--to", to]) == 0
    assert main(["export", str(run), "--to", to, "--out", str(tmp_path / "new" / "folder")]) == 0
    beside, elsewhere = map(Path, capsys.readouterr().out.splitlines())
    assert beside.parent == run
    assert elsewhere.parent == tmp_path / "new" / "folder"
    assert beside.read_bytes() == elsewhere.read_bytes()
    # What was exported is no further log of the run.
    assert main(["check", str(run)]) == 0


def test_where_nothing_can_be_written_it_says_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run / "vm1.jsonl"
    assert main(["export", str(run), "--to", "csv", "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"vklocks: --out: {out} cannot be written: File exists\n"
    assert main(["export", str(run), "--to", "pdf"]) == 2
    assert main(["export", str(run / "nowhere"), "--to", "csv"]) == 2


def test_logs_are_analysed_in_the_format_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Delimited().write(WORLD, tmp_path)
    assert main(["analyse", str(tmp_path), "--format", "delimited"]) == 0
    said = capsys.readouterr().out
    assert "verdict: nothing violated" in said
    assert f"report: {tmp_path / 'report.html'}" in said
    assert main(["analyse", str(tmp_path), "--format", "delimited", "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out)["runs"]
    assert [machine["machine"] for machine in plain["machines"]] == list(WORLD.spec.machines)


def test_every_execution_of_a_log_is_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "all.log"
    header = "(?<host>\\w) (?<clock>.*) (?<event>\\w)\n=(?<trace>.*)=\n"
    event = 'a {"a":1} x\n'
    log.write_text(f"{header}=p=\n{event}=q/r=\n{event}")
    assert main(["check", str(log)]) == 0
    said = capsys.readouterr().out
    for name in ("all.log#p", "all.log#q_r"):
        assert f"{name}: nothing violated" in said
        assert json.loads((tmp_path / f"{name}.verdict.json").read_text())["run"] == name
    assert main(["analyse", str(log)]) == 2
    assert "holds 2 executions, not one; --format takes all" in capsys.readouterr().err
    assert main(["analyse", str(log), "--format", "shiviz"]) == 0
