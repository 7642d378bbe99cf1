"""Logs with vector clocks in lists, which have no description."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audited import audits
from shapes.lab import History, Step, history

Vector = list[int]
SECONDS = 1_000_000_000


def in_brackets(step: Step, vector: Vector) -> str:
    to = f", To: {', '.join(str(one + 1) for one in step.to)} " if step.to else " "
    left = f", # of messages left: {step.queue}" if step.kind == "receive" else ""
    return (
        f"09:10:{step.at_ns / SECONDS:09.6f} ACTION: {step.kind.upper()}{to}, Time: {vector}{left}"
    )


def bare(step: Step, vector: Vector) -> str:
    what = "SEND TWICE" if len(step.to) > 1 else step.kind.upper()
    at_ns = 1_700_000_000 * SECONDS + step.at_ns
    return f"[{at_ns}] | {','.join(map(str, vector))} | {step.queue} | {what}"


def submission(folder: Path, line: Callable[[Step, Vector], str], lag: int) -> History:
    """Write a lab whose messages carry the vectors from `lag` steps before their sends."""
    lab = history(3, 40, "assignment", 11, split=False)
    lab.count(0, 0, {})
    clocks, stamps, texts = [[0] * 3 for _ in lab.logs], dict[int, Vector](), [""] * 3
    for step in lab.steps():
        own = clocks[step.machine]
        if step.cause:
            own[:] = map(max, own, stamps[id(step.cause)])
        own[step.machine] += 1
        stamps[id(step)] = [*own]
        stamps[id(step)][step.machine] -= lag
        texts[step.machine] += line(step, own) + "\n"
    for me, text in enumerate(texts):
        (folder / f"Process{me + 1}_2031-04-07 21:40:3{me}.591.txt").write_text(text)
    return lab


@pytest.mark.parametrize("line", [in_brackets, bare])
@pytest.mark.parametrize("lag", [0, 1])
def test_vectors_and_their_messages_are_recognised(
    tmp_path: Path, line: Callable[[Step, Vector], str], lag: int
) -> None:
    lab = submission(tmp_path, line, lag)
    [one] = audits(tmp_path)
    kinds = [step.kind for step in lab.steps()]
    assert {**one.kinds} == {kind: kinds.count(kind) for kind in set(kinds)}
    places = {id(step): (m, n) for m, log in enumerate(lab.logs) for n, step in enumerate(log)}
    for m, log in enumerate(lab.logs):
        rows = [row for row in one.rows if row["machine"] == one.run.machines[m]]
        for step, row in zip(log, rows, strict=True):
            if step.cause and row["cause"] is not None:
                sender = one.run.machines.index(row["sender"])
                assert (sender, row["cause"]) == places[id(step.cause)]
    matched = one.run.events["cause"].count()
    assert matched >= 0.9 * kinds.count("receive")
    # Without the step of its send, a message does not show that the send was before.
    assert {**one.checks} == ({"clock_condition": matched} if lag else {})
    if line is in_brackets:
        assert one.account.sent == sum(len(step.to) for step in lab.steps())
