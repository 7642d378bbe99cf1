"""`vklocks check` and `vklocks export`, as they are typed."""

import json
import shutil
from pathlib import Path

import pytest

from analysis.logs.finding import load
from analysis.metrics.run import metrics_of
from analysis.text.plain import plain_metrics
from orchestrator.cli import main, report
from others import Delimited
from unruly import unruly

WORLD = unruly(4, machines=3, acts=150)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "labs" / "one"
    directory.mkdir(parents=True)
    return WORLD.write(directory)


def test_a_run_that_is_fine(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run)]) == 0
    assert capsys.readouterr().out.startswith("one: holds\n")
    assert json.loads((run / "verdict.json").read_text())["verdict"] == "holds"


def test_a_violated_run_ends_with_1(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = run / "vm2.jsonl"
    log.write_text(log.read_text().replace('"lamport":9', '"lamport":8'))
    assert main(["check", "--json", str(run)]) == 1
    (plain,) = json.loads(capsys.readouterr().out)["runs"]
    assert plain == json.loads((run / "verdict.json").read_text())
    assert plain["verdict"] == "violated"


def test_logs_that_are_missing_end_with_2(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "vm2.jsonl").unlink()
    assert main(["check", str(run)]) == 2
    assert "could not be checked: there is no log of vm2" in capsys.readouterr().out


def test_a_verdict_that_cannot_be_kept_is_said(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "verdict.json").mkdir()
    assert main(["check", str(run)]) == 0
    file = run / "verdict.json"
    assert capsys.readouterr().err == f"vklocks: {file} is not written: Is a directory\n"


def test_the_logs_of_others_are_audited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Delimited().write(WORLD, tmp_path)
    assert main(["check", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "nothing violated; 7 of 16 checks cannot be made" in said
    assert "logs in a delimited format, 3 machines" in said
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


def test_an_export_of_damaged_logs_says_what_it_lacks(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--to", "csv"]) == 0
    assert capsys.readouterr().err == ""
    log = sorted(run.glob("*.jsonl"))[0]
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:2], "noise\n", *lines[3:]]))
    assert main(["export", str(run), "--to", "csv"]) == 0
    said = capsys.readouterr().err
    assert f"note: 1 line not used from {log.name}:3: not JSON" in said


def test_the_logs_of_others_are_not_exported_among_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Delimited().write(WORLD, tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["export", str(tmp_path), "--to", "shiviz"]) == 2
    assert "export to another folder, --out DIR" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    assert main(["export", str(tmp_path), "--to", "shiviz", "--out", str(tmp_path / "new")]) == 0
    assert main(["check", str(tmp_path / "new")]) == 0


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
    assert "verdict: holds: nothing violated" in said
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
        assert f"{name}: holds: nothing violated" in said
        assert json.loads((tmp_path / f"{name}.verdict.json").read_text())["run"] == name
    assert main(["analyse", str(log)]) == 0
    assert "2 runs; machine metrics: the mean" in capsys.readouterr().out
    assert {path.name for path in tmp_path.glob("*.html")} == {
        *("all.log#p.report.html", "all.log#q_r.report.html", "report.html")
    }


def test_many_executions_of_a_log_are_told_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_PAGES", 2)
    monkeypatch.setattr(report, "MAX_CHARTS", 2)
    log = tmp_path / "all.log"
    executions = "".join(f'={name}=\na {{"a":1}} x\n' for name in "pqr")
    log.write_text(f"(?<host>\\w) (?<clock>.*) (?<event>\\w)\n=(?<trace>.*)=\n{executions}")
    assert main(["analyse", str(log)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("\n3 runs; machine metrics: the mean")
    assert {path.name for path in tmp_path.iterdir()} == {"all.log", "report.html"}


def test_a_name_with_the_mark_of_an_execution_is_a_name(run: Path) -> None:
    marked = run.rename(run.with_name("lab#1"))
    assert main(["check", str(marked)]) == 0
    assert main(["analyse", str(marked)]) == 0
    left = {path.name for path in marked.iterdir() if path.suffix != ".jsonl"}
    assert left >= {"verdict.json", "report.html", "charts"}


@pytest.fixture
def labs(run: Path) -> Path:
    """Four labs: one that is fine, one without logs, one that mixes two runs, one violated."""
    for name in ("mixed", "violated"):
        shutil.copytree(run, run.parent / name)
    measured = run.parent / "measured"
    measured.mkdir()
    (measured / "metrics.json").write_text(json.dumps(plain_metrics([metrics_of(load(run))])))
    log = run.parent / "mixed" / "vm1.jsonl"
    log.write_text(log.read_text().replace('"run":"', '"run":"another ', 1))
    log = run.parent / "violated" / "vm2.jsonl"
    log.write_text(log.read_text().replace('"lamport":9', '"lamport":8'))
    return run.parent


def test_of_many_labs_those_that_cannot_be_read_are_named_and_the_others_checked(
    labs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {lab.name: lab for lab in labs.iterdir()}
    assert main(["check", str(labs)]) == 1
    measured, mixed, one, violated, total = capsys.readouterr().out.splitlines()
    assert measured == (
        "measured: unreadable: only its metrics were written, no logs:"
        f" {names['measured'] / 'metrics.json'}"
    )
    assert mixed.startswith("mixed: unreadable: it mixes logs of two runs")
    assert one == "one: holds"
    assert violated.startswith("violated: violated: clock_rule: vm2 event ")
    assert total == "4 folders: 1 holds, 1 violated, 2 unreadable"
    kept = {name: json.loads((lab / "verdict.json").read_text()) for name, lab in names.items()}
    assert kept["mixed"]["verdict"] == "inconclusive"
    shutil.rmtree(names["violated"])
    assert main(["check", str(labs), "--json"]) == 2
    verdicts = json.loads(capsys.readouterr().out)["runs"]
    assert [one["run"] for one in verdicts] == ["measured", "mixed", "one"]


def test_of_many_labs_those_without_any_log_are_named_and_the_others_checked(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, report = run.with_name("two"), run.with_name("three")
    empty.mkdir()
    report.write_text("my report")
    assert main(["check", str(run), str(empty), str(report)]) == 2
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "one: holds",
        "three: unreadable: it is a file that was not recognised as a log: give the directory of a"
        " run, or the format of the log with --format",
        "two: unreadable: it holds no run: no logs were found there or in folders below",
        "2 folders and 1 file: 1 holds, 2 unreadable",
    ]
    assert output.err == ""


def test_of_many_labs_those_that_cannot_be_read_are_named_and_the_others_analysed(
    labs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyse", str(labs)]) == 2
    told = capsys.readouterr().out
    assert "\n3 runs; machine metrics: the mean" in told
    assert "\nmixed: unreadable: it mixes logs of two runs" in told
    assert told.endswith("\n4 folders: 1 holds, 1 violated, 2 unreadable\n")
    assert main(["analyse", str(labs), "--json"]) == 2
    told, complaint = capsys.readouterr()
    assert complaint.startswith(f"vklocks: {labs / 'mixed'} mixes logs of two runs")
    assert len(json.loads(told)["runs"]) == 3


def test_what_is_found_out_goes_where_it_is_wanted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, run.parent / "two")
    before = sorted(run.parent.rglob("*"))
    out = tmp_path / "new" / "folder"
    assert main(["check", str(run), str(run.parent / "two"), "--out", str(out)]) == 0
    assert main(["analyse", str(run), str(run.parent / "two"), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"reports: report.html of each, like {out / 'two' / 'report.html'}" in printed
    assert printed.endswith("\n2 folders: 2 hold\n")
    assert sorted(path.name for path in out.iterdir()) == ["one", "two"]
    for name in ("one", "two"):
        left = {path.name for path in (out / name).iterdir()}
        assert left == {"report.html", "verdict.json", "charts"}
    assert sorted(run.parent.rglob("*")) == before
    assert main(["analyse", str(run), "--out", str(run / "vm1.jsonl")]) == 2
    assert "--out: " in capsys.readouterr().err


def test_json_and_files_go_together(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, left in (("analyse", "report.html"), ("check", "verdict.json")):
        out = tmp_path / command
        assert main([command, str(run), "--json", "--out", str(out)]) == 0
        assert (out / "one" / left).exists()
        assert [one["run"] for one in json.loads(capsys.readouterr().out)["runs"]] == ["one"]


def test_a_folder_with_logs_of_no_known_format_is_named_and_not_fine(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = run.parent / "two"
    other.mkdir()
    (other / "m1.log").write_text("10.0 SENT to m2, lamport 1\n")
    assert main(["check", str(run.parent)]) == 2
    printed = capsys.readouterr().out
    assert printed.startswith("one: holds\n")
    assert "two: unreadable: it is no run: its file m1.log was not recognised as a log" in printed
    assert main(["analyse", str(run.parent)]) == 2
    assert "m1.log was not recognised as a log" in capsys.readouterr().out


def test_a_torn_line_and_a_file_that_is_not_read_are_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab, torn = tmp_path / "lab", tmp_path / "torn"
    lab.mkdir()
    (lab / "a.csv").write_text("time,clock,kind,queue,peer\n10.0,1,send,,b\n10.5,2,send,,c\n")
    (lab / "b.csv").write_text("time,clock,kind,queue,peer\n10.2,2,receive,0,a\n")
    (lab / "c.jsonl").write_text('{"time":10.7,"clock":3,"kind":"receive","peer":"a"}\n')
    assert main(["check", str(lab)]) == 2
    printed = capsys.readouterr().out
    assert "note: c.jsonl was not read: " in printed
    assert "there is no log of c: 1 message to it" in printed
    torn.mkdir()
    events = 'a {"a":1}\nstart\na {"a":2}\nsend\nb {"b":1}\nstart\n'
    layout = "(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n"
    (torn / "log.txt").write_text(f"{layout}{events}b ")
    assert main(["check", str(torn)]) == 0
    assert "note: 1 line not used from log.txt:9: torn last line" in capsys.readouterr().out


def test_if_nothing_can_be_read_the_commonest_reason_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for machine, clocks in {"p1": ("1 of 2", "2 of 2"), "p2": ("1 of 2",)}.items():
        lines = [f"{n} internal clock={clock}" for n, clock in enumerate(clocks, 1)]
        (tmp_path / f"{machine}.log").write_text("\n".join([f"{machine} is up", *lines, ""]))
    description = tmp_path / "format.toml"
    description.write_text(r"expression = '^(?<time>[\d.]+) (?<kind>\w+) clock=(?<clock>.*)$'")
    assert main(["check", str(tmp_path), "--format", str(description)]) == 2
    reason = "the clock cannot be '1 of 2' (3 lines, the first is p1.log:2)"
    assert f"no event could be read: {reason}" in capsys.readouterr().out
