"""The verdict on a run: as it is printed, written, and as an exit code."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis.checks.clocks import Claim
from analysis.checks.violation import Coverage
from analysis.evaluation import MAX_VIOLATIONS_PER_CHECK, Verdict, evaluate, exit_code
from analysis.logs.finding import load
from analysis.text.plain import plain_verdict, write_verdict
from analysis.text.verdict import explain_claim, headline, print_verdict
from by_hand import internal, write_run
from histories import World
from loading import run_of
from unruly import unruly
from vm.records import Event


def said(directory: Path) -> list[str]:
    console = Console(width=200, record=True, file=(directory / "terminal").open("w"))
    run = load(directory)
    print_verdict(run, evaluate(run).verdict, console)
    return console.export_text().splitlines()


def test_of_a_run_that_is_fine(tmp_path: Path) -> None:
    world = unruly(3, machines=3, acts=200, loss=0.1)
    world.write(tmp_path)
    assert said(tmp_path) == [
        f"{tmp_path.name}: holds",
        "  logs in the format jsonl, 3 machines, 111 events",
        "  44 messages sent = 33 received + 2 left in inboxes + 9 lost",
        "  lamport: orders 1,179 of the 1,261 concurrent pairs",
        "  vector: orders none of the 1,261 concurrent pairs",
        "  receive_without_send: holds (33 of 33 receives)",
        "  not_addressed: holds (33 of 33 receives)",
        "  received_twice: holds (33 of 33 receives)",
        "  fifo_violation: holds (33 of 33 receives)",
        "  index_gap: holds (111 of 111 events)",
        "  time_runs_back: holds (111 of 111 events)",
        "  causal_cycle: holds (33 of 33 receives)",
        "  ticks_missed: holds (111 of 111 events)",
        "  schedule: holds (111 of 111 events)",
        "  unplanned_fault: holds (111 of 111 events)",
        "  replay: holds (111 of 111 events)",
        "  queue: holds (111 of 111 events)",
        "  clock_rule: holds (33 of 33 receives)",
        "  clock_condition: holds (33 of 33 receives)",
        "  strong_clock_condition: holds (6,105 of 6,105 pairs of events)",
        "  accounting: holds (44 of 44 messages)",
    ]


def test_a_violation_comes_with_the_lines_that_show_it(tmp_path: Path) -> None:
    world = unruly(3, machines=3, acts=200, loss=0.1)
    event = world.events["vm2"][6]
    event.clock = event.clock | {"lamport": 10}
    world.write(tmp_path)
    lines = said(tmp_path)
    assert lines[0] == f"{tmp_path.name}: violated"
    begin = lines.index("  violated: clock_rule (1)")
    assert lines[begin + 1 : begin + 5] == [
        "    vm2 event 6: lamport reads 10, but its own 8 and the message's 8 make it 9",
        "      vm2.jsonl:7: vm2 event 5: lamport 8",
        "      vm3.jsonl:9: vm3 event 7: lamport 8",
        "      vm2.jsonl:8: vm2 event 6: lamport 10",
    ]


def test_what_could_not_be_checked_is_not_fine(tmp_path: Path) -> None:
    unruly(3, machines=3, acts=60).write(tmp_path)
    (tmp_path / "vm3.jsonl").unlink()
    first, *others = said(tmp_path)
    assert first == f"{tmp_path.name}: inconclusive"
    assert any("could not be checked: there is no log of vm3:" in line for line in others)
    assert any("cannot be known: accounting: there is no log of vm3" in line for line in others)
    assert not any(line.startswith("  accounting: holds") for line in others)


def broken(world: World) -> World:
    """One in which every event of a clock is wrong."""
    for events in world.events.values():
        for event in events:
            event.clock = event.clock | {"lamport": -1}
    return world


def test_nobody_has_to_read_a_million_violations() -> None:
    world = unruly(4, machines=1, acts=1)
    event = Event("internal", 0, 0, 0, 0, 0, {"lamport": 7, "vector": (1,)})
    world.events["vm1"] = [
        replace(event, index=n, tick=n, clock={"lamport": 7, "vector": (n + 1,)})
        for n in range(MAX_VIOLATIONS_PER_CHECK + 9)
    ]
    world.killed.add("vm1")
    found = evaluate(run_of(world)).verdict
    counts = Counter(violation.check for violation in found.violations)
    for check in ("clock_rule", "clock_condition"):
        assert counts[check] == MAX_VIOLATIONS_PER_CHECK
        assert check in found.more


def test_the_verdict_is_kept_as_plain_values(tmp_path: Path) -> None:
    broken(unruly(3, machines=3, acts=100)).write(tmp_path)
    found = evaluate(load(tmp_path)).verdict
    write_verdict(found, tmp_path)
    plain = json.loads((tmp_path / "verdict.json").read_text())
    assert plain == json.loads(json.dumps(plain_verdict(found)))
    assert (plain["run"], plain["verdict"]) == (tmp_path.name, "violated")
    assert plain["account"]["sent"] == found.account.sent
    first = plain["violations"][0]
    assert (first["check"], first["machine"], first["index"]) == ("clock_rule", "vm1", 0)
    assert first["witness"][-1] == {
        "machine": "vm1", "index": 0, "file": "vm1.jsonl", "line": 2, "says": "lamport -1",
    }  # fmt: skip
    write_verdict(found, tmp_path / "vm1.jsonl")
    assert (tmp_path / "vm1.jsonl.verdict.json").exists()
    # A run with its verdict beside it is the same run.
    assert evaluate(load(tmp_path)).verdict == found


@pytest.mark.parametrize(
    ("concurrent", "ordered", "says"),
    [
        (0, 0, "c: no pair of events is concurrent"),
        (0, None, "c: no pair of events is concurrent"),
        (1, 0, "c: does not order the only concurrent pair"),
        (1, 1, "c: orders the only concurrent pair"),
        (1, None, "c: may order the only concurrent pair"),
        (2000, 0, "c: orders none of the 2,000 concurrent pairs"),
        (2000, 1500, "c: orders 1,500 of the 2,000 concurrent pairs"),
        (2000, None, "c: how many of the 2,000 concurrent pairs it orders: see `vklocks clocks`"),
    ],
)
def test_a_claim_is_a_sentence_for_every_number(
    concurrent: int, ordered: int | None, says: str
) -> None:
    assert explain_claim(Claim("c", False, concurrent, ordered)) == says


@pytest.mark.parametrize(
    ("total", "unit", "says"),
    [
        (0, "receives", "no receives"),
        (1, "receives", "1 of 1 receive"),
        (1, "pairs of events", "1 of 1 pair of events"),
        (2, "pairs of events", "2 of 2 pairs of events"),
    ],
)
def test_a_single_case_is_not_plural(total: int, unit: str, says: str) -> None:
    assert str(Coverage(total, total, unit)) == says


def test_a_machine_without_a_log_and_without_messages_is_named_without_a_number(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, {"a": [internal(1, 1)], "b": []})
    (tmp_path / "b.jsonl").unlink()
    assert evaluate(load(tmp_path)).verdict.unchecked == ("there is no log of b",)


FINE = Verdict("run", None, (), ())
UNCHECKED = replace(FINE, unchecked=("there is no log of vm1",))
UNKNOWN = replace(FINE, unknown=(("queue", "not logged"),))
VIOLATED = replace(UNCHECKED, violations=evaluate(run_of(broken(unruly(1)))).verdict.violations)


@pytest.mark.parametrize(
    ("found", "word", "code"),
    [
        (FINE, "holds", 0),
        (UNKNOWN, "holds: nothing violated; 1 of 16 checks cannot be made", 0),
        (UNCHECKED, "inconclusive", 2),
        (VIOLATED, "violated", 1),
    ],
)
def test_every_verdict_has_its_word_and_its_exit_code(found: Verdict, word: str, code: int) -> None:
    assert headline(found) == word
    assert exit_code([FINE, found]) == code
    assert exit_code([VIOLATED, found]) == 1
