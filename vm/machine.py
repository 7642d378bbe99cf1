"""The virtual machine: Lamport's process, written once for every backend.

It knows no time, no network and no file. `deliver` only queues; `tick` takes one step and
returns its event together with the messages that are to be sent. What sending means, and
when a message arrives, is the backend's business.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random

from vm.clocks import CLOCKS
from vm.records import Arrival, Event, Kind, Message, Timestamp
from vm.workloads import Workload


class Machine:
    """One machine of a run, between its ticks."""

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
        self._me = machines.index(name)
        self._peers = tuple(m for m in machines if m != name)
        self._workload = workload
        self._random = random

    def recover(self, events: Iterable[Event]) -> None:
        """Put a fresh machine where these events, its own log from the first on, left it.

        The inbox stays empty: what waited in it is lost with the machine that had it.
        """
        assert self.events == 0
        for event in events:
            assert event.index == self.events
            if event.kind != "receive":
                assert self._workload.receivers(self._peers, self._random) == event.to
            self.clock = event.clock
            self.events += 1

    def deliver(self, message: Message, arrived_ns: int) -> None:
        """Put a message into the inbox; arrivals are delivered in their order."""
        assert message.receiver == self.name
        self.inbox.append(Arrival(message, arrived_ns))

    def tick(self, tick: int, due_ns: int, at_ns: int) -> tuple[Event, tuple[Message, ...]]:
        """Take one step: receive the oldest arrival, or else do what the workload says."""
        if self.inbox:
            return self._receive(tick, due_ns, at_ns), ()
        to = self._workload.receivers(self._peers, self._random)
        self.clock = {c: CLOCKS[c].advance(own, self._me) for c, own in self.clock.items()}
        index = self._next_index()
        kind: Kind = "send" if to else "internal"
        event = Event(kind, index, tick, due_ns, at_ns, queue=0, clock=self.clock, to=to)
        return event, tuple(Message(self.name, peer, index, self.clock) for peer in to)

    def _receive(self, tick: int, due_ns: int, at_ns: int) -> Event:
        message, arrived_ns = self.inbox.popleft()
        self.clock = {
            c: CLOCKS[c].receive(own, message.stamps[c], self._me) for c, own in self.clock.items()
        }
        return Event(
            kind="receive",
            index=self._next_index(),
            tick=tick,
            due_ns=due_ns,
            at_ns=at_ns,
            queue=len(self.inbox),
            clock=self.clock,
            sender=message.sender,
            cause=message.index,
            arrived_ns=arrived_ns,
        )

    def _next_index(self) -> int:
        self.events += 1
        return self.events - 1
