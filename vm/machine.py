"""The virtual machine: Lamport's process, written once for every backend.

It uses no time, network or files. `deliver` only queues a message; `tick` takes one step and
returns its event with the messages to send. The backend sends them and decides when they
arrive.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from vm.clocks.clock import At, Bounds
from vm.clocks.physical.readings import Reading
from vm.clocks.states import states_of
from vm.fields import MAX_DURATION_S
from vm.records import UNKNOWN, Arrival, Event, Kind, Message, Unread
from vm.spec import MAX_TICK_RATE_HZ, Spec, generator
from vm.workloads import Workload

#: No machine has more events.
MAX_EVENTS = MAX_TICK_RATE_HZ * MAX_DURATION_S


def fresh_machine(spec: Spec, name: str) -> "Machine":
    """Return the machine of a run before its first tick."""
    draws = generator(spec.seed, name, "workload")
    physical = spec.physical_clock(name) if spec.reads_physical else None
    return Machine(name, spec.machines, spec.clocks, spec.workload, draws, physical)


class Machine:
    """The state of one machine between its ticks.

    `physical` reads its physical clock, if one of its clocks does.
    """

    def __init__(
        self,
        name: str,
        machines: Sequence[str],
        clocks: Sequence[str],
        workload: Workload,
        random: Random,
        physical: Reading | None = None,
    ) -> None:
        self.name = name
        self.inbox: deque[Arrival] = deque()
        self.events = 0
        self.place_of = {machine: place for place, machine in enumerate(machines)}
        me = machines.index(name)
        self.clocks = states_of(clocks, me, len(machines))
        self._max_events = (MAX_EVENTS,) * len(machines)
        self._at = At(me, name, physical_ns=UNKNOWN)
        self._peers = tuple(m for m in machines if m != name)
        self._workload = workload
        self._random = random
        self._physical = physical

    def recover(self, events: Iterable[Event]) -> list[tuple[Event, tuple[Message, ...]]]:
        """Restore a fresh machine to its state after these events, its log from the first on.

        Return the events with the messages that they sent. The inbox stays empty: a killed machine
        loses the messages in it. ValueError if a logged stamp is invalid.
        """
        assert self.events == 0
        recovered = list[tuple[Event, tuple[Message, ...]]]()
        for event in events:
            assert event.index == self.events
            if event.kind != "receive":
                assert self._workload.receivers(self._peers, self._random) == event.to
            physical_ns = self._physical(event.at_ns) if self._physical else UNKNOWN
            assert physical_ns == event.physical_ns
            recovered.append((event, self.repeat(event)))
        return recovered

    def repeat(self, event: Event) -> tuple[Message, ...]:
        """Restore the clocks to their states after a logged event; return its messages.

        ValueError if a logged stamp cannot be."""
        at, clocks = self._at, self.clocks
        at.index, at.physical_ns = event.index, event.physical_ns
        self.events = event.index + 1
        if event.kind == "receive":
            sender = self.place_of[event.sender]
            clocks.restore_receive(event.clock, self.read_logged(event), sender, at)
            return ()
        clocks.restore_advance(event.clock, at)
        return self._messages(event)

    def read_logged(self, event: Event) -> dict[str, Any]:
        """Return the stamps that a logged receive holds; ValueError if one cannot be."""
        bounds = Bounds(self.place_of[event.sender], self._at.me, self._max_events)
        try:
            return self.clocks.read_logged(event.stamps, bounds)
        except ValueError as error:
            raise ValueError(f"event {event.index}: {error}") from None

    def deliver(self, message: Message, arrived_ns: int) -> None:
        """Put a message into the inbox; call it in the order of arrival."""
        assert message.receiver == self.name
        self.inbox.append(Arrival(message, arrived_ns))

    def unread(self) -> tuple[Unread, ...]:
        """Return the inbox as a stop record lists it."""
        return tuple(Unread(m.sender, m.index, arrived_ns) for m, arrived_ns in self.inbox)

    def tick(self, tick: int, due_ns: int, at_ns: int) -> tuple[Event, tuple[Message, ...]]:
        """Take one step: receive the oldest message, or draw from the workload if there is none."""
        at, physical = self._at, self._physical
        at.index = index = self.events
        self.events = index + 1
        if physical:
            at.physical_ns = physical(at_ns)
        if self.inbox:
            return self._receive(tick, due_ns, at_ns), ()
        to = self._workload.receivers(self._peers, self._random)
        clock = self.clocks.advance(at)
        kind: Kind = "send" if to else "internal"
        event = Event(kind, index, tick, due_ns, at_ns, 0, clock, to)
        if physical:
            event.physical_ns = at.physical_ns
        return event, self._messages(event) if to else ()

    def _receive(self, tick: int, due_ns: int, at_ns: int) -> Event:
        message, arrived_ns = self.inbox.popleft()
        sender, at = message.sender, self._at
        # A log that is replayed can name a sender that the run does not have.
        clock = self.clocks.receive(message.stamps, self.place_of.get(sender, -1), at)
        event = Event(
            "receive",
            at.index,
            tick,
            due_ns,
            at_ns,
            len(self.inbox),
            clock,
            (),
            sender,
            message.index,
            arrived_ns,
        )
        event.stamps = self.clocks.logged(message.stamps)
        if self._physical:
            event.physical_ns = at.physical_ns
        return event

    def _messages(self, event: Event) -> tuple[Message, ...]:
        name, index, place_of, stamps = self.name, event.index, self.place_of, self.clocks.stamps
        return tuple([Message(name, peer, index, stamps(place_of[peer])) for peer in event.to])
