"""Histories of the lab exercise, with clocks by any rule and messages stamped by any convention.

The simulator decides who ticks, sends and receives when; clocks and queues are counted here again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.virtual.simulation import simulate
from vm.records import Event, Stop
from vm.spec import Spec

#: The clock after a receive, from the clock before it and the stamp of the message.
RULES: dict[str, Callable[[int, int], int]] = {
    "max(own, stamp) + 1": lambda own, stamp: max(own, stamp) + 1,
    "max(own + 1, stamp)": lambda own, stamp: max(own + 1, stamp),
    "max(own, stamp)": max,
    "own + 1": lambda own, _: own + 1,
    "max(own, stamp) + 2": lambda own, stamp: max(own, stamp) + 2,
    "own + 1; max(own, stamp) on arrival": lambda own, _: own + 1,
}
LAMPORT, ADDS_NOTHING, MAX_ALONE, IGNORES, ADDS_TWO, ON_ARRIVAL = RULES
#: (machine's number, index of the event in its log)
Name = tuple[int, int]


@dataclass(eq=False)
class Step:
    """One event. `post` is the clock after it, `stamp` that of its message, `queue` what is left.

    `shown` overrides values in the log: a mistake of one line.
    """

    machine: int
    kind: str
    at_ns: int
    to: tuple[int, ...] = ()
    cause: "Step | None" = None
    arrived_ns: int = -1
    pre: int = 0
    post: int = 0
    stamp: int = 0
    queue: int = 0
    shown: dict[str, int] = field(default_factory=dict)

    @property
    def sender(self) -> int:
        return self.shown.get("sender", self.cause.machine if self.cause else -1)


@dataclass
class History:
    """The steps of each machine, and the messages that arrived and were not received."""

    logs: list[list[Step]]
    waiting: list[tuple[int, int, Step]]  # (time, receiver, send)
    rates: list[int]

    def steps(self) -> list[Step]:
        """Return all steps in the order of time; those of one machine in the order of its log."""
        return sorted((step for log in self.logs for step in log), key=lambda step: step.at_ns)

    def name(self, step: Step) -> Name:
        return step.machine, next(n for n, s in enumerate(self.logs[step.machine]) if s is step)

    def receives(self) -> list[Step]:
        return [step for step in self.steps() if step.kind == "receive"]

    def copies(self) -> Counter[tuple[int, int]]:
        """Count the copies sent, by sender and receiver."""
        return Counter((step.machine, to) for step in self.steps() for to in step.to)

    def count(
        self, initial: int, lag: int, rules: Mapping[int, str], *, queues: bool = True
    ) -> None:
        """Count clocks and queues. `rules` are those of machines that receive by another rule."""
        arrivals = [(step.arrived_ns, step.machine, step.cause) for step in self.receives()]
        arrivals = [one for one in [*arrivals, *self.waiting] if one[2]]
        agenda = [(at_ns, 0, n, (to, send)) for n, (at_ns, to, send) in enumerate(arrivals)]
        agenda += [(step.at_ns, 1, n, step) for n, step in enumerate(self.steps())]
        clocks, inbox = [initial] * len(self.logs), [0] * len(self.logs)
        for _, _, _, item in sorted(agenda, key=lambda entry: entry[:3]):
            if not isinstance(item, Step):
                to, send = item
                inbox[to] += 1
                if rules.get(to) == ON_ARRIVAL:
                    clocks[to] = max(clocks[to], send.stamp)
                continue
            _take(item, clocks, lag, RULES[rules.get(item.machine, LAMPORT)])
            if queues:
                inbox[item.machine] -= item.kind == "receive"
                item.queue = inbox[item.machine]

    def broken(self, initial: int) -> Iterator[tuple[str, int]]:
        """Yield check and machine for each event that breaks a rule of clocks."""
        for machine, log in enumerate(self.logs):
            before = initial
            for step in log:
                received = step.stamp if step.kind == "receive" else 0
                if step.post != max(before, received) + 1:
                    yield "clock_rule", machine
                if step.post <= before or (step.cause and step.post <= step.cause.post):
                    yield "clock_condition", machine
                before = step.post


def _take(step: Step, clocks: list[int], lag: int, rule: Callable[[int, int], int]) -> None:
    own = step.pre = clocks[step.machine]
    if step.kind == "receive":
        # A message without a send carries what its line shows.
        step.stamp = step.cause.stamp if step.cause else step.stamp
        step.post = rule(own, step.stamp)
    else:
        step.post = own + 1
        step.stamp = step.post - lag
    clocks[step.machine] = step.post


def history(machines: int, seconds: int, workload: str, seed: int, *, split: bool) -> History:
    """Simulate a lab. With `split`, a send to several is several sends."""
    names = [f"m{n}" for n in range(machines)]
    plain = {"machines": names, "duration_s": seconds, "ticks": [1, 6], "seed": seed}
    records = simulate(spec := Spec.parse(plain | {"workload": workload}), "lab")
    numbers = {name: n for n, name in enumerate(names)}
    made = dict[tuple[str, int, str], Step]()
    logs = [
        [
            step
            for event in records[name]
            if isinstance(event, Event)
            for step in _steps(numbers, name, event, made, split)
        ]
        for name in names
    ]
    for name in names:
        for step, event in zip(
            [s for s in logs[numbers[name]] if s.kind == "receive"],
            [e for e in records[name] if isinstance(e, Event) and e.kind == "receive"],
            strict=True,
        ):
            step.cause = made[event.sender, event.cause, name]
    waiting = [
        (unread.arrived_ns, numbers[name], made[unread.sender, unread.cause, name])
        for name in names
        for stop in records[name]
        if isinstance(stop, Stop)
        for unread in stop.inbox
    ]
    return History(logs, waiting, [*spec.resolved().tick_rates_hz.values()])


def _steps(
    numbers: Mapping[str, int],
    name: str,
    event: Event,
    made: dict[tuple[str, int, str], Step],
    split: bool,
) -> Iterator[Step]:
    """Yield the steps of an event, and enter its messages in `made`."""
    me, kind = numbers[name], event.kind
    groups = [(to,) for to in event.to] if split and len(event.to) > 1 else [event.to]
    for group in groups:
        to = tuple(numbers[receiver] for receiver in group)
        step = Step(me, kind, event.at_ns, to, arrived_ns=event.arrived_ns)
        made |= {(name, event.index, receiver): step for receiver in group}
        yield step
