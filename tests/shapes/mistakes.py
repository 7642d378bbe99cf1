"""Planted mistakes: one each, in the log of one machine, with the checks that may name it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from shapes.lab import (
    ADDS_NOTHING,
    ADDS_TWO,
    IGNORES,
    MAX_ALONE,
    ON_ARRIVAL,
    History,
    Step,
)
from shapes.shape import ALL_NAMED, Shape, chance, pick

OF_CLOCKS = ("clock_rule", "clock_condition")
OF_MATCHES = ("receive_without_send", "not_addressed", "received_twice", *OF_CLOCKS)
#: A rule that is broken more rarely than this may not show.
LEAST_BROKEN = 3


@dataclass(frozen=True)
class Planted:
    """A mistake: the machines that may be blamed, and the checks; none if nothing is violated."""

    culprits: frozenset[int]
    checks: tuple[str, ...]
    where: str
    rules: tuple[tuple[int, str], ...] = ()


def by_rule(rule: str, *, everywhere: bool = False) -> "Mistake":
    """Let one machine, or each, receive by a wrong rule."""

    def plant(random: Random, shape: Shape, lab: History) -> Planted | None:
        every = range(len(lab.logs))
        culprits = every if everywhere else [pick(random, [*every])]
        rules = dict.fromkeys(culprits, rule)
        lab.count(shape.initial, shape.lag, rules)
        if sum(check == "clock_rule" for check, _ in lab.broken(shape.initial)) < LEAST_BROKEN:
            return None
        who = "everywhere" if everywhere else f"at {shape.names[culprits[0]]}"
        return Planted(frozenset(culprits), OF_CLOCKS, f"{rule} {who}", tuple(rules.items()))

    return plant


def invented_receive(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Log a receive of a message that nobody sent."""
    channels = _used_up(lab) if not shape.stamp else [*lab.copies()]
    if not channels:
        return None
    sender, me = pick(random, channels)
    after = pick(random, lab.logs[me][5:] or lab.logs[me])
    highest = max(step.post for step in lab.steps())
    step = Step(me, "receive", after.at_ns + 1000, stamp=max(after.post, highest) + 7)
    if not shape.stamp:
        # Its clock is that of an earlier event: only the number of receives contradicts.
        step.stamp = max(0, after.post - 1)
    step.shown["sender"] = sender
    lab.logs[me].insert(lab.logs[me].index(after) + 1, step)
    lab.count(shape.initial, shape.lag, {})
    return Planted(frozenset([me]), OF_MATCHES, f"{shape.names[me]} {lab.name(step)[1]}")


def wrong_sender(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Name another sender of a message than its own."""
    full = {(s, m) for s, m in _used_up(lab)}
    sent = {(s.machine, to, s.stamp) for s in lab.steps() for to in s.to}
    possible = [
        (step, other)
        for step in lab.receives()
        for other in range(len(lab.logs))
        if step.cause and other not in (step.machine, step.cause.machine)
        if (other, step.machine, step.stamp) not in sent
        if shape.stamp or (other, step.machine) in full
    ]
    if not possible:
        return None
    step, other = pick(random, possible)
    step.shown["sender"] = other
    where = f"{shape.names[step.machine]} {lab.name(step)[1]}: {shape.names[other]}"
    return Planted(frozenset([step.machine]), (*OF_MATCHES, "fifo_violation"), where)


def lost_message(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Lose a message: it is sent and never received, which violates nothing."""
    if not (receives := lab.receives()):
        return None
    step = pick(random, receives)
    lab.logs[step.machine].remove(step)
    lab.count(shape.initial, shape.lag, {})
    return Planted(frozenset(), (), f"to {shape.names[step.machine]} at {step.at_ns / 1e9:.3f} s")


def wrong_stamp(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Log another stamp of a received message than it carried."""
    taken = {step.stamp for step in lab.steps() if step.kind == "send"}
    free = [n for n in range(1, max(taken, default=0) + 40) if n not in taken]
    possible = [
        (step, stamp)
        for step in lab.receives()
        for stamp in free
        # Without a named sender, a machine without a log may have sent it: then clocks must tell.
        if shape.sender or step.post != max(step.pre, stamp) + 1
    ]
    if not possible:
        return None
    step, stamp = pick(random, possible)
    step.shown["stamp"] = stamp
    where = (
        f"{shape.names[step.machine]} {lab.name(step)[1]}: {step.shown['stamp']}, not {step.stamp}"
    )
    return Planted(frozenset([step.machine]), OF_MATCHES, where)


def wrong_queue(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Log a queue with one message more or less, where its neighbours contradict it."""
    possible = [
        (step, change)
        for log in lab.logs
        for before, step, after in _threes([s for s in log if s.kind == "receive"])
        for change, proof in (
            (1, after.queue == step.queue - 1),
            (-1, step.queue > 0 and step.queue == before.queue - 1),
        )
        if proof
    ]
    if not possible:
        return None
    step, change = pick(random, possible)
    step.shown["queue"] = step.queue + change + (shape.queue == "before")
    where = f"{shape.names[step.machine]} {lab.name(step)[1]}: {change:+}"
    return Planted(frozenset([step.machine]), ("queue",), where)


def overtaken(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Let a message be received before an earlier one of its channel."""
    possible = [
        (one, two)
        for me, log in enumerate(lab.logs)
        for sender in range(len(lab.logs))
        if sender != me
        for one, two in _pairs([s for s in log if s.cause and s.cause.machine == sender])
        if one.cause is not two.cause and two.cause and two.cause.at_ns < one.at_ns - 10_000_000
    ]
    if not possible:
        return None
    one, two = pick(random, possible)
    one.cause, two.cause = two.cause, one.cause
    assert one.cause
    lab.count(shape.initial, shape.lag, {}, queues=False)
    culprits = frozenset([one.machine, one.cause.machine])
    where = f"{shape.names[one.machine]} {lab.name(one)[1]} and {lab.name(two)[1]}"
    return Planted(culprits, ("fifo_violation",), where)


def clock_back(random: Random, shape: Shape, lab: History) -> Planted | None:
    """Log one clock of an internal event that is lower than the one before."""
    possible = [s for log in lab.logs for s in log[3:-1] if s.kind == "internal" and s.pre > 3]
    if not possible:
        return None
    step = pick(random, possible)
    step.shown["clock"] = max(0, step.pre - pick(random, [1, 2, 3, 10]))
    where = f"{shape.names[step.machine]} {lab.name(step)[1]}: {step.shown['clock']}"
    return Planted(frozenset([step.machine]), OF_CLOCKS, where)


def _used_up(lab: History) -> list[tuple[int, int]]:
    """Return the channels on which all messages were received."""
    left = lab.copies()
    left.subtract((step.cause.machine, step.machine) for step in lab.receives() if step.cause)
    return [channel for channel, copies in left.items() if not copies]


def _pairs(steps: list[Step]) -> Iterator[tuple[Step, Step]]:
    return pairwise(steps)


def _threes(steps: list[Step]) -> Iterator[tuple[Step, Step, Step]]:
    return zip(steps, steps[1:], steps[2:], strict=False)


Mistake = Callable[[Random, Shape, History], Planted | None]
#: Every mistake by its name. It returns None where a lab has no place for it.
MISTAKES: dict[str, Mistake] = {
    "rule: adds nothing": by_rule(ADDS_NOTHING),
    "rule: larger alone": by_rule(MAX_ALONE),
    "rule: ignores stamps": by_rule(IGNORES),
    "rule: adds two": by_rule(ADDS_TWO),
    "rule: on arrival": by_rule(ON_ARRIVAL),
    "rule: adds nothing anywhere": by_rule(ADDS_NOTHING, everywhere=True),
    "rule: larger alone anywhere": by_rule(MAX_ALONE, everywhere=True),
    "rule: adds two anywhere": by_rule(ADDS_TWO, everywhere=True),
    "rule: on arrival anywhere": by_rule(ON_ARRIVAL, everywhere=True),
    "match: invented receive": invented_receive,
    "match: wrong sender": wrong_sender,
    "loss": lost_message,
    "stamp": wrong_stamp,
    "queue": wrong_queue,
    "order": overtaken,
    "clock back": clock_back,
}


def prepare(random: Random, shape: Shape, mistake: str) -> None:
    """Change a shape so that its logs show the mistake."""
    kind = mistake.partition(":")[0]
    shape.extra["both clocks"] = False
    shape.trials, shape.missing, shape.mute, shape.lag = 1, -1, False, 0
    shape.receivers = (
        ALL_NAMED if shape.receivers not in (ALL_NAMED, "a word for all") else shape.receivers
    )
    if kind in ("stamp", "order") or chance(random, 0.6):
        shape.stamp = "sends and receives"
    if kind in ("match", "order") or not shape.stamp:
        shape.sender = True
    if kind == "queue":
        shape.queue = shape.queue or "after"
    if kind in ("queue", "clock back"):
        shape.clock = "after"
