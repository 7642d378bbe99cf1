"""Logs of our own with one change each, and the answer of `vklocks check`.

Each case is a simulated run of 6 s with one change that a person or a program could make to its
files; all of them were once answered with "holds", or with an accusation of the wrong machine.
"""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from histories import write_log
from orchestrator.cli import main
from orchestrator.virtual.simulation import simulate
from vm.log import decode
from vm.records import Event, Record, Stop
from vm.spec import Spec

SPEC = {"duration_s": 6, "ticks": [3, 10], "clocks": ["lamport", "vector"], "seed": 41}


class Answer(NamedTuple):
    """The exit code, a text that must be printed, and the violated checks, all of one machine."""

    exit: int
    says: str
    machine: str = ""
    violated: tuple[str, ...] = ()


def written(run: Path, **fields: Any) -> Path:
    """Write a run as the orchestrator does, as far as `check` reads it."""
    spec = Spec.parse({**SPEC, **fields}).resolved()
    for machine, log in simulate(spec, "one").items():
        write_log(run / f"{machine}.jsonl", log)
    (run / "spec.json").write_text(json.dumps(spec.plain()))
    return run


def records(run: Path, machine: str) -> list[Record]:
    return [*map(decode, (run / f"{machine}.jsonl").read_text().splitlines())]


def last(log: list[Record], *kinds: str) -> int:
    return max(
        n for n, record in enumerate(log) if isinstance(record, Event) and record.kind in kinds
    )


def change(run: Path, machine: str, n: int, **fields: Any) -> None:
    log = records(run, machine)
    log[n] = replace(log[n], **fields)  # type: ignore[type-var]
    write_log(run / f"{machine}.jsonl", log)


def change_text(run: Path, machine: str, n: int, old: str, new: str) -> None:
    log = run / f"{machine}.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    assert old in lines[n]
    lines[n] = lines[n].replace(old, new, 1)
    log.write_text("".join(lines))


def dead_machine_sends(run: Path) -> None:
    """vm2 was to crash at 3 s, but its log goes on, and survivors receive its messages."""
    written(run)
    log = records(run, "vm2")
    assert isinstance(log[-1], Stop)
    write_log(run / "vm2.jsonl", log[:-1])
    crash = '"faults":[{"kind":"crash","machine":"vm2","at_s":3}]'
    for file in run.glob("*.json*"):
        file.write_text(re.sub(r'"faults": ?\[\]', crash, file.read_text()))


def due_off_schedule(run: Path) -> None:
    """A tick of vm3 was due a third of a period early, by its log."""
    written(run)
    log = records(run, "vm3")
    n = last(log, "internal", "send", "receive")
    change(run, "vm3", n, due_ns=log[n].due_ns - 37_037_037)  # type: ignore[union-attr]


def duplicate_key(run: Path) -> None:
    written(run)
    n = last(records(run, "vm2"), "receive")
    change_text(run, "vm2", n, '"queue":', '"queue":7,"queue":')


def fifo_in_one_record(run: Path) -> None:
    change_text(written(run), "vm1", 0, '"fifo":true', '"fifo":false')


def lost_without_fault(run: Path) -> None:
    """A message in the inbox of vm3 was lost, by the log of vm2: no fault is planned."""
    written(run, seed=3)
    (left,) = records(run, "vm3")[-1].inbox  # type: ignore[union-attr]
    change(run, "vm3", -1, inbox=())
    change(run, "vm2", left.cause + 1, lost=("vm3",))


def send_to_nobody(run: Path) -> None:
    written(run)
    n = last(records(run, "vm1"), "internal")
    change_text(run, "vm1", n, '"kind":"internal"', '"kind":"send"')
    change_text(run, "vm1", n, "}}", '},"to":[]}')


def another_workload(run: Path) -> None:
    change_text(written(run), "vm1", 0, '"internal":7', '"internal":98')


def byte_order_mark(run: Path) -> None:
    log = written(run) / "vm3.jsonl"
    log.write_bytes(log.read_text().encode("utf-8-sig"))


CASES: dict[Callable[[Path], None], Answer] = {
    dead_machine_sends: Answer(
        1,
        "acted at 3.02486 s, during its crash planned for 3 s",
        "vm2",
        ("unplanned_fault", "schedule"),
    ),
    due_off_schedule: Answer(
        1, "tick 53 is due at 5909960938 ns by seed and rate", "vm3", ("schedule",)
    ),
    duplicate_key: Answer(2, "could not be used: field 'queue' is there more than once"),
    fifo_in_one_record: Answer(2, "and vm1.jsonl disagree on fifo"),
    lost_without_fault: Answer(
        1,
        "its message to vm3 is listed as lost, but no such fault was planned then",
        "vm2",
        ("schedule", "unplanned_fault", "replay"),
    ),
    send_to_nobody: Answer(2, "vm1.jsonl:43 could not be used: field 'to' is []"),
    another_workload: Answer(2, "and vm1.jsonl disagree on workload"),
    byte_order_mark: Answer(0, "42 messages sent = 42 received"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_of_our_logs_is_answered_rightly(
    case: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case(tmp_path)
    answer = CASES[case]
    code = main(["check", str(tmp_path), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr()
    (verdict,) = [json.loads(file.read_text()) for file in tmp_path.glob("out/**/verdict.json")]
    found = {(one["check"], one["machine"]) for one in verdict["violations"]}
    assert code == answer.exit, printed
    assert found == {(check, answer.machine) for check in answer.violated}
    assert answer.says in printed.out + printed.err


def test_a_message_that_an_unusable_line_may_have_received_is_not_called_unaccounted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    duplicate_key(tmp_path)
    main(["check", str(tmp_path), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    assert "42 messages sent = 41 received + 1 perhaps received on unusable lines\n" in printed
    assert "accounting: holds (41 of 42 messages)" in printed


@pytest.mark.parametrize("share", [0.99, 0.5, 0.1])
def test_a_compressed_log_that_is_cut_is_damage_to_it_alone(tmp_path: Path, share: float) -> None:
    log = written(tmp_path) / "vm1.jsonl"
    packed = gzip.compress(log.read_bytes())
    log.unlink()
    (tmp_path / "vm1.jsonl.gz").write_bytes(packed[: int(len(packed) * share)])
    run = load(tmp_path)
    assert run.events.filter(machine="vm3").height == 54
    assert {one.file for one in run.damage} == {"vm1.jsonl.gz"}
    assert run.damage[-1].reason.startswith("its compressed content is damaged: ")
    found = evaluate(run).verdict
    assert (found.violations, bool(found.unchecked)) == ((), True)
