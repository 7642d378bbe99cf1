"""The audit of a run: what it says, what it keeps, what it exits with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis.checks import MAX_VIOLATIONS_PER_CHECK, Verdict, verdict
from analysis.logs.finding import load
from analysis.text import audit
from histories import World
from loading import run_of
from unruly import unruly
from vm.records import Event


def said(directory: Path) -> list[str]:
    console = Console(width=200, record=True, file=(directory / "terminal").open("w"))
    run = load(directory)
    audit.print_audit(run, verdict(run), console)
    return console.export_text().splitlines()


def test_of_a_run_that_is_fine(tmp_path: Path) -> None:
    world = unruly(3, machines=3, acts=200, loss=0.1)
    world.write(tmp_path)
    assert said(tmp_path) == [
        f"{tmp_path.name}: fine",
        "  what it is: logs in the format jsonl, 3 machines, 98 events",
        "  39 messages sent = 29 received + 2 left in inboxes + 8 lost",
        "  lamport: orders 889 of the 956 concurrent pairs",
        "  vector: orders none of the 956 concurrent pairs",
        "  holds: receive_without_send, not_addressed, received_twice, overtaking, index_gap,"
        " time_runs_back, causal_cycle, ticks_missed, queue, clock_rule, clock_condition,"
        " strong_clock_condition, accounting",
    ]


def test_a_violation_comes_with_the_lines_that_show_it(tmp_path: Path) -> None:
    world = unruly(3, machines=3, acts=200, loss=0.1)
    event = world.events["vm2"][4]
    event.clock = event.clock | {"lamport": 8}
    world.write(tmp_path)
    lines = said(tmp_path)
    assert lines[0] == f"{tmp_path.name}: VIOLATED"
    begin = lines.index("  VIOLATED: clock_rule (1)")
    assert lines[begin + 1 : begin + 5] == [
        "    vm2 event 4: lamport reads 8, but its own 6 and the message's 8 make it 9",
        "      vm2.jsonl:5: vm2 event 3: lamport 6",
        "      vm3.jsonl:9: vm3 event 7: lamport 8",
        "      vm2.jsonl:6: vm2 event 4: lamport 8",
    ]


def test_what_could_not_be_checked_is_not_fine(tmp_path: Path) -> None:
    unruly(3, machines=3, acts=60).write(tmp_path)
    (tmp_path / "vm3.jsonl").unlink()
    first, *others = said(tmp_path)
    assert first == f"{tmp_path.name}: could not be checked"
    assert any("could not be checked: there is no log of vm3:" in line for line in others)
    assert any("cannot be known: accounting: there is no log of vm3" in line for line in others)
    assert not any(line.startswith("  holds:") and "accounting" in line for line in others)


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
    found = verdict(run_of(world))
    assert len(found.violations) == 2 * MAX_VIOLATIONS_PER_CHECK
    assert set(found.more) == {"clock_rule", "clock_condition"}


def test_the_verdict_is_kept_as_plain_values(tmp_path: Path) -> None:
    broken(unruly(3, machines=3, acts=100)).write(tmp_path)
    found = verdict(load(tmp_path))
    audit.keep(found, tmp_path)
    plain = json.loads((tmp_path / "verdict.json").read_text())
    assert plain == json.loads(json.dumps(audit.plain_verdict(found)))
    assert (plain["run"], plain["verdict"]) == (tmp_path.name, "VIOLATED")
    assert plain["account"]["sent"] == found.account.sent
    first = plain["violations"][0]
    assert (first["check"], first["machine"], first["index"]) == ("clock_rule", "vm1", 0)
    assert first["witness"][-1] == {
        "machine": "vm1", "index": 0, "file": "vm1.jsonl", "line": 2, "says": "lamport -1",
    }  # fmt: skip
    audit.keep(found, tmp_path / "vm1.jsonl")
    assert (tmp_path / "vm1.jsonl.verdict.json").exists()
    # A run with its verdict beside it is the same run.
    assert verdict(load(tmp_path)) == found


FINE = Verdict("run", None, (), ())
UNCHECKED = replace(FINE, unchecked=("there is no log of vm1",))
UNKNOWN = replace(FINE, unknown=(("queue", "not logged"),))
VIOLATED = replace(UNCHECKED, violations=verdict(run_of(broken(unruly(1)))).violations)


@pytest.mark.parametrize(
    ("found", "word", "code"),
    [
        (FINE, "fine", 0),
        (UNKNOWN, "nothing violated; 1 of 13 checks cannot be made", 0),
        (UNCHECKED, "could not be checked", 2),
        (VIOLATED, "VIOLATED", 1),
    ],
)
def test_every_verdict_has_its_word_and_its_exit_code(found: Verdict, word: str, code: int) -> None:
    assert audit.word_of(found) == word
    assert audit.exit_code([FINE, found]) == code
    assert audit.exit_code([VIOLATED, found]) == 1
