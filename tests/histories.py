"""Histories for tests: machines driven by hand, in an order that Hypothesis chooses."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st

from specs import clock_lists
from vm.channel import Channel
from vm.faults import Crash
from vm.latency import AS_IT_IS
from vm.log import encode
from vm.machine import fresh_machine
from vm.records import Event, Message, Record, Start, Stop, Timestamp, Undelivered
from vm.schedule import SECOND_NS
from vm.spec import Spec
from vm.workloads import WORKLOADS, Workload

STEP_NS = 1_000_000
#: So that a tick is due in every step: due on its schedule, and never late.
TICK_RATE_HZ = SECOND_NS // STEP_NS
MAX_ACTS = 80
Name = tuple[str, int]
#: The clocks of every world; others ride beside them.
ALWAYS = ("lamport", "vector")


@dataclass
class World:
    """Machines and their channels; nothing happens without a call.

    A machine in `killed` no longer ticks or receives, and its log has no end.
    """

    spec: Spec
    now_ns: int = 0
    events: dict[str, list[Event]] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    in_flight: dict[tuple[str, str], deque[Message]] = field(
        default_factory=lambda: defaultdict(deque)
    )

    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rates = dict.fromkeys(self.spec.machines, TICK_RATE_HZ)
        self.spec = spec = replace(self.spec, tick_rates_hz=rates)
        self.events = {machine: [] for machine in spec.machines}
        self.machines = {name: fresh_machine(spec, name) for name in spec.machines}

    def channel(self, sender: str, receiver: str) -> Channel:
        ends = sender, receiver
        return self.channels.setdefault(ends, Channel(self.spec, *ends, AS_IT_IS))

    def tick(self, name: str) -> None:
        if name in self.killed:
            return
        self.now_ns += STEP_NS
        schedule = self.spec.schedule(name)
        tick = schedule.ticks_before(self.now_ns + 1) - 1
        event, messages = self.machines[name].tick(tick, schedule.due_ns(tick), self.now_ns)
        self.events[name].append(event)
        for message in messages:
            self.in_flight[name, message.receiver].append(message)

    def deliver(self, sender: str, receiver: str) -> None:
        """Let the oldest message of a channel arrive, if there is one and the receiver is alive."""
        if self.in_flight[sender, receiver] and receiver not in self.killed:
            self.now_ns += STEP_NS
            message = self.in_flight[sender, receiver].popleft()
            self.machines[receiver].deliver(message, self.now_ns)

    def log(self, name: str) -> list[Record]:
        last_ns = {machine: [e.at_ns for e in self.events[machine]][-1:] for machine in self.killed}
        crashes = tuple(Crash(sum(last_ns[m], start=1), m) for m in sorted(self.killed))
        spec = replace(self.spec, faults=(*self.spec.faults, *crashes))
        start = Start(name, "generated", 1_700_000_000 * 10**9, spec.resolved())
        return [start, *self.events[name], *([] if name in self.killed else [self._stop(name)])]

    def _stop(self, name: str) -> Stop:
        left = (
            Undelivered(receiver, message.index)
            for (sender, receiver), messages in self.in_flight.items()
            if sender == name
            for message in messages
        )
        events = self.events[name]
        missed = events[-1].tick + 1 - len(events) if events else 0
        return Stop("terminated", len(events), missed, 0, self.machines[name].unread(), tuple(left))

    def write(self, directory: Path) -> Path:
        """Write the logs of all machines as a run directory."""
        for name in self.spec.machines:
            write_log(directory / f"{name}.jsonl", self.log(name))
        return directory


def write_log(path: Path, records: Iterable[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{encode(record)}\n" for record in records))


@st.composite
def worlds(draw: st.DrawFn, *, kills: bool = False, max_machines: int = 5) -> World:
    """Worlds after any order of ticks and arrivals, with any clocks."""
    machines = tuple(f"vm{n}" for n in range(1, draw(st.integers(1, max_machines)) + 1))
    weights = st.builds(Workload, one=st.integers(0, 3), all=st.integers(0, 3), internal=st.just(1))
    spec = Spec(
        machines=machines,
        workload=draw(st.sampled_from(list(WORKLOADS.values())) | weights),
        clocks=tuple(draw(clock_lists(fifo=True, is_lossy=False, is_long=True, always=ALWAYS))),
        seed=draw(st.integers(0, 2**32)),
    )
    world = World(spec)
    # By default Hypothesis draws short lists, and few histories with a receive.
    length = draw(st.integers(0, MAX_ACTS))
    acts = st.tuples(st.sampled_from(["tick", "deliver"]), st.integers(0, 999))
    for act, which in draw(st.lists(acts, min_size=length, max_size=length)):
        machine = machines[which % len(machines)]
        if act == "tick":
            world.tick(machine)
        elif channels := [channel for channel, left in world.in_flight.items() if left]:
            world.deliver(*channels[which % len(channels)])
        if kills and draw(st.integers(0, MAX_ACTS)) == 0:
            world.killed.add(machine)
    return world


def happened_before(world: World) -> set[tuple[Name, Name]]:
    """Return all causally ordered pairs, from program order and messages alone."""
    past: dict[Name, set[Name]] = {}
    left = {machine: deque(events) for machine, events in world.events.items()}
    while any(left.values()):
        for machine, events in left.items():
            while events and all(cause in past for cause in _causes(machine, events[0])):
                event = events.popleft()
                causes = _causes(machine, event)
                past[machine, event.index] = causes.union(*(past[cause] for cause in causes))
    return {(before, event) for event, befores in past.items() for before in befores}


def _causes(machine: str, event: Event) -> set[Name]:
    own = {(machine, event.index - 1)} if event.index else set()
    return own | ({(event.sender, event.cause)} if event.kind == "receive" else set())


def readings(world: World, clock: str) -> dict[Name, Timestamp]:
    """Return the timestamp of every event by one clock."""
    return {
        (machine, event.index): event.clock[clock]
        for machine, events in world.events.items()
        for event in events
    }
