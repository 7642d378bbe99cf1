"""Minimal logs of other programs, each with the facts that `vklocks check` must print.

Each is checked as it is, in another encoding, compressed, and in an archive.

Each folder in `cases` has `logs/`, `format.toml` if the command needs it, and `expected.toml`:

    exit = 0                      # the exit code
    runs = 1                      # how many runs there are; all have the values below
    machines = 2                  # printed numbers, if given
    events = 4
    sent = 1                      # messages of the account
    received = 1
    violated = ["clock_rule"]     # exactly the violated checks; default: none
    says = ["…"]                  # texts that must be printed
    never = ["…"]                 # texts that must not be printed
"""

import gzip
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.logs import texts
from orchestrator.cli import main

CASES = Path(__file__).parent / "cases"
FIELDS = {"exit", "runs", "machines", "events", "sent", "received", "violated", "says", "never"}


def in_utf_16(folder: Path) -> Path:
    """Change encoding and line ends, as PowerShell writes them."""
    for file, text in texts_in(folder):
        file.write_bytes(text.replace("\n", "\r\n").encode("utf-16"))
    return folder


def compressed(folder: Path) -> Path:
    """Compress the files, which have line ends of old Macs."""
    for file, text in texts_in(folder):
        file.write_bytes(gzip.compress(text.replace("\n", "\r").encode()))
    return folder


def archived(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def texts_in(folder: Path) -> Iterator[tuple[Path, str]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file, texts.read(file)[0]


@pytest.mark.parametrize("form", [Path, in_utf_16, compressed, archived])
@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_a_case_is_answered_rightly_in_every_form(
    name: str, form: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tomllib.loads((CASES / name / "expected.toml").read_text())
    assert expected.keys() <= FIELDS
    shutil.copytree(CASES / name, tmp_path / name)
    format_ = tmp_path / name / "format.toml"
    options = ["--format", str(format_)] if format_.exists() else []
    logs, out = form(tmp_path / name / "logs"), tmp_path / "out"
    code = main(["check", str(logs), *options, "--out", str(out)])
    printed = capsys.readouterr()
    said = (printed.out + printed.err).replace("logs.zip:", "logs/").replace("logs.zip", "logs")
    assert code == expected["exit"], said
    _check_numbers(said, expected)
    verdicts = [json.loads(file.read_text()) for file in sorted(out.rglob("*verdict.json"))]
    _check_verdicts(verdicts, expected)
    for text in expected.get("says", ()):
        assert text in said
    for text in expected.get("never", ()):
        assert text not in said


def _check_numbers(said: str, expected: dict[str, Any]) -> None:
    for what in ("machine", "event"):
        if f"{what}s" in expected:
            printed = re.findall(rf"  logs in .* ([\d,]+) {what}s?\b", said)
            assert printed == [str(expected[f"{what}s"])] * expected.get("runs", 1)


def _check_verdicts(verdicts: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    violated = {one["check"] for verdict in verdicts for one in verdict["violations"]}
    assert violated == {*expected.get("violated", ())}
    if "runs" in expected:
        assert len(verdicts) == expected["runs"]
    for end in ("sent", "received"):
        if end in expected:
            assert [verdict["account"][end] for verdict in verdicts] == [expected[end]]
