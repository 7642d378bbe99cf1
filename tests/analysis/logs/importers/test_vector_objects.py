"""JSON objects with vector clocks, in any layout and order."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import evaluate
from analysis.history.run import InputError, Run
from analysis.logs.finding import load

RECORDS: list[dict[str, Any]] = [
    {"id": "f", "tag": "create", "vc": {"f": 1}, "ts": 10},
    {"id": "f", "tag": "ask", "vc": {"f": 2}, "ts": 20},
    {"id": "s", "tag": "asked", "vc": {"s": 1, "f": 2}, "ts": 30},
    {"id": "s", "tag": "answer", "vc": {"s": 2, "f": 2}, "ts": 40},
    {"id": "f", "tag": "answered", "vc": {"s": 2, "f": 3}, "ts": 50},
]
CAUSES = {("s", 0): ("f", 1), ("f", 2): ("s", 1)}


def loaded(directory: Path, text: str, name: str = "trace.log") -> Run:
    (directory / name).write_text(text)
    return load(directory)


def causes(run: Run) -> dict[tuple[str, int], tuple[str, int]]:
    received = run.events.filter(kind="receive").select("machine", "index", "sender", "cause")
    return {(m, index): (sender, cause) for m, index, sender, cause in received.iter_rows()}


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in records)


@pytest.mark.parametrize(
    "text",
    [
        lines(RECORDS),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(json.dumps(one, indent=4) for one in RECORDS),
        "server started\n" + lines(RECORDS),
        lines([{"id": one["id"], "at": {"clock": one["vc"]}} for one in RECORDS]),
        lines(RECORDS).replace(": 1}", ": 1.0}"),
    ],
    ids=["lines", "array", "indented array", "indented", "noise", "nested", "floats"],
)
def test_every_layout_says_the_same(tmp_path: Path, text: str) -> None:
    run = loaded(tmp_path, text)
    assert (run.format, run.machines, run.damage) == ("vector-objects", ("f", "s"), ())
    assert causes(run) == CAUSES
    assert evaluate(run).verdict.violations == ()


@settings(max_examples=20, deadline=None)
@given(st.permutations(RECORDS))
def test_the_order_of_lines_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    run = loaded(tmp_path_factory.mktemp("shuffled"), lines(records))
    assert causes(run) == CAUSES
    assert evaluate(run).verdict.violations == ()


def test_the_host_can_be_the_name_of_the_file(tmp_path: Path) -> None:
    for host in ("f", "s"):
        own = [{"clock": one["vc"]} for one in RECORDS if one["id"] == host]
        (tmp_path / f"{host}.jsonl").write_text(lines(own))
    assert causes(load(tmp_path)) == CAUSES


def test_times_are_read_and_shown_conventions_are_true(tmp_path: Path) -> None:
    run = loaded(tmp_path, lines(RECORDS))
    assert run.events.filter(machine="f")["at_ns"].to_list() == [0, 10 * 10**9, 40 * 10**9]
    assert "in trace.log, the clock is vc, the host is id" in run.conventions


def test_a_broken_line_is_damage_and_a_torn_one_is_told_apart(tmp_path: Path) -> None:
    first, rest = lines(RECORDS[:1]), lines(RECORDS[1:])
    run = loaded(tmp_path, f'{first}{{"id": "f", "vc": {{\nstarted\n{rest}{{"id": "s", ')
    broken, torn = run.damage
    assert (broken.line, broken.is_torn, torn.line, torn.is_torn) == (2, False, 8, True)
    assert "1 line describes no event: started" in run.conventions
    assert causes(run) == CAUSES


@pytest.mark.parametrize("record", [{"a": {"b": 1}}, {"lamport": 1}, {"id": "f", "vc": {}}, {}])
def test_other_objects_are_no_logs(tmp_path: Path, record: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"is a file|is no run"):
        loaded(tmp_path, lines([record] * 3), "x.jsonl")
