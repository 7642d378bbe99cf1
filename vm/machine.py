"""The virtual machine: Lamport's process, written once for every backend.

It uses no time, network or files. `deliver` only queues a message; `tick` takes one step and
returns its event with the messages to send. The backend sends them and decides when they
arrive.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random

from vm.clocks import CLOCKS
from vm.records import Arrival, Event, Message, Timestamp, Unread
from vm.spec import Spec, generator
from vm.workloads import Workload


def fresh_machine(spec: Spec, name: str) -> "Machine":
    """Return the machine of a run before its first tick."""
    draws = generator(spec.seed, name, "workload")
    return Machine(name, spec.machines, spec.clocks, spec.workload, draws)


class Machine:
    """The state of one machine between its ticks."""

    def __init__(
        self,
        name: str,
        machines: Sequence[str],
        clocks: Sequence[str],
        workload: Workload,
        random: Random,
    ) -> None:
        self.name = name
        self.clock: dict[str, Timestamp] = {c: CLOCKS[c].initial(len(machines)) for c in clocks}
        self.inbox: deque[Arrival] = deque()
        self.events = 0
        self._rules = tuple((c, CLOCKS[c]) for c in clocks)
        self._me = machines.index(name)
        self._peers = tuple(m for m in machines if m != name)
        self._workload = workload
        self._random = random

    def recover(self, events: Iterable[Event]) -> None:
        """Restore a fresh machine to its state after these events, its log from the first on.

        The inbox stays empty: a killed machine loses the messages in it.
        """
        assert self.events == 0
        for event in events:
            assert event.index == self.events
            if event.kind != "receive":
                assert self._workload.receivers(self._peers, self._random) == event.to
            self.clock = event.clock
            self.events += 1

    def deliver(self, message: Message, arrived_ns: int) -> None:
        """Put a message into the inbox; call it in the order of arrival."""
        assert message.receiver == self.name
        self.inbox.append(Arrival(message, arrived_ns))

    def unread(self) -> tuple[Unread, ...]:
        """Return the inbox as a stop record lists it."""
        return tuple(Unread(m.sender, m.index, arrived_ns) for m, arrived_ns in self.inbox)

    def tick(self, tick: int, due_ns: int, at_ns: int) -> tuple[Event, tuple[Message, ...]]:
        """Take one step: receive the oldest message, or draw from the workload if there is none."""
        if self.inbox:
            return self._receive(tick, due_ns, at_ns), ()
        to = self._workload.receivers(self._peers, self._random)
        me, own = self._me, self.clock
        self.clock = clock = {}
        for name, rule in self._rules:
            clock[name] = rule.advance(own[name], me)
        index = self.events
        self.events += 1
        if not to:
            return Event("internal", index, tick, due_ns, at_ns, 0, clock), ()
        event = Event("send", index, tick, due_ns, at_ns, 0, clock, to)
        return event, tuple([Message(self.name, peer, index, clock) for peer in to])

    def _receive(self, tick: int, due_ns: int, at_ns: int) -> Event:
        message, arrived_ns = self.inbox.popleft()
        me, own, stamps = self._me, self.clock, message.stamps
        self.clock = clock = {}
        for name, rule in self._rules:
            clock[name] = rule.receive(own[name], stamps[name], me)
        index, queue = self.events, len(self.inbox)
        self.events += 1
        sender, cause = message.sender, message.index
        return Event(
            "receive", index, tick, due_ns, at_ns, queue, clock, (), sender, cause, arrived_ns
        )
