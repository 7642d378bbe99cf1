"""Logs of unknown format: tokens, shapes, names, and the readings that make sense of them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from analysis.logs.finding import source_of
from analysis.logs.recognition.described import description
from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.mined.mining import mine
from analysis.logs.recognition.mined.records import division, records
from analysis.logs.recognition.mined.tokens import tokens
from analysis.logs.recognition.names import Naming, named, namings, runs_of_files
from analysis.logs.recognition.recognise import Recognised, recognise
from labs import LABS
from vm.records import Kind

#: A run of two machines, each line as (kind, clock).
ANN = ("internal 1", "send 2", "internal 3", "receive 6", "send 7", "internal 8", "receive 13")
BEN = ("internal 1", "receive 3", "internal 4", "send 5", "receive 8", "send 9", "send 12")


def numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.split("\n"), 1))


def found(logs: dict[str, str]) -> Recognised | None:
    return recognise({name: numbered(text) for name, text in logs.items()})


def kinds_in(result: Recognised) -> dict[str, list[Kind]]:
    roles = result.reading.roles
    return {
        machine: [roles[entry.shape].kind for entry in some if entry.shape in roles]
        for machine, some in result.logs.entries.items()
    }


def test_a_line_is_cut_into_times_numbers_names_words_and_marks() -> None:
    line = "2031-04-07 09:12:05,110 vm2 SEND -> [vm1, 3] clk=-4 1.5"
    assert [(one.kind, one.text) for one in tokens(line)] == [
        ("time", "2031-04-07 09:12:05,110"),
        ("name", "vm2"),
        ("word", "SEND"),
        ("mark", "->"),
        ("mark", "["),
        ("name", "vm1"),
        ("mark", ","),
        ("whole", "3"),
        ("mark", "]"),
        ("word", "clk"),
        ("mark", "="),
        ("whole", "-4"),
        ("decimal", "1.5"),
    ]


def test_a_comma_between_columns_is_no_fraction_of_a_time() -> None:
    assert [one.text for one in tokens("09:12:05,7,send")] == ["09:12:05", ",", "7", ",", "send"]


@pytest.mark.parametrize("between", [" and ", ", ", " + ", ";"])
def test_a_list_of_names_and_one_name_are_one_shape(between: str) -> None:
    lines = numbered(f"SEND to [B] clock 4\nSEND to [B{between}C] clock 5")
    mined = mine({"A.log": lines}, {"B", "C"})
    assert len(mined.shapes) == 1
    assert [entry.values[0] for entry in mined.entries["A.log"]] == [("B",), ("B", "C")]


def test_records_are_lines_blocks_or_begin_with_a_heading() -> None:
    lines = numbered("send to B at 1\n\nsend to B at 2\n\nsend to C at 3")
    blocks = numbered("* sent\nat: 1\n\n* own\nat: 2\n\n* got\nat: 3")
    headed = numbered("* sent\nat: 1\nn: 1\n* own\nat: 2\nn: 2\n* got\nat: 3\nn: 4")
    assert division([lines]) == "lines"
    assert division([blocks]) == "blank lines"
    assert next(text for _, text in records(blocks, "blank lines")) == "* sent\nat: 1"
    assert [number for number, _ in records(headed, division([headed]))] == [1, 4, 7]


@pytest.mark.parametrize(
    ("files", "machines"),
    [
        (["run1_0.csv", "run1_1.csv"], ["0", "1"]),
        (["trial_3_node_1", "trial_3_node_2"], ["1", "2"]),
        (["A-events.log", "B-events.log"], ["A", "B"]),
        (["ann.log", "ben.log"], ["ann", "ben"]),
    ],
)
def test_machines_are_called_what_differs_between_files(
    files: list[str], machines: list[str]
) -> None:
    assert [named(files)[file].machine for file in files] == machines


def test_files_of_several_runs_are_told_apart_by_their_names() -> None:
    files = [f"run{run}_node{node}.log" for run in (1, 2) for node in (1, 2, 3)]
    assert {run: len(some) for run, some in runs_of_files(files)[0].items()} == {"1": 3, "2": 3}
    assert runs_of_files(files)[-1] == {"": files}
    alike = runs_of_files(["vm1.log", "vm2.log", "notes.log"])
    assert alike == [{"": ["vm1.log", "vm2.log", "notes.log"]}, {"": ["vm1.log", "vm2.log"]}]


@pytest.mark.parametrize(
    "files",
    [
        [f"{letter}{run}.out" for letter in "AB" for run in (15, 61)],
        [f"p{node}LOG{run}.txt" for node in (0, 1) for run in (3, 4)],
        [f"70{run}{node}.log" for run in (1, 2) for node in (1, 2)],
        [f"m{node}_02-03_10-11-{second}.log" for node in (1, 2) for second in (10, 52)],
        [f"{node}-of-{run}:{top}.log" for node in (1, 2) for run in (1, 2) for top in (5, 10)],
    ],
)
def test_files_of_runs_are_divided_by_any_part_of_their_names(files: list[str]) -> None:
    first = files[0]
    assert any(
        len(runs) > 1 and any(first in some and len(some) == 2 for some in runs.values())
        for runs in runs_of_files(files)
    )


def test_ports_places_and_codes_name_peers() -> None:
    machines = ("0", "1", "2")
    assert Naming("name", 7000).machine("7002", "0", machines) == ("2",)
    assert Naming("place").machine("1", "1", machines) == ("2",)
    assert Naming("ring").machine("0", "2", machines) == ("0",)
    assert Naming("code", 1).machine("3", "1", machines) == ("0", "2")
    assert Naming("name", 7000) in namings({"7001": 3, "7002": 4}, machines)


def test_words_stand_for_kinds_unless_they_are_negated_or_name_fields() -> None:
    assert kinds_of(["not", "sending", "but", "receiving"]) == ["receive"]
    assert kinds_of([], ["action", "sender"]) == []
    assert kinds_of(["own", "step"], ["sent"]) == ["internal"]


def test_a_description_matches_the_lines_that_it_was_made_of() -> None:
    logs = {
        "ann.log": "\n".join(f"{n}.5 {event}" for n, event in enumerate(ANN)),
        "ben.log": "\n".join(f"{n}.7 {event}" for n, event in enumerate(BEN)),
    }
    logs = {file: re.sub(r"(\w+)$", r"clock \1", text, flags=re.M) for file, text in logs.items()}
    result = found(logs)
    assert result
    assert kinds_in(result)["ann"] == [event.split()[0] for event in ANN]
    expressions = [template.expression for template in description(result).lines]
    for line in "\n".join(logs.values()).split("\n"):
        assert any(re.search(one.replace("(?<", "(?P<"), line) for one in expressions), line


def test_lines_that_name_no_kind_are_not_recognised() -> None:
    logs = {
        "ann.log": "\n".join(f"{n}.5 clock {event.split()[1]}" for n, event in enumerate(ANN)),
        "ben.log": "\n".join(f"{n}.7 clock {event.split()[1]}" for n, event in enumerate(BEN)),
    }
    assert found(logs) is None


def test_settings_and_prose_are_not_recognised() -> None:
    assert found({"settings": "members = 3\nseconds = 25", "notes": "We ran it 3 times."}) is None
    assert found({}) is None


def test_other_files_beside_the_logs_have_no_part_in_their_reading(tmp_path: Path) -> None:
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    for folder in (alone, beside):
        shutil.copytree(LABS / "csv-bare", folder, ignore=shutil.ignore_patterns("expected.json"))
    settings = {f"setting {n}": {"clock": n, "seconds": [n, n + 1]} for n in range(200)}
    (beside / "settings.json").write_text(json.dumps(settings, indent=1))
    one, other = (source_of(folder).load()[0] for folder in (alone, beside))
    assert one.events.drop("run").equals(other.events.drop("run"))
