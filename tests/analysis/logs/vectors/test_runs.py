"""Histories with vector clocks, in every convention and with gaps: nothing false is reported."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import Verdict, evaluate
from analysis.history.causality import causality
from analysis.history.run import Run
from analysis.logs.finding import source_of

Name = tuple[str, int]


@dataclass
class Step:
    """An event by its host and own count, with its clock and the events whose messages it took."""

    name: Name
    clock: dict[str, int]
    causes: tuple[Name, ...] = ()


@dataclass
class History:
    """A random history: each event is internal, a send, or a receive of up to two messages."""

    seed: int
    hosts: int
    zero_start: bool
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        clocks = {f"h{n}": dict[str, int]() for n in range(self.hosts)}
        if self.zero_start:
            self.steps += [Step((host, 0), {}) for host in clocks]
        sent = list[tuple[Name, str, dict[str, int]]]()
        for _ in range(random.randint(1, 40)):
            host = random.choice([*clocks])
            mine = [message for message in sent if message[1] == host]
            taken = random.sample(mine, min(len(mine), random.choice([0, 1, 1, 2])))
            for message in taken:
                sent.remove(message)
                for name, n in message[2].items():
                    clocks[host][name] = max(clocks[host].get(name, 0), n)
            clocks[host][host] = clocks[host].get(host, 0) + 1
            name = host, clocks[host][host]
            self.steps.append(Step(name, dict(clocks[host]), tuple(m[0] for m in taken)))
            if not taken and random.random() < 0.7:
                to = random.choice([other for other in clocks if other != host])
                sent.append((name, to, dict(clocks[host])))


def text_of(steps: Sequence[Step], zeros: Sequence[str] = ()) -> str:
    lines = (
        f"{step.name[0]} {json.dumps(dict.fromkeys(zeros, 0) | step.clock)}\nevent\n"
        for step in steps
    )
    return r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)" + "\n\n" + "".join(lines)


def judged(directory: Path, text: str) -> tuple[Run, Verdict]:
    (directory / "a.log").write_text(text)
    (run,) = source_of(directory / "a.log").load()
    return run, evaluate(run).verdict


histories = st.builds(
    History, st.integers(0, 2**32), hosts=st.integers(2, 4), zero_start=st.booleans()
)


@settings(max_examples=100, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_the_past_of_every_event_is_that_of_the_history(
    tmp_path_factory: pytest.TempPathFactory, history: History, random: Random
) -> None:
    """The order of the lines, repeated lines and text between them change nothing."""
    steps = history.steps + random.sample(history.steps, len(history.steps) // 4)
    random.shuffle(steps)
    hosts = {step.name[0] for step in history.steps}
    zeros = sorted(hosts) if history.zero_start else ()
    run, found = judged(tmp_path_factory.mktemp("logs"), text_of(steps, zeros) + "\nthe end\n")
    assert (found.violations, found.unchecked) == ((), ())
    assert run.events.height == len(history.steps)
    known = causality(run)
    for step in history.steps:
        host, count = step.name
        index = count - (not history.zero_start)
        past = known.vector_time(known.row(host, index))
        counts = {m: int(n) for m, n in zip(run.machines, past, strict=True)}
        starts = int(history.zero_start)
        for m in run.machines:
            if m != host and counts[m]:
                counts[m] -= starts
        expected = {m: step.clock.get(m, 0) for m in run.machines} | {host: index + 1}
        assert counts == expected


@settings(max_examples=100, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_missing_events_are_no_violation_and_matter_only_as_sends(
    tmp_path_factory: pytest.TempPathFactory, history: History, random: Random
) -> None:
    left = [step for step in history.steps if random.random() < 0.7]
    if not left:
        return
    zeros = sorted({step.name[0] for step in history.steps}) if history.zero_start else ()
    _, found = judged(tmp_path_factory.mktemp("logs"), text_of(left, zeros))
    assert found.violations == ()
    names = {step.name for step in left}
    caused = {cause for step in left for cause in step.causes}
    if found.unchecked == ("no check found a case to look at",):
        assert not caused
        assert not any(count == 1 or (host, count - 1) in names for host, count in names)
        return
    if {name for step in left for name in step.clock.items()} <= names:
        assert found.unchecked == ()
    if found.unchecked:
        named = {name for step in left for name in step.clock.items()}
        assert named - names or caused - names


@settings(max_examples=60, deadline=None)
@given(histories)
def test_two_processes_under_one_name_are_one_violation(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    """An event of a second process with the name of the first host is in another file."""
    host = history.steps[0].name[0]
    count = next(step.name[1] for step in reversed(history.steps) if step.name[0] == host)
    others = [Step(("far", 1), {"far": 1}), Step((host, count), {host: count, "far": 1})]
    folder = tmp_path_factory.mktemp("logs")
    zeros = sorted({step.name[0] for step in history.steps}) if history.zero_start else ()
    (folder / "a.log").write_text(text_of(history.steps, zeros))
    (folder / "b.log").write_text(text_of(others))
    (run,) = source_of(folder).load()
    if count:
        (violation,) = evaluate(run).verdict.violations
        assert (violation.check, violation.machine) == ("index_gap", host)
        assert f"two events of {host} have the same count {count}" in violation.because


@settings(max_examples=60, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_a_wrong_clock_is_found_at_its_host(
    tmp_path_factory: pytest.TempPathFactory, history: History, random: Random
) -> None:
    """A receive forgets what its host knew of another one."""
    wrong = [
        (step, name)
        for before, step in zip(history.steps, history.steps[1:], strict=False)
        if before.name[0] == step.name[0]
        for name, n in before.clock.items()
        if name != step.name[0] and step.clock[name] == n
    ]
    if wrong:
        step, name = random.choice(wrong)
        del step.clock[name]
        zeros = sorted({one.name[0] for one in history.steps}) if history.zero_start else ()
        _, found = judged(tmp_path_factory.mktemp("logs"), text_of(history.steps, zeros))
        named = {(v.machine, v.check) for v in found.violations}
        assert (step.name[0], "clock_condition") in named
