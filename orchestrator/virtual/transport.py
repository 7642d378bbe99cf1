"""The network of a simulation: what becomes of messages between a send and an inbox."""

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

#: What happens at one instant happens in this order: a tick finds what arrives with it.
RETURN, KILL, ARRIVAL, TICK = range(4)

Entry = tuple[int, int, int, Any]


class Agenda:
    """What is going to happen: a heap of (time, priority, serial, item)."""

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self._serials = count()

    def add(self, time_ns: int, priority: int, item: Any) -> None:
        heappush(self.heap, (time_ns, priority, next(self._serials), item))

    def arrivals(self) -> list[Entry]:
        """The entries of messages under way, in the order of their arrival."""
        return sorted(entry for entry in self.heap if entry[1] == ARRIVAL)

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget what is not among the entries."""
        # The same list: the simulation holds a reference to it.
        self.heap[:] = entries
        heapify(self.heap)

    def take(self, entries: Sequence[Entry]) -> list[Any]:
        """Forget these entries; returns their items."""
        serials = {serial for _, _, serial, _ in entries}
        self.keep([entry for entry in self.heap if entry[2] not in serials])
        return [item for _, _, _, item in entries]


class Channels(dict[tuple[str, str], Channel]):
    """The channels of a run, made when they are first asked for: many machines have very many."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        self._latency = in_virtual_time(spec.latency)

    def __missing__(self, ends: tuple[str, str]) -> Channel:
        self[ends] = channel = Channel(self._spec, *ends, self._latency)
        return channel


class Transport:
    """Between machines that all stay up. Items of arrivals are messages."""

    def __init__(self, spec: Spec, machines: Mapping[str, Machine], agenda: Agenda) -> None:
        self._channels = Channels(spec)
        self._machines = machines
        self._agenda = agenda

    def send(self, event: Event, messages: tuple[Message, ...]) -> None:
        """Put the messages of an event under way; what faults do to them is noted in it."""
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
    """A copy of a message: until when faults hold it at its sender, and when it arrives."""

    message: Message
    leaves_ns: int
    arrives_ns: int


class ResendingTransport:
    """Between machines of which some are killed. Items of arrivals are flights.

    A sender keeps a message until its receive is in the receiver's log. What a kill takes, be it
    from an inbox, from the hands of its sender, or because nobody is there when it arrives, is
    held until both ends are up, and then sent again; on channels that keep order, in order.
    `machines` are those that are up.
    """

    def __init__(self, spec: Spec, machines: Mapping[str, Machine], agenda: Agenda) -> None:
        self._channels = Channels(spec)
        self._is_fifo = spec.fifo
        self._machines = machines
        self._agenda = agenda
        self._held: dict[tuple[str, str], list[Flight]] = defaultdict(list)

    def send(self, event: Event, messages: tuple[Message, ...]) -> None:
        """Put the messages of an event under way; what faults do to them is noted in it."""
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
        """Take from the machine its inbox and the messages that it had not let go yet."""
        for message, arrived_ns in machine.inbox:
            self._held[message.sender, machine.name].append(Flight(message, at_ns, arrived_ns))
        name = machine.name
        arrivals = self._agenda.arrivals()
        kept = [a for a in arrivals if a[3].message.sender == name and a[3].leaves_ns > at_ns]
        for flight in self._agenda.take(kept):
            self._held[name, flight.message.receiver].append(flight)

    def restore(self, name: str, at_ns: int) -> None:
        """The machine is up again: send what is held on its channels with others that are up."""
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
        """What is still on its way on a channel, taken off the agenda."""
        arrivals = self._agenda.arrivals()
        return self._agenda.take(
            [a for a in arrivals if (a[3].message.sender, a[3].message.receiver) == ends]
        )


def _in_order(flights: Iterable[Flight]) -> Iterator[Flight]:
    """The flights of a channel with times at which none overtakes another."""
    leaves_ns = arrives_ns = 0
    for flight in sorted(flights, key=lambda flight: flight.message.index):
        leaves_ns = max(leaves_ns, flight.leaves_ns)
        arrives_ns = max(arrives_ns, flight.arrives_ns)
        yield Flight(flight.message, leaves_ns, arrives_ns)
