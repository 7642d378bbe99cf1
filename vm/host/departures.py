"""Departures: latency and faults, applied to messages between a machine and its streams."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count

from vm.channel import Channel, note
from vm.host.alarm import Alarm
from vm.host.epoch import Epoch
from vm.host.wire.outgoing import Outgoing
from vm.latency import AS_IT_IS
from vm.records import Event, Message, Undelivered
from vm.spec import Spec

#: Copies of messages, each with its departure time.
Departures = list[tuple[int, Message]]


class DepartureQueue:
    """Loses, duplicates and holds messages, and passes each to its stream when it is due.

    All copies due by one instant are passed on, in the order of their departure times, before
    any copy of a later instant: so a restarted machine, which repeats this from its log, gives
    every message the same sequence number as before.
    """

    def __init__(
        self,
        spec: Spec,
        name: str,
        outgoing: Mapping[str, Outgoing],
        epoch: Epoch,
        changed: Callable[[], None],
        *,
        partitions: bool,
    ) -> None:
        self._outgoing = outgoing
        self._epoch = epoch
        self._changed = changed
        latency = spec.latency or AS_IT_IS
        self._channels = {
            peer: Channel(spec, name, peer, latency, partitions=partitions) for peer in outgoing
        }
        #: A heap by departure time, then send event; equal copies may leave in either order.
        self._held: list[tuple[int, int, int, Message]] = []
        self._serials = count()
        self._is_closed = False
        self._alarm = Alarm(asyncio.get_running_loop(), self._wake)

    @property
    def is_empty(self) -> bool:
        return not self._held

    def decide(self, event: Event, messages: Iterable[Message]) -> Departures:
        """Return when the messages of an event leave; note losses and duplicates in the event."""
        departures: Departures = []
        for message in messages:
            times_ns = self._channels[message.receiver].carry(event.at_ns)
            note(event, message.receiver, len(times_ns))
            departures += [(leaves_ns, message) for leaves_ns in times_ns]
        return departures

    def hold(self, departures: Departures, now_ns: int) -> None:
        """Hold the messages of logged events, and pass on those that are due by now."""
        for leaves_ns, message in departures:
            heappush(self._held, (leaves_ns, message.index, next(self._serials), message))
        self._let_go(now_ns)

    def recover(self, events: Iterable[tuple[Event, tuple[Message, ...]]], now_ns: int) -> None:
        """Restore the state after these events, the machine's log from the first on, with the
        messages that they sent."""
        departures: Departures = []
        for event, messages in events:
            noted = event.lost, event.duplicated
            event.lost = event.duplicated = ()
            departures += self.decide(event, messages)
            assert (event.lost, event.duplicated) == noted
        self.hold(departures, now_ns)

    def close(self) -> None:
        """Pass on no further messages."""
        self._is_closed = True
        self._alarm.close()

    def undelivered(self) -> Iterator[Undelivered]:
        """Yield the messages that left but did not arrive, then those that did not leave."""
        for peer, outgoing in self._outgoing.items():
            for message in outgoing.end.undelivered():
                yield Undelivered(peer, message.index)
        for _, index, _, message in sorted(self._held):
            yield Undelivered(message.receiver, index)

    def _wake(self) -> None:
        if not self._is_closed:
            self._let_go(self._epoch.now_ns)
            self._changed()

    def _let_go(self, now_ns: int) -> None:
        while self._held and self._held[0][0] <= now_ns:
            message = heappop(self._held)[-1]
            self._outgoing[message.receiver].send(message)
        if self._held:
            self._alarm.set(self._epoch.monotonic_ns(self._held[0][0]))
