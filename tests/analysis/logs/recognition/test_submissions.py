"""Logs as student programs write them: habits of names, codes, flags and lines that recur."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from analysis.logs.finding import source_among
from analysis.logs.formats import formats_of
from audited import Audited, audits
from shapes.lab import LAMPORT, History, Step, history

SECONDS = 1_000_000_000


@dataclass(frozen=True)
class Habit:
    """A way to log: the name of each file, lines around the events, and the lines of a step.

    `name` has the number of the run and of the machine, from 0. A message carries the clock from
    `lag` steps before its send; with `split`, the clock of a send to both advances twice.
    """

    name: str
    lines: Callable[[Step, int], list[str]]
    head: str = ""
    tail: str = ""
    runs: int = 1
    lag: int = 0
    split: bool = False


def at(step: Step) -> str:
    return f"{12 + step.at_ns // (60 * SECONDS):02d}:10:{step.at_ns / SECONDS % 60:09.6f}"


def both_in_plural(step: Step, _: int) -> list[str]:
    head = f"2031-04-07 09:{at(step)[3:8]} INFO     "
    to = " and ".join(str(2056 + 1000 * one) for one in sorted(step.to))
    clock = f" | local clock: {step.post}"
    return {
        "receive": [f"{head}Message received: {step.stamp}{clock} | length of queue: {step.queue}"],
        "send": [f"{head}Message{'s' * (len(step.to) > 1)} sent to: {to}{clock}"],
        "internal": [f"{head}Internal event{clock}"],
    }[step.kind]


def flags(step: Step, _: int) -> list[str]:
    kinds = ",".join(str(int(step.kind == kind)) for kind in ("internal", "send", "receive"))
    return [f"{kinds},{1_700_000_000 + step.at_ns // SECONDS},{step.post},{step.queue}"]


def codes(step: Step, me: int) -> list[str]:
    rolled = {"receive": -1, "internal": 4}.get(step.kind) or (
        3 if len(step.to) > 1 else 1 + (step.to[0] - me - 1) % 3
    )
    return [f"{rolled}\t{step.post}\t{step.at_ns / SECONDS}\t{step.queue}\t{2621 + me}"]


def hashes(step: Step, me: int) -> list[str]:
    tail = f"GLOBAL: 2031-04-07 {at(step)} - CLOCK: {step.post}"
    to = " and ".join(f"#{one}" for one in step.to)
    return {
        "receive": [
            f"GOT: 'Node {step.sender} has clock {step.stamp}' - {tail} - QUEUE LEN: {step.queue}"
        ],
        "send": [f"SENT: 'Node {me} has clock {step.post}' TO NODE {to} - {tail}"],
        "internal": [f"INTERNAL EVENT - {tail}"],
    }[step.kind]


def words_with_underscores(step: Step, _: int) -> list[str]:
    ms = step.at_ns // 1_000_000
    if step.kind == "receive":
        return [f"RECEIVED,{'ABC'[step.sender]},{step.queue},{ms},{step.post}"]
    how = (
        "INTERNAL_EVENT"
        if step.kind == "internal"
        else f"{('ONE', 'MULTI')[len(step.to) - 1]}_SEND"
    )
    return [f"{how},{ms},{step.post}"]


def one_line_for_both(step: Step, _: int) -> list[str]:
    clock = [f"System time: {1_700_000_000 + step.at_ns / SECONDS:.2f}", f"Clock: {step.post}", ""]
    return {
        "receive": ["GOT A MESSAGE", f"Queue size: {step.queue}", *clock],
        "send": ["SENT A MESSAGE", *clock],
        "internal": ["INTERNAL", *clock],
    }[step.kind]


def end_lines(step: Step, _: int) -> list[str]:
    what = {
        "receive": "RECEIVE",
        "send": f"SEND({3 if len(step.to) > 1 else 1})",
        "internal": "INTERNAL",
    }[step.kind]
    queue = f", queue={step.queue}" if step.kind == "receive" else ""
    return [f"{1_700_000_000 + step.at_ns / SECONDS:.4f}, {what}, L={step.post}{queue}"]


def arrivals(step: Step, _: int) -> list[str]:
    head = f"[2031-04-07 {at(step)}]"
    clock = f"| Clock: {step.post}"
    return {
        "receive": [
            f"{head} Queued message from Node {step.sender} with timestamp {step.stamp}",
            f"{head} Processed message from Node {step.sender} {clock} | Queue: {step.queue}",
        ],
        "send": [f"{head} Sent message to Node {to} {clock}" for to in step.to],
        "internal": [f"{head} Internal event {clock}"],
    }[step.kind]


def stalls(step: Step, me: int) -> list[str]:
    """Log an internal event after each send to one peer, without another step of the clock."""
    again = step.kind == "send" and len(step.to) == 1
    same = Step(me, "internal", step.at_ns, post=step.post)
    return [*both_in_plural(step, me), *(both_in_plural(same, me) if again else [])]


def events_with_times(step: Step, _: int) -> list[str]:
    """Log a time where another line has the receiver, so that the words before are the same."""
    seconds = 1_700_000_000 + step.at_ns / SECONDS
    to = "both" if len(step.to) > 1 else "".join(map(str, step.to))
    return {
        "receive": [f"RECEIVE EVENT | {seconds} | {step.post} | queue {step.queue}"],
        "send": [f"SEND EVENT ({to}) | {seconds} | {step.post}"],
        "internal": [f"INTERNAL EVENT | {seconds} | {step.post}"],
    }[step.kind]


def dated_by_the_line_before(step: Step, me: int) -> list[str]:
    to = ", ".join(f"VM{one + 1}" for one in step.to)
    what = {
        "receive": f"RECEIVE from VM{step.sender + 1}, queue={step.queue}",
        "send": f"SEND to {to}",
        "internal": "INTERNAL",
    }[step.kind]
    return [
        f"Apr 07, 2031 09:{at(step)[3:8]} AM edu.lab.Machine run",
        f"INFO: [VM{me + 1}] {what}, clock={step.post}",
    ]


def sockets(step: Step, me: int) -> list[str]:
    to = "both sockets" if len(step.to) > 1 else "socket"
    to = "other socket" if step.to == ((me + 2) % 3,) else to
    what = {"send": f"Sent message to {to}", "receive": "Received message", "internal": "Internal"}
    queue = f" with queue: {step.queue}" if step.kind == "receive" else ""
    return [f"{what[step.kind]} at time: 2031-04-07T{at(step)}{queue} with clock: {step.post}."]


def details(step: Step, _: int) -> list[str]:
    to = " and ".join(f"Machine {one + 1}" for one in step.to)
    about = {"receive": f"Queue length: {step.queue}", "send": f"To: {to}", "internal": ""}
    return [f"2031-04-07 {at(step)}\t{step.post}\t{step.kind.upper()}\t{about[step.kind]}"]


def indented(step: Step, _: int) -> list[str]:
    fields = {"time": step.at_ns / SECONDS, "type": step.kind, "logicalClock": step.post}
    about = {
        "receive": {"from": f"vm{step.sender}", "queueLength": step.queue},
        "send": {"to": [f"vm{one}" for one in step.to]},
        "internal": {},
    }[step.kind]
    return json.dumps(fields | about, indent=2).splitlines()


def receives_before(step: Step, _: int) -> list[str]:
    """Log a receive before the clock takes its stamp over, and other events after they advance."""
    seconds = 1_700_000_000 + step.at_ns / SECONDS
    return {
        "receive": [
            f"{seconds} RECEIVE clock={step.pre} msg={step.stamp} from={step.sender} q={step.queue}"
        ],
        "send": [f"{seconds} SEND clock={step.post} to={','.join(map(str, step.to))}"],
        "internal": [f"{seconds} INTERNAL clock={step.post}"],
    }[step.kind]


HABITS = {
    "plural": Habit("logs/{port}.log", both_in_plural),
    "flags": Habit(
        "machine{me}speed{rate}log.csv",
        flags,
        head="is_internal,is_send,is_receive,time,logical_clock,queue_length",
    ),
    "codes": Habit("Log_{n2621}.txt", codes, head="ACTION\tLOGICAL\tTRUE\tQUEUE\tPORT"),
    "hashes": Habit("70{run}{one}.log", hashes, head="Node {me} has clock cycle {rate}", runs=2),
    "letters": Habit("{letter}11{run}.out", words_with_underscores, head="INIT,{letter}", runs=2),
    "runs last": Habit("process{me}LOG{run}.txt", hashes, runs=2),
    "several runs": Habit("{me}-of-{run}:10.log", hashes, runs=3),
    "both advance": Habit("log_{me}.log", one_line_for_both, split=True),
    "times": Habit("{me}.txt", events_with_times),
    "two lines": Habit("vm{one}.log", dated_by_the_line_before),
    "sockets": Habit("process_{me}", sockets),
    "details": Habit("machine{one}.tsv", details, head="Time\tLogical Clock\tEvent\tDetails"),
    "arrivals": Habit("both/machine_{me}.log", arrivals),
    "a folder each": Habit("vm{one}/log.txt", hashes),
    "folders of runs": Habit("machine{me}_logs/run_{run}.log", hashes, runs=2),
    "letters of folders": Habit("{letter}/events.log", arrivals),
    "indented": Habit("vm{me}.json", indented),
    "receives before": Habit("machine{me}.log", receives_before),
    "ends": Habit("machine_{one}.log", end_lines, tail="1700009999.0000, SHUTDOWN, L={last}"),
}


#: The habits whose lines name all receivers.
NAMING = (
    "plural",
    "hashes",
    "runs last",
    "several runs",
    "arrivals",
    "times",
    "two lines",
    "details",
    "indented",
    "receives before",
    "a folder each",
    "folders of runs",
    "letters of folders",
)


def submission(folder: Path, habit: Habit, seed: int) -> list[History]:
    """Write the logs of some runs into a folder, and return the truth."""
    runs = []
    for run in range(habit.runs):
        # Rates of 1 to 6 ticks per second, drawn by the simulator.
        lab = history(3, 60, "assignment", seed + run, split=habit.split)
        lab.count(0, habit.lag, {})
        for me, log in enumerate(lab.logs):
            known = {
                **{"run": run, "me": me, "one": me + 1, "letter": "ABC"[me], "rate": lab.rates[me]},
                **{"port": 2056 + 1000 * me, "n2621": 2621 + me, "last": log[-1].post},
            }
            lines = [line for step in log for line in written(habit, step, me, log)]
            head, tail = ([text.format(**known)] * bool(text) for text in (habit.head, habit.tail))
            path = folder / habit.name.format(**known)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([*head, *lines, *tail]) + "\n")
        runs.append(lab)
    return runs


def written(habit: Habit, step: Step, me: int, log: list[Step]) -> Iterator[str]:
    at_ = log.index(step)
    following = log[at_ + 1] if at_ + 1 < len(log) else None
    # The first of two copies of one send has no line.
    if not (habit.split and following and step.kind == "send" and following.at_ns == step.at_ns):
        yield from habit.lines(step, me)


def test_a_mistake_made_throughout_does_not_hide_the_reading(tmp_path: Path) -> None:
    [lab] = submission(tmp_path, Habit("{port}.log", stalls), seed=5)
    [one] = found(tmp_path)
    stalled = sum(step.kind == "send" and len(step.to) == 1 for step in lab.steps())
    assert {**one.checks} == {"clock_rule": stalled, "clock_condition": stalled}
    copies = sum(len(step.to) for step in lab.steps())
    assert one.run.events["to"].list.len().sum() == copies


def found(folder: Path) -> list[Audited]:
    return sorted(audits(folder), key=lambda one: one.run.name)


@pytest.mark.parametrize("name", HABITS)
def test_submissions_are_recognised_as_they_are(tmp_path: Path, name: str) -> None:
    assert LAMPORT == "max(own, stamp) + 1"
    truth = submission(tmp_path, HABITS[name], seed=3)
    audited = found(tmp_path)
    assert len(audited) == len(truth)
    for one, lab in zip(audited, truth, strict=True):
        kinds = [step.kind for step in lab.steps()]
        assert {**one.kinds} == {kind: kinds.count(kind) for kind in set(kinds)}
        if name in NAMING:
            sent = one.run.events.filter(kind="send")["to"].list.len().sum()
            assert sent == sum(len(step.to) for step in lab.steps())
        assert not one.checks
        assert one.verdict.state == "holds"


@pytest.mark.parametrize("last", ["", "\n"])
def test_an_array_on_one_line_has_all_events(tmp_path: Path, last: str) -> None:
    [lab] = submission(tmp_path, Habit("vm{me}.json", indented), seed=4)
    for path in tmp_path.iterdir():
        objects = path.read_text().replace("\n}\n", "\n},\n").rstrip(",\n")
        path.write_text(json.dumps(json.loads(f"[{objects}]")) + last)
    [one] = found(tmp_path)
    kinds = [step.kind for step in lab.steps()]
    assert {**one.kinds} == {kind: kinds.count(kind) for kind in set(kinds)}
    assert one.verdict.state == "holds"


def test_submissions_called_after_students_stay_apart(tmp_path: Path) -> None:
    for seed, student in enumerate(("ann", "ben", "cleo"), 3):
        submission(tmp_path / student, HABITS["both advance"], seed)
        together = sorted((tmp_path / student).iterdir())
        logs = [
            path.read_text().replace("\n\n", f"\nVM: {me}\n\n") for me, path in enumerate(together)
        ]
        (tmp_path / student / "all.txt").write_text("".join(logs))
        for path in together:
            path.unlink()
    assert source_among(tmp_path, formats_of("", {}), count(1)).format is None
