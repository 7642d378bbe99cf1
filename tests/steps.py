"""Random histories as plain steps, for clocks alone: no machine, no network, no spec.

The steps stand in an order that causality allows. Channels may lose, duplicate and reorder
messages; every machine has a physical clock within `ERROR_NS` of true time. It never runs back,
unless it is stepped: set to another error now and then.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from vm.clocks.clock import At, Clock

STEP_NS = 1_000_000
#: The largest distance of a physical clock from true time.
ERROR_NS = 20 * STEP_NS
MAX_STEPS = 300
Name = tuple[int, int]


class Step(NamedTuple):
    """An event of a machine; `to` are the receivers of a send, `cause` is the send of a receive."""

    machine: int
    index: int
    physical_ns: int
    to: tuple[int, ...] = ()
    cause: Name | None = None

    @property
    def name(self) -> Name:
        return self.machine, self.index


@dataclass(frozen=True)
class Steps:
    """A history of `machines` machines."""

    machines: int
    steps: tuple[Step, ...]

    @cached_property
    def counts(self) -> list[int]:
        """The number of events of each machine."""
        return [sum(step.machine == m for step in self.steps) for m in range(self.machines)]

    @cached_property
    def latest_ns(self) -> int:
        """The latest physical time of an event, 0 without one."""
        return max((step.physical_ns for step in self.steps), default=0)

    def vectors(self) -> dict[Name, tuple[int, ...]]:
        """Return by event the number of events of each machine in its past, itself included."""
        found = dict[Name, tuple[int, ...]]()
        zero = (0,) * self.machines
        for step in self.steps:
            own = found.get((step.machine, step.index - 1), zero)
            count = list(map(max, own, found[step.cause] if step.cause else zero))
            count[step.machine] += 1
            found[step.name] = tuple(count)
        return found

    def ordered(self) -> set[tuple[Name, Name]]:
        """Return all pairs of events of which the first happened before the second."""
        vectors = self.vectors()
        return {
            (a, b) for b, past in vectors.items() for a in vectors if a != b and past[a[0]] > a[1]
        }


@dataclass(frozen=True)
class Driven:
    """A clock on a history: timestamps by event, stamps by send and receiver."""

    timestamps: dict[Name, Any]
    stamps: dict[tuple[Name, int], Any]
    states: dict[Name, Any]


def drive(clock: Clock[Any], history: Steps) -> Driven:
    """Apply a clock's rules to a history."""
    states = [clock.initial(m, history.machines) for m in range(history.machines)]
    driven = Driven({}, {}, {})
    for step in history.steps:
        me = step.machine
        at = At(me, f"vm{me + 1}", step.index, step.physical_ns)
        if step.cause:
            stamp = driven.stamps[step.cause, me]
            states[me] = clock.receive(states[me], stamp, step.cause[0], at)
        else:
            states[me] = clock.advance(states[me], at)
        driven.timestamps[step.name] = clock.timestamp(states[me])
        for receiver in step.to:
            states[me], driven.stamps[step.name, receiver] = clock.stamp(states[me], receiver)
        driven.states[step.name] = states[me]
    return driven


def claimed(clock: Clock[Any], history: Steps) -> set[tuple[Name, Name]]:
    """Return all pairs of events of which, by this clock, the first happened before the second."""
    read = drive(clock, history).timestamps
    return {(a, b) for a in read for b in read if clock.precedes(read[a], read[b])}


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    fifo: bool = False,
    stepped: bool = False,
    max_machines: int = 8,
    max_steps: int = MAX_STEPS,
) -> Steps:
    """Draw a history; with `fifo`, channels keep order and neither lose nor duplicate; with
    `stepped`, physical clocks are."""
    machines = draw(st.integers(2, max_machines))
    offsets_ns = draw(
        st.lists(st.integers(-ERROR_NS, ERROR_NS), min_size=machines, max_size=machines)
    )
    # A seed is one draw, and a shorter history of the same seed is a prefix of a longer one.
    random = Random(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(0, max_steps))
    pending: dict[int, list[Name]] = defaultdict(list)
    counts, steps = [0] * machines, list[Step]()
    sending = draw(st.floats(0.1, 0.7))
    for number in range(length):
        me = random.randrange(machines)
        if stepped and random.random() < 0.1:
            offsets_ns[me] = random.randint(-ERROR_NS, ERROR_NS)
        now_ns = ERROR_NS + number * STEP_NS // 2 + offsets_ns[me]
        step = Step(me, counts[me], now_ns)
        if pending[me] and random.random() < 0.6:
            step = step._replace(cause=_taken(pending[me], random, fifo))
        elif random.random() < sending:
            peers = [m for m in range(machines) if m != me]
            to = random.sample(peers, random.choice([1, 1, 1, len(peers)]))
            step = step._replace(to=tuple(sorted(to)))
            for receiver in to:
                copies = 1 if fifo else random.choice([0, 1, 1, 1, 1, 2])
                pending[receiver] += [step.name] * copies
        counts[me] += 1
        steps.append(step)
    return Steps(machines, tuple(steps))


def _taken(pending: list[Name], random: Any, fifo: bool) -> Name:
    """Take a message from an inbox; with `fifo` the oldest of any sender."""
    place = random.randrange(len(pending))
    if fifo:
        place = next(n for n, (sender, _) in enumerate(pending) if sender == pending[place][0])
    return pending.pop(place)
