"""`vklocks describe`, `--set` and `vklocks schema --of description`."""

import json
import shutil
from pathlib import Path

import pytest

from analysis.logs.description import fields
from orchestrator.cli import main

CSV = {
    "a.csv": "when,action,lamport,die,target\n1,send,1,3,b\n2,local,2,9,\nbye\n",
    "b.csv": "when,action,lamport,die,target\n1,receive,2,,a\n",
}
LOG = {
    "a.log": "machine a up\n1 send to b clock=1\n2 local clock=2\n",
    "b.log": "machine b up\n1 receive from a clock=2\n",
}
LABS = Path(__file__).parents[2] / "analysis" / "logs" / "labs"
TOML = r"expression = '^(?<time>\d+) (?<kind>\w+)( (to|from) (?<peer>\w+))? clock=(?<clock>\d+)$'"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


def write(folder: Path, logs: dict[str, str]) -> None:
    for name, text in logs.items():
        (folder / name).write_text(text)


def test_a_reading_is_printed_in_words(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(lab, LOG)
    (lab / "c.jsonl").write_text('{"clock": 1, "what": "send"}\n')
    description = lab.parent / "lab.toml"
    description.write_text(TOML)
    assert main(["describe", str(lab), "--format", str(description)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["lab: 3 events in 2 files", "  a.log: 2 events", "  b.log: 1 event"]
    assert lines[3].startswith("  3 events by ^(?<time>")
    assert lines[4].startswith("    a.log:2: machine a, time 1, clock 1, kind send, ")
    assert "  note: 2 lines describe no event: `machine … up`, first a.log:1" in lines
    assert any(line.startswith("  note: c.jsonl was not read: it is a JSON") for line in lines)
    assert any(line.startswith("  convention: 1 of 1 receives") for line in lines)


def test_machines_have_the_names_that_the_verdict_uses(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(lab, LOG)
    description = lab.parent / "lab.toml"
    description.write_text(f'{TOML}\n[machines]\na = "alpha"\nb = "beta"\n')
    assert main(["describe", str(lab), "--format", str(description)]) == 0
    assert "    a.log:2: machine alpha, time 1," in capsys.readouterr().out


def test_a_written_description_reads_the_logs_alike(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(lab, CSV)
    written = lab.parent / "lab.toml"
    assert main(["describe", str(lab), "-o", str(written)]) == 0
    assert f"written: {written}" in capsys.readouterr().out
    assert fields.read(written).columns == {
        "kind": "action",
        "clock": "lamport",
        "receivers": "target",
    }
    out = ["--out", str(lab.parent / "out")]
    assert main(["check", str(lab), *out]) == 0
    first = capsys.readouterr().out
    assert main(["check", str(lab), "--format", str(written), *out]) == 0
    second = capsys.readouterr().out
    assert second.replace("described", "delimited") == first
    assert "convention: columns that are not used: when, die" in first


def test_a_recognised_format_is_described(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(LABS / "broadcast-brackets", lab, dirs_exist_ok=True)
    (lab / "expected.json").unlink()
    written = lab.parent / "lab.toml"
    assert main(["describe", str(lab), "-o", str(written)]) == 0
    assert capsys.readouterr().out.startswith(
        "lab: 299 events in 3 files\n  worker_1.log: 75 events"
    )
    assert {one.kind for one in fields.read(written).lines} == {"internal", "send", "receive"}
    out = ["--out", str(lab.parent / "out")]
    assert main(["check", str(lab), *out]) == 0
    recognised = capsys.readouterr().out
    assert main(["check", str(lab), "--format", str(written), *out]) == 0
    assert capsys.readouterr().out.replace("described", "recognised") == recognised


def test_the_runs_of_appended_logs_are_counted(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(LABS / "several-trials", lab, dirs_exist_ok=True)
    (lab / "expected.json").unlink()
    assert main(["describe", str(lab)]) == 0
    assert capsys.readouterr().out.startswith("lab: 289 events of 3 runs in 3 files\n")


def test_a_setting_takes_the_place_of_an_inferred_convention(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        lab,
        {
            "a.csv": "clock,kind,queue\n1,local,\n2,local,\n",
            "b.csv": "clock,kind,queue\n1,local,\n",
        },
    )
    check = ["check", str(lab), "--out", str(lab.parent / "out")]
    assert main([*check]) == 0
    assert main([*check, "--set", "initial=1", "--set", "clock=after"]) == 1
    printed = capsys.readouterr().out
    assert "its own 1 make it 2" in printed
    assert main([*check, "--set", "kinds.internal=['local']", "--set", "initial=0"]) == 0


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("stmp=before", "--set 'stmp': there is no such field; did you mean stamp?"),
        ("stamp", "--set stamp: give a field and its value, as stamp=before"),
        ("stamp=befor", "--set stamp: 'befor' is neither before nor after"),
        ("expression=.", "--set expression: only a description has this field: give one with"),
    ],
)
def test_a_wrong_setting_is_named(
    lab: Path, setting: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(lab, CSV)
    assert main(["check", str(lab), "--set", setting]) == 2
    assert says in capsys.readouterr().err


def test_logs_without_settings_say_so(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(lab, {"all.log": 'a {"a": 1}\nstart\n'})
    assert main(["check", str(lab), "--set", "initial=1"]) == 2
    assert "of this format no field can be set" in capsys.readouterr().out
    assert main(["describe", str(lab)]) == 2
    assert "logs of this format need no description" in capsys.readouterr().err


def test_the_schema_of_descriptions_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--of", "description"]) == 0
    assert json.loads(capsys.readouterr().out) == fields.schema()
