"""What is printed for people and for programs, figure by figure."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.across import per_runs, statistics
from analysis.metrics.machine import MACHINE_METRICS, per_machine
from analysis.metrics.run import RUN_METRICS, metrics_of, per_run
from analysis.text.plain import plain_metrics
from analysis.text.summary import (
    ACROSS_RUNS,
    CAUSALITY_ACROSS_RUNS,
    CLOCKS,
    FLUID_MODEL,
    FLUID_MODEL_ACROSS_RUNS,
    QUEUES_AND_MESSAGES,
    RATES_AND_DELAYS,
    print_across,
    print_run,
)
from by_hand import internal, receive, run_of, send, stop, write_run

NARROW = 80
MS = 10**6
#: The tables of one run, by their columns.
TABLES = (CLOCKS, QUEUES_AND_MESSAGES, RATES_AND_DELAYS, FLUID_MODEL)


def printed(runs: Sequence[Run], width: int = NARROW) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=width)
    for run in runs:
        print_run(evaluate(run), console)
    if len(runs) > 1:
        print_across(list(map(metrics_of, runs)), console)
    return out.getvalue().splitlines()


def cells_of(lines: Sequence[str], name: str) -> list[list[str]]:
    """The cells of every row that is named so."""
    return [cells[1:] for line in lines if (cells := line.split())[:1] == [name]]


def rounded(metrics: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    return [cell(metrics[metric]) for metric in columns if metric in metrics]


def cell(figure: float | None) -> str:
    if figure is None or isinstance(figure, int):
        return "–" if figure is None else f"{figure:,}"
    return f"{figure:.2f}" if abs(figure) < 1000 else f"{figure:,.0f}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A message received, one in an inbox, one undelivered; one machine had no event."""
    logs = {
        "vm1": [internal(10 * MS, 1), send(20 * MS, 2, "vm2", "vm3"), send(30 * MS, 3, "vm2")],
        "vm2": [
            internal(15 * MS, 1),
            internal(18 * MS, 2),
            receive(40 * MS, 3, "vm1", 1),
            internal(50 * MS, 4),
        ],
        "vm3": [],
    }
    stops = {
        "vm1": stop(3, undelivered=[("vm2", 2)]),
        "vm3": stop(0, inbox=[("vm1", 1)], ticks_missed=2),
    }
    return run_of(tmp_path / "one", logs, stops, tick_rates_hz={"vm1": 3, "vm2": 4, "vm3": 6})


@pytest.fixture
def great_run(tmp_path: Path) -> Run:
    """Figures as wide as those of a day at 10,000 ticks per second, and a name to match."""
    clock = 1_234_567_890
    events = [
        internal(10, clock),
        receive(20, clock + 123_456, "vm2", 5, queue=1_234_567),
        receive(30, clock + 123_460, "vm2", 6, queue=1_234_568),
    ]
    machines = ["a-machine-with-quite-a-name-101", "a-machine-with-quite-a-name-102"]
    return run_of(
        tmp_path / "20261231-235959-seed9223372036854775807-12",
        dict.fromkeys(machines, events),
        {machine: stop(3, ticks_missed=864_000_000) for machine in machines},
        tick_rates_hz=dict.fromkeys(machines, 10_000),
    )


def test_cells_are_the_metrics_rounded(run: Run) -> None:
    lines = printed([run])
    # Ticks per second, done, missed; last clock; jumps: mean, min, max, deviation, over 1.
    clocks = ["3 3 0 3 1.00 1 1 0.00 0.00", "4 4 0 4 1.00 1 1 0.00 0.00", "6 0 2 – – – – – –"]
    # Events: all, internal, send, receive; messages out and in; queue: two means, peak, left.
    queues = ["3 1 2 0 3 0 – 0.00 0 0", "4 3 0 1 0 1 0.00 0.00 0 0", "0 0 0 0 0 1 – – – 1"]
    for machine, first, second in zip(run.machines, clocks, queues, strict=True):
        assert cells_of(lines, machine)[:2] == [first.split(), second.split()]


@pytest.mark.parametrize("fixture", ["run", "great_run"])
@pytest.mark.parametrize("width", [20, NARROW, 200])
def test_no_cell_is_cut_however_narrow_the_console(
    fixture: str, width: int, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(fixture)
    lines = printed([run], width=width)
    for row in per_machine(run).to_dicts():
        # Below the tables are lines over time, which also begin with a machine.
        shown = cells_of(lines, row["machine"])[: len(TABLES)]
        assert shown == [rounded(row, columns) for columns in TABLES]
    assert "…" not in "".join(lines)


def test_on_80_columns_a_usual_run_fits(run: Run) -> None:
    lines = printed([run, run])
    assert max(map(len, lines)) <= NARROW
    # A heading is broken between its words alone.
    words = {word for columns in TABLES for word in " ".join(columns.values()).split()}
    assert words <= set(" ".join(lines).split())


def test_what_a_run_says_beside_its_tables(run: Run, tmp_path: Path) -> None:
    logs = {
        "vm1": [internal(20, 2), internal(20, 3), internal(60, 4)],
        "vm2": [internal(20, 1), internal(30, 9), internal(70, 10)],
    }
    aligned = run_of(tmp_path / "two", logs)
    lines = printed([aligned], width=200)
    assert lines[1] == "two"
    assert "final spread 6: the last clocks, max - min" in lines
    assert "clock skew 5.00 mean, 6 max, 5 at the end: clocks at common instants" in lines
    assert "concurrency 0.60 of all pairs of events; longest causal chain 3 events" in lines
    assert "0 messages sent = 0 received" in lines
    lines = printed([run], width=200)
    assert "final spread –: the last clocks, max - min" in lines
    assert "clock skew – mean, – max, – at the end: clocks at common instants" in lines
    assert "concurrency 0.38 of all pairs of events; longest causal chain 4 events" in lines
    assert "3 messages sent = 1 received + 1 left in inboxes + 1 undelivered" in lines


def test_over_runs_there_are_tables(run: Run, tmp_path: Path) -> None:
    logs = {"vm1": [internal(10, 1), internal(20, 2)], "vm2": [internal(10, 4), internal(30, 9)]}
    other = run_of(tmp_path / "two", logs, tick_rates_hz={"vm1": 1, "vm2": 2})
    runs = [run, other]
    lines = printed(runs)
    first = next(number for number, line in enumerate(lines) if line.startswith("2 runs; "))
    below = lines[first:]
    rows = per_runs(list(map(metrics_of, runs)))
    for row, rates in zip(rows.to_dicts(), ["3 4 6", "1 2"], strict=True):
        assert cells_of(below, row["run"]) == [
            [*rates.split(), *rounded(row, ACROSS_RUNS)],
            rounded(row, CAUSALITY_ACROSS_RUNS),
            rounded(row, FLUID_MODEL_ACROSS_RUNS),
        ]
    for row in statistics(rows).to_dicts()[:2]:
        assert cells_of(below, row["name"]) == [
            rounded(row, columns)
            for columns in (ACROSS_RUNS, CAUSALITY_ACROSS_RUNS, FLUID_MODEL_ACROSS_RUNS)
        ]
    assert not any(line.startswith("1 runs; ") for line in printed([run]))


def test_over_runs_no_cell_is_cut_either(great_run: Run) -> None:
    lines = printed([great_run, great_run])
    (metrics, _) = per_runs([metrics_of(great_run)] * 2).to_dicts()
    expected = rounded(metrics, ACROSS_RUNS)
    assert expected in [cells[-len(expected) :] for cells in cells_of(lines, great_run.name)]
    assert "…" not in "".join(lines)


def test_a_killed_machine_is_noted_and_where_messages_died(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"vm1": [send(10, 1, "vm2")], "vm2": []}, {"vm2": None})
    lines = printed([run])
    assert "note: vm2 left no stop record: it was killed" in lines
    assert "1 message sent = 0 received + 1 died with a killed machine" in lines
    assert not any("vm1 left no stop record" in line for line in lines)


def test_a_missing_log_and_damaged_lines_are_noted(tmp_path: Path) -> None:
    write_run(tmp_path, {"vm1": [internal(10, 1)], "vm2": []}, {"vm1": None})
    (tmp_path / "vm2.jsonl").unlink()
    with (tmp_path / "vm1.jsonl").open("a") as log:
        log.write("[]\n[]\n?\n{")
    lines = printed([load(tmp_path)], width=200)
    assert any(line.startswith("verdict: ") for line in lines)
    assert "note: there is no log of vm2" in lines
    assert "note: 2 lines not used from vm1.jsonl:3: not a JSON object" in lines
    assert any(
        line.startswith("note: 1 line not used from vm1.jsonl:5: not JSON") for line in lines
    )
    assert any(
        line.startswith("note: 1 line not used from vm1.jsonl:6: torn last line:") for line in lines
    )


def test_a_violated_run_says_so_in_its_tables_and_in_its_verdict(tmp_path: Path) -> None:
    logs = {"vm1": [send(10, 1, "vm2")], "vm2": [receive(20, 5, "vm1", 3)]}
    run = run_of(tmp_path / "bad", logs)
    lines = printed([run], width=200)
    account = "1 message sent = 0 received + 1 UNACCOUNTED; 1 receive without a known send"
    assert account in lines
    assert any(line.startswith("verdict: violated; receive_without_send (1);") for line in lines)


def test_programs_get_every_metric_unrounded(run: Run) -> None:
    plain = json.loads(json.dumps(plain_metrics([metrics_of(run)] * 2), allow_nan=False))
    (one, again) = plain["runs"]
    assert one == again
    machines = one.pop("machines")
    assert one == {"run": "one", **per_run(run)}
    assert set(one) == {"run", *RUN_METRICS}
    assert machines == per_machine(run).to_dicts()
    assert set(machines[0]) == {"machine", *MACHINE_METRICS}
    assert machines[1]["jump_over_1_share"] == 0.0
    assert machines[2]["final_clock"] is None
