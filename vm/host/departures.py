"""From a machine to its streams: what latency and faults do to messages before they leave."""

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

#: When each copy of a message leaves.
Departures = list[tuple[int, Message]]


class DepartureQueue:
    """Loses, doubles and holds messages, and hands each to its stream when its time has come.

    What is due by one instant has been handed over, in the order in which it was due, before
    anything of a later instant is: so a machine that comes back, and does it all again from its
    log, gives every message the number that it had.
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
        #: Copies by when they leave, then by their event; of equal ones either may go first.
        self._held: list[tuple[int, int, int, Message]] = []
        self._serials = count()
        self._is_closed = False
        self._alarm = Alarm(asyncio.get_running_loop(), self._wake)

    @property
    def is_empty(self) -> bool:
        return not self._held

    def decide(self, event: Event, messages: Iterable[Message]) -> Departures:
        """When the messages of an event leave; what does not go as it should is noted in it."""
        departures: Departures = []
        for message in messages:
            times_ns = self._channels[message.receiver].carry(event.at_ns)
            note(event, message.receiver, len(times_ns))
            departures += [(leaves_ns, message) for leaves_ns in times_ns]
        return departures

    def hold(self, departures: Departures, now_ns: int) -> None:
        """Take messages whose event is logged, and let go what is due by now."""
        for leaves_ns, message in departures:
            heappush(self._held, (leaves_ns, message.index, next(self._serials), message))
        self._let_go(now_ns)

    def recover(self, name: str, events: Iterable[Event], now_ns: int) -> None:
        """Be where a machine was that has logged these events, its first ones."""
        departures: Departures = []
        for event in events:
            noted = event.lost, event.duplicated
            event.lost = event.duplicated = ()
            messages = [Message(name, peer, event.index, event.clock) for peer in event.to]
            departures += self.decide(event, messages)
            assert (event.lost, event.duplicated) == noted
        self.hold(departures, now_ns)

    def close(self) -> None:
        """Nothing leaves from now on."""
        self._is_closed = True
        self._alarm.close()

    def undelivered(self) -> Iterator[Undelivered]:
        """What has not left, and what has but was not taken."""
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
