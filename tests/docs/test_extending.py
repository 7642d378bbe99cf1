"""Each section of docs/extending.md adds its thing to a copy of the checkout, where it works."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster import ROOT
from pages import Block, sections
from reader import Reader

PAGE = ROOT / "docs" / "extending.md"
SECTIONS = sections(PAGE)
#: The blocks before the first section.
PREPARATION = SECTIONS.pop("")
#: The parts that the introduction of the page promises.
PARTS = ("clock", "fault", "metric", "check", "chart", "importer", "export", "backend", "field")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the blocks before the first section are executed."""
    folder = tmp_path_factory.mktemp("prepared")
    with ExitStack() as cleanup, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reader = Reader(folder, cleanup)
        for block in PREPARATION:
            reader.execute(block)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, prepared: Path) -> Path:
    """A copy of the packages, with their compiled modules, and of the prepared files."""
    for package in ("vm", "orchestrator", "analysis"):
        shutil.copytree(ROOT / package, tmp_path / package)
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "reference.py", tmp_path / "docs")
    shutil.copytree(prepared / "sample", tmp_path / "sample")
    for file in ("pyproject.toml", "vklocks.py"):
        shutil.copy(ROOT / file, tmp_path)
    return tmp_path


def shorten(checkout: Path) -> None:
    """Change a checkout as `shortened` does: its reports would take most of the time."""
    for file, limit in (
        ("orchestrator/cli/report.py", "MAX_CHARTS = 12"),
        ("analysis/charts/clocks.py", "MAX_COMPUTED = 20_000"),
    ):
        text = (checkout / file).read_text()
        assert f"\n{limit}\n" in text
        (checkout / file).write_text(text.replace(limit, f"{limit.split()[0]} = 0"))


Typed = Callable[[list[Block]], None]


@pytest.fixture
def typed(checkout: Path) -> Typed:
    """Execute blocks in the copy, with the code of the copy."""

    def execute(found: list[Block]) -> None:
        with ExitStack() as cleanup:
            reader = Reader(checkout, cleanup, checkout)
            for block in found:
                reader.execute(block)

    return execute


def test_there_is_a_section_for_each_part() -> None:
    titles = {title: title.split()[1] for title in SECTIONS}
    assert sorted(titles.values()) == sorted(PARTS)


@pytest.mark.parametrize("title", SECTIONS)
def test_the_steps_of_a_section_work(title: str, checkout: Path, typed: Typed) -> None:
    found = SECTIONS[title]
    assert {"sh", "console"} <= {block.language for block in found}
    if title != "A chart":
        shorten(checkout)
    typed(found)
    for ruff in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *ruff, "."],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("title", [title for title in SECTIONS if "field" not in title])
def test_a_part_is_one_file_and_one_line_per_table(title: str) -> None:
    diffs = [block for block in SECTIONS[title] if block.language == "diff"]
    entries = re.findall(r'^\+    "\w+": ', "".join(block.text for block in diffs), re.MULTILINE)
    assert len(entries) == 1


EXPERIMENT = 'machines = 2\nduration_s = 0.2\nnote = "a"\n'


def test_a_field_reaches_processes_their_logs_and_recovery(
    checkout: Path, typed: Typed, tmp_path: Path
) -> None:
    shorten(checkout)
    typed([block for block in SECTIONS["A field of the spec"] if block.language == "diff"])
    file = tmp_path / "noted.toml"
    file.write_text(EXPERIMENT)
    execute(checkout, "orchestrator", "run", file, "--backend", "processes")
    (directory,) = checkout.glob("runs/noted/base-*")
    for log in directory.glob("*.jsonl"):
        start = json.loads(log.read_text().splitlines()[0])
        assert start["spec"]["note"] == "a"
    execute(checkout, "orchestrator", "replay", directory)
    alone = ("alone", "--port", "1", "--log", tmp_path, "--recover", "--spec")
    spec = {"machines": ["alone"], "note": "a", "tick_rates_hz": {"alone": 1}}
    offsets = {"alone": start["wall_offsets"][start["machine"]]}
    start |= {"machine": "alone", "run": "by-hand", "spec": spec, "wall_offsets": offsets}
    (tmp_path / "alone.jsonl").write_text(json.dumps(start) + "\n")
    refused = execute(checkout, "vm", *alone, json.dumps(spec | {"note": "b"}), code=3)
    assert "--recover: note was a by the log, but is b now" in refused


def execute(checkout: Path, module: str, *arguments: object, code: int = 0) -> str:
    """Execute a module of a checkout, in that folder, and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
