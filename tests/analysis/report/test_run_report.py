"""The report of a run as a file: what its text says, without a browser."""

import json
import re
import tomllib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from analysis.checks.account import ENDS, account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.metrics.labels import label, show
from analysis.metrics.machine import per_machine
from analysis.metrics.run import per_run
from analysis.report import run as report
from analysis.report.absences import absences, conditions
from analysis.report.description import command, describe, toml
from analysis.report.payload import late_messages
from example_runs import EXAMPLE_RUNS, write_example
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from specs import plain_specs
from vm.schedule import SECOND_NS
from vm.spec import Spec


class Cells(HTMLParser):
    """The texts of a table's rows, by the id of what they are in."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of, self.rows, self.inside, self.cell = of, list[list[str]](), False, False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside |= dict(attributes).get("id") == self.of
        if self.inside and tag == "tr":
            self.rows.append([])
        self.cell = self.inside and tag in ("td", "th")
        if self.cell:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.cell &= tag not in ("td", "th")
        self.inside &= tag != ("section" if self.of == "metrics" else "table")


def rows(html: str, of: str) -> list[list[str]]:
    parser = Cells(of)
    parser.feed(html)
    return parser.rows


@pytest.mark.parametrize("example", EXAMPLE_RUNS)
def test_the_table_holds_the_metrics(example: str, tmp_path: Path) -> None:
    run = load(write_example(example, tmp_path))
    table = rows(report.html(evaluate(run)), "metrics")
    shown = {row[0]: row[1:] for row in table}
    wanted = per_machine(run)
    assert shown["Ticks and clocks"] == list(run.machines)
    for name in wanted.columns[1:]:
        values = [show(value) for value in wanted[name].to_list()]
        assert shown[label(name)] == values
    for name, value in per_run(run).items():
        assert shown[label(name)] == [show(value)]


@pytest.mark.parametrize("example", EXAMPLE_RUNS)
def test_the_diagram_in_words_is_the_account(example: str, tmp_path: Path) -> None:
    run = load(write_example(example, tmp_path))
    html = report.html(evaluate(run))
    counted = account(Evidence(run))
    counts = [[end, str(getattr(counted, end))] for end in ENDS]
    assert rows(html, "message-ends")[1:] == counts
    assert f"{counted.sent - counted.duplicated:,} messages sent" in html


def test_a_violation_is_a_link_to_its_event(tmp_path: Path) -> None:
    directory = write_example("fault_free", tmp_path)
    log = directory / "vm2.jsonl"
    lines = log.read_text().splitlines()
    dropped = next(n for n, line in enumerate(lines) if '"kind":"send"' in line)
    log.write_text("\n".join(lines[:dropped] + lines[dropped + 1 :]) + "\n")
    html = report.html(evaluate(load(directory)))
    assert 'class="verdict violated"' in html
    assert re.search(r'href="#sel=vm\d%3A\d+"', html)


def test_what_cannot_be_checked_is_not_called_fine(tmp_path: Path) -> None:
    directory = write_example("fault_free", tmp_path)
    (directory / "vm3.jsonl").unlink()
    html = report.html(evaluate(load(directory)))
    assert 'class="verdict inconclusive"' in html
    assert "Inconclusive" in html
    assert "there is no log of vm3" in html


def test_the_command_does_the_same_run_again(tmp_path: Path) -> None:
    spec = Spec(duration_s=5, ticks=(2, 4), seed=9).resolved()
    write(simulate(spec, "once"), tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(spec.plain()))
    (tmp_path / "run.json").write_text(json.dumps({"backend": "simulation"}))
    said = describe(load(tmp_path))
    assert said.command == (
        "vklocks run --backend simulation --machines 3 --duration 5 --ticks 2-4 --workload 2,1,7"
        " --clocks lamport --seed 9"
    )
    assert " ".join(said.command_parts) == said.command
    assert Spec.parse(tomllib.loads(said.spec)) == spec


def test_without_files_beside_them_the_logs_say_what_was_run(tmp_path: Path) -> None:
    run = load(write_example("faulty", tmp_path))
    said = describe(run)
    assert said.command == "vklocks run again.toml"
    spec = Spec.parse(tomllib.loads(said.spec))
    assert spec.resolved() == replace(
        Spec.parse(EXAMPLE_RUNS["faulty"]).resolved(), ticks=spec.ticks
    )


@settings(deadline=None)
@given(plain_specs())
def test_what_options_cannot_say_is_in_a_file(plain: dict[str, Any]) -> None:
    spec = Spec.parse(plain)
    assert Spec.parse(tomllib.loads(toml(spec.plain()))) == spec
    said = command(spec, {})
    ordinary = Spec(
        machines=spec.machines,
        duration_s=spec.duration_s,
        ticks=spec.ticks,
        workload=spec.workload,
        clocks=spec.clocks,
        seed=spec.seed,
    )
    is_one_with_a_name = len(spec.machines) == 1 and spec.machines != ("vm1",)
    assert ("again.toml" in said) == (ordinary.resolved() != spec.resolved() or is_one_with_a_name)


def test_nothing_unfinished_is_left_beside_a_report(tmp_path: Path) -> None:
    directory = write_example("fault_free", tmp_path)
    before = set(directory.iterdir())
    written = report.write(evaluate(load(directory)), directory)
    assert set(directory.iterdir()) == before | {written}


def test_what_went_wrong_is_said_and_dated(tmp_path: Path) -> None:
    run = load(write_example("faulty", tmp_path))
    assert [(gone["machine"], gone["why"]) for gone in absences(run)] == [
        ("vm2", "paused"),
        ("vm1", "down"),
        ("vm3", "killed"),
    ]
    assert absences(run)[0]["from_ns"] == 9 * SECOND_NS
    texts = [fault["text"] for fault in conditions(run)]
    assert texts == ["loss 0.1", "duplication 0.15", "partition vm1 vm2 | vm3 vm4"]
    html = report.html(evaluate(run))
    assert "vm2 paused from 9 to 12 s" in html
    late = late_messages(Evidence(run))
    assert late > 1
    assert f"{late} messages were in flight for longer than a tick." in html


def test_a_return_that_nobody_planned_is_seen_too(tmp_path: Path) -> None:
    run = load(write_example("faulty", tmp_path))
    unplanned = {
        name: replace(start, spec=replace(start.spec, faults=()))
        for name, start in run.starts.items()
    }
    (gone, killed) = absences(replace(run, starts=unplanned))
    (back,) = run.recoveries["vm1"]
    before = run.events.filter(machine="vm1", index=back.events - 1)["at_ns"][0]
    assert (gone["from_ns"], gone["until_ns"], gone["why"]) == (before, back.at_ns, "down")
    assert (killed["machine"], killed["until_ns"]) == ("vm3", None)
