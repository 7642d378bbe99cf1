"""The network of a simulation: the way of messages from a send to an inbox."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappush
from itertools import count
from typing import Any, NamedTuple

from vm.channel import Channel, Copy, note
from vm.latency import in_virtual_time
from vm.machine import Machine
from vm.records import Event, Message
from vm.spec import Spec

#: The order of steps at one instant: a tick can receive a message that arrives at that instant.
RETURN, KILL, ARRIVAL, TICK = range(4)

Entry = tuple[int, int, int, Any]


class Agenda:
    """The future steps: a heap of (time, priority, serial, item)."""

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self._serials = count()

    def add(self, time_ns: int, priority: int, item: Any) -> None:
        heappush(self.heap, (time_ns, priority, next(self._serials), item))

    def arrivals(self) -> list[Entry]:
        """Return the entries of messages on their way, in the order of arrival."""
        return sorted(entry for entry in self.heap if entry[1] == ARRIVAL)

    def keep(self, entries: Iterable[Entry]) -> None:
        """Remove all other entries."""
        # The same list: the simulation holds a reference to it.
        self.heap[:] = entries
        heapify(self.heap)

    def take(self, entries: Sequence[Entry]) -> list[Any]:
        """Remove these entries, and return their items."""
        serials = {serial for _, _, serial, _ in entries}
        self.keep([entry for entry in self.heap if entry[2] not in serials])
        return [item for _, _, _, item in entries]


class Channels(dict[tuple[str, str], Channel]):
    """The channels of a run, created on first access: many machines have very many channels."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        self._latency = in_virtual_time(spec.latency)

    def __missing__(self, ends: tuple[str, str]) -> Channel:
        self[ends] = channel = Channel(self._spec, *ends, self._latency)
        return channel


class Transport:
    """The network of machines that all stay up. Items of arrivals are messages."""

    def __init__(self, spec: Spec, machines: Mapping[str, Machine], agenda: Agenda) -> None:
        self._channels = Channels(spec)
        self._machines = machines
        self._agenda = agenda

    def send(self, event: Event, messages: tuple[Message, ...]) -> None:
        """Send the messages of an event; note the effects of faults in the event."""
        add = self._agenda.add
        for message in messages:
            arrivals_ns = self._channels[message.sender, message.receiver].carry(event.at_ns)
            if len(arrivals_ns) != 1:
                note(event, message.receiver, len(arrivals_ns))
            for arrives_ns in arrivals_ns:
                add(arrives_ns, ARRIVAL, message)

    def arrive(self, message: Message, at_ns: int) -> None:
        self._machines[message.receiver].deliver(message, at_ns)

    def underway(self) -> Iterator[Message]:
        """The messages that are in no inbox."""
        return (message for _, _, _, message in self._agenda.arrivals())


class Flight(NamedTuple):
    """A copy of a message, which faults hold at its sender until `leaves_ns`."""

    message: Message
    leaves_ns: int
    arrives_ns: int


class ResendingTransport:
    """The network of machines of which some are killed. Items of arrivals are flights.

    A sender keeps a message until its receive is in the receiver's log. A kill takes the messages
    in the machine's inbox, those that have not left the machine, and those that arrive while it is
    down. They are held until both ends are up, and then sent again; on channels that keep order,
    in order. `machines` holds the machines that are up.
    """

    def __init__(self, spec: Spec, machines: Mapping[str, Machine], agenda: Agenda) -> None:
        self._channels = Channels(spec)
        self._is_fifo = spec.fifo
        self._machines = machines
        self._agenda = agenda
        self._held: dict[tuple[str, str], list[Flight]] = defaultdict(list)

    def send(self, event: Event, messages: tuple[Message, ...]) -> None:
        """Send the messages of an event; note the effects of faults in the event."""
        for message in messages:
            copies = self._channels[message.sender, message.receiver].copies(event.at_ns)
            note(event, message.receiver, len(copies))
            for copy in copies:
                self._agenda.add(copy.arrives_ns, ARRIVAL, Flight(message, *copy))

    def arrive(self, flight: Flight, at_ns: int) -> None:
        message = flight.message
        held = self._held[message.sender, message.receiver]
        overtakes = self._is_fifo and any(h.message.index < message.index for h in held)
        if message.receiver in self._machines and not overtakes:
            self._machines[message.receiver].deliver(message, at_ns)
        else:
            held.append(flight)

    def kill(self, machine: Machine, at_ns: int) -> None:
        """Hold the messages in the machine's inbox, and those that had not left the machine."""
        for message, arrived_ns in machine.inbox:
            self._held[message.sender, machine.name].append(Flight(message, at_ns, arrived_ns))
        name = machine.name
        arrivals = self._agenda.arrivals()
        kept = [a for a in arrivals if a[3].message.sender == name and a[3].leaves_ns > at_ns]
        for flight in self._agenda.take(kept):
            self._held[name, flight.message.receiver].append(flight)

    def restore(self, name: str, at_ns: int) -> None:
        """Send the messages held on channels of a restarted machine if the other end is up."""
        for ends in list(self._held):
            if name in ends and all(end in self._machines for end in ends):
                self._resend(ends, at_ns)

    def underway(self) -> Iterator[Message]:
        """The messages that are in no inbox."""
        for held in self._held.values():
            yield from (flight.message for flight in held)
        yield from (flight.message for _, _, _, flight in self._agenda.arrivals())

    def _resend(self, ends: tuple[str, str], at_ns: int) -> None:
        channel = self._channels[ends]
        flights = [
            Flight(held.message, *channel.again(max(at_ns, held.leaves_ns)))
            for held in self._held.pop(ends)
        ]
        if self._is_fifo:
            flights = list(_in_order(flights + self._recalled(ends)))
            for _, leaves_ns, arrives_ns in flights:
                channel.follow(Copy(leaves_ns, arrives_ns))
        for flight in flights:
            self._agenda.add(flight.arrives_ns, ARRIVAL, flight)

    def _recalled(self, ends: tuple[str, str]) -> list[Flight]:
        """Remove the messages on their way on a channel from the agenda, and return them."""
        arrivals = self._agenda.arrivals()
        return self._agenda.take(
            [a for a in arrivals if (a[3].message.sender, a[3].message.receiver) == ends]
        )


def _in_order(flights: Iterable[Flight]) -> Iterator[Flight]:
    """Yield the flights of a channel in order, delayed so that none overtakes another."""
    leaves_ns = arrives_ns = 0
    for flight in sorted(flights, key=lambda flight: flight.message.index):
        leaves_ns = max(leaves_ns, flight.leaves_ns)
        arrives_ns = max(arrives_ns, flight.arrives_ns)
        yield Flight(flight.message, leaves_ns, arrives_ns)
