"""Large histories with loss, duplication, disorder and deaths.

One generator makes all choices, so a few numbers define a history.
"""

from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from histories import Name, World
from vm.channel import note
from vm.clocks import clock_of
from vm.fields import MAX_DURATION_S
from vm.records import Event
from vm.spec import Spec
from vm.workloads import WORKLOADS


def unruly(
    seed: int,
    machines: int = 3,
    acts: int = 100,
    *,
    loss: float = 0,
    duplication: float = 0,
    fifo: bool = True,
    deaths: int = 0,
    clocks: Sequence[str] = ("lamport", "vector"),
) -> World:
    """A history of `acts` ticks and arrivals; `loss` and `duplication` are probabilities."""
    random = Random(seed)
    names = tuple(f"vm{n}" for n in range(1, machines + 1))
    spec = Spec.parse(
        {
            "machines": list(names),
            "workload": random.choice(list(WORKLOADS)),
            "clocks": list(clocks),
            "seed": seed,
            "duration_s": MAX_DURATION_S,
            "fifo": fifo,
            "faults": [
                {"kind": kind, "probability": probability}
                for kind, probability in (("loss", loss), ("duplication", duplication))
                if probability
            ],
        }
    )
    world = World(spec)
    for act in range(acts):
        if act == acts // 2:
            world.killed.update(names[:deaths])
        if random.random() < 0.5:
            _tick(world, random.choice(names))
        elif channels := [channel for channel, waiting in world.in_flight.items() if waiting]:
            sender, receiver = random.choice(channels)
            if not fifo:
                world.in_flight[sender, receiver].rotate(-random.randrange(acts))
            world.deliver(sender, receiver)
    return world


def _tick(world: World, name: str) -> None:
    """Take a step; the faults of the spec strike what it sends."""
    before = len(world.events[name])
    world.tick(name)
    for event in world.events[name][before:]:
        for receiver in event.to:
            waiting = world.in_flight[name, receiver]
            copies = len(world.channel(name, receiver).carry(event.at_ns))
            note(event, receiver, copies)
            waiting.extend([waiting.pop()] * copies)


def unruly_with(clock: str) -> st.SearchStrategy[World]:
    """Draw any such history that the clock bears, of up to 300 events."""
    is_tame = clock_of(clock).needs_fifo
    return st.builds(
        unruly,
        seed=st.integers(0, 2**32),
        machines=st.integers(2, 8),
        acts=st.sampled_from([0, 1, 5, 20, 60, 200, 600]),
        loss=st.sampled_from([0] if is_tame else [0, 0, 0.3]),
        duplication=st.sampled_from([0, 0, 0.3]),
        fifo=st.just(True) if is_tame else st.booleans(),
        clocks=st.just(tuple(dict.fromkeys((clock, "lamport", "vector")))),
    )


unruly_worlds = unruly_with("lamport")


def events_of(world: World) -> list[tuple[Name, Event]]:
    """Return all events of a history with their names, machine by machine."""
    return [((m, e.index), e) for m, events in world.events.items() for e in events]


def closure(world: World) -> NDArray[np.bool_]:
    """Return happened-before over `events_of`, as a transitive closure by brute force."""
    number = {name: n for n, (name, _) in enumerate(events_of(world))}
    before = np.zeros((len(number), len(number)), bool)
    for (machine, index), event in events_of(world):
        if index:
            before[number[machine, index - 1], number[machine, index]] = True
        if event.kind == "receive":
            before[number[event.sender, event.cause], number[machine, index]] = True
    for middle in range(len(number)):
        before |= np.outer(before[:, middle], before[middle])
    return before
