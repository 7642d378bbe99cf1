"""One more of each: a field in one place, everything else one file and one table line.

Each test adds it to a copy of the packages and uses it from the command line.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import ROOT
from example_runs import write_example

Command = Callable[..., str]


class Checkout:
    """A copy of the packages that can be added to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for package in ("vm", "orchestrator", "analysis"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, root / package, ignore=ignored)

    def add(self, file: str, text: str, table: str, above: str, line: str) -> None:
        """Add a file, and above a line of the module with the table a line of its own."""
        path = self.root / file
        path.write_text(text)
        package, _, module = file.removesuffix(".py").replace("/", ".").rpartition(".")
        self.insert(table, above, f"    {line}\n")
        text = (self.root / table).read_text()
        (self.root / table).write_text(f"from {package} import {module}\n{text}")

    def insert(self, file: str, above: str, text: str) -> None:
        before = (self.root / file).read_text()
        assert before.count(above) == 1
        (self.root / file).write_text(before.replace(above, text + above))

    def run(self, *arguments: object, code: int = 0) -> str:
        """Return what `vklocks` prints, from this copy."""
        return self.python("orchestrator", *arguments, code=code)

    def python(self, module: str, *arguments: object, code: int = 0) -> str:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", module, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert answer.returncode == code, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The directory of a small run."""
    directory = tmp_path / "runs" / "lab" / "example"
    directory.mkdir(parents=True)
    return write_example("fault_free", directory)


FIELD = """\
    note: str = _declared(
        "none", lambda field, value: str(value), "a remark", {"type": "string"}
    )

"""
EXPERIMENT = 'machines = 2\nduration_s = 0.2\nnote = "x"\n[grid]\nnote = ["a", "b"]\n'


def test_a_field_of_the_spec_is_declared_in_one_place(checkout: Checkout, tmp_path: Path) -> None:
    checkout.insert("vm/spec.py", "    @classmethod\n    def parse(", FIELD)
    assert json.loads(checkout.run("schema"))["definitions"]["note"] == {"type": "string"}
    file = tmp_path / "noted.toml"
    file.write_text(EXPERIMENT)
    for backend in ("processes", "simulation"):
        out = tmp_path / backend
        checkout.run("run", file, "--backend", backend, "--out", out)
        for note in ("a", "b"):
            (directory,) = out.glob(f"noted/note_{note}-*")
            assert json.loads((directory / "spec.json").read_text())["note"] == note
            for log in directory.glob("*.jsonl"):
                assert json.loads(log.read_text().splitlines()[0])["spec"]["note"] == note
            checkout.run("replay", directory)
    alone = ("alone", "--port", "1", "--log", tmp_path, "--recover", "--spec")
    spec = {"machines": ["alone"], "note": "a", "tick_rates_hz": {"alone": 1}}
    start = json.loads(log.read_text().splitlines()[0]) | {"machine": "alone", "run": "by-hand"}
    (tmp_path / "alone.jsonl").write_text(json.dumps(start | {"spec": spec}) + "\n")
    refused = checkout.python("vm", *alone, json.dumps(spec | {"note": "b"}), code=3)
    assert "--recover: note was a by the log, but is b now" in refused


METRIC = '''
def sends_share(run):
    """What fraction of events are sends?"""
    return float((run.events["kind"] == "send").mean())
'''


def test_a_metric_is_one_file_and_one_table_line(checkout: Checkout, example: Path) -> None:
    last = '    "longest_causal_chain": longest_causal_chain,\n'
    line = '"sends_share": added.sends_share,'
    checkout.add("analysis/metrics/added.py", METRIC, "analysis/metrics/run.py", last, line)
    (run,) = json.loads(checkout.run("analyse", example, "--json"))["runs"]
    assert 0 < run["sends_share"] < 1
    checkout.run("analyse", example)
    assert "What fraction of events are sends?" in (example / "report.html").read_text()


CHECK = '''
from analysis.checks.violation import Coverage

def few(seen):
    """Has the run at most ten events?"""
    if len(seen.causality) > 10:
        yield seen.violation("few_events", 10, "this is the eleventh event")

def events(seen):
    return Coverage(len(seen.causality), len(seen.causality), "events")
'''


def test_a_check_is_one_file_and_one_table_line(checkout: Checkout, example: Path) -> None:
    line = '"few_events": Check(added.few, added.events),'
    last = '    "accounting": Check('
    checkout.add("analysis/checks/added.py", CHECK, "analysis/checks/__init__.py", last, line)
    printed = checkout.run("check", example, code=1)
    assert "violated: few_events (1)\n" in printed
    assert "this is the eleventh event" in printed
    checkout.run("analyse", example)
    assert "Has the run at most ten events?" in (example / "report.html").read_text()


CHART = '''
from analysis.charts.encodings import Chart, layer, nominal, picture, quantitative

def kinds(run):
    """How many events of each kind are there?"""
    counts = run.events["kind"].value_counts()
    bars = layer("bar", {"x": quantitative("count"), "y": nominal("kind")})
    return Chart(picture(counts, bars), "all events", ("events",))
'''


def test_a_chart_is_one_file_and_one_table_line(checkout: Checkout, example: Path) -> None:
    line = '"kinds": added.kinds,'
    last = '    "utilisation": utilisation,\n'
    checkout.add("analysis/charts/added.py", CHART, "analysis/charts/run.py", last, line)
    checkout.run("analyse", example)
    assert "How many events of each kind are there?" in (example / "report.html").read_text()
    assert (example / "charts" / "kinds.svg").exists()


IMPORTER = """
from analysis.logs.foreign import run_of
from analysis.logs.importers.rows import Reader, Row

def knows(head):
    return head.startswith("! clock diary")

def load(path, files):
    reader = Reader()
    rows = [
        Row(file.name, number, file.stem, "", *line.split())
        for file in files
        for number, line in list(reader.lines(file))[1:]
    ]
    return [run_of(reader.extract(path, "diary", rows))]
"""


def test_an_importer_is_one_file_and_one_table_line(checkout: Checkout, tmp_path: Path) -> None:
    line = '"diary": added,'
    table = "analysis/logs/importers/__init__.py"
    last = '    "delimited": delimited,\n'
    checkout.add("analysis/logs/importers/added.py", IMPORTER, table, last, line)
    for machine in ("ann", "ben"):
        (tmp_path / f"{machine}.txt").write_text("! clock diary\n1 internal\n2 internal\n")
    printed = checkout.run("check", tmp_path, "--out", tmp_path / "out")
    assert "logs in the format diary, 2 machines, 4 events" in printed


EXPORT = """
def write(run, file):
    file.write_text(f"{run.events.height} events\\n")
"""


def test_an_export_is_one_file_and_one_table_line(checkout: Checkout, example: Path) -> None:
    line = '"count": Export(added.write, ".count"),'
    last = '    "parquet": Export(tables.write_parquet, ".parquet"),\n'
    checkout.add("analysis/exports/added.py", EXPORT, "analysis/exports/__init__.py", last, line)
    file = Path(checkout.run("export", example, "--to", "count").strip())
    assert file.read_text().endswith(" events\n")
    refused = checkout.run("export", example, "--to", "cuont", code=2)
    assert "--to: there is no 'cuont'; did you mean count?" in refused
