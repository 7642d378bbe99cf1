"""The simulation: a run in virtual time, from its spec to its history, without IO.

An agenda, a heap of (time, priority, serial, item), holds the future steps, and one thread executes
them in that order. The order at one instant is: restarts of machines, kills, arrivals of messages,
ticks. So a tick can receive a message that arrives at the same instant. No message arrives at the
instant at which it was sent (`vm.latency`), so the ticks of one instant are independent, and their
order does not matter.

A pause is a gap in a machine's ticks. After a kill, the network sends the lost messages again; runs
without kills have a simpler network, which does not store messages.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop, heapreplace
from itertools import chain

from orchestrator.virtual.transport import (
    ARRIVAL,
    KILL,
    RETURN,
    TICK,
    Agenda,
    ResendingTransport,
    Transport,
)
from vm.channel import DRAIN_NS, last_departure_ns
from vm.faults import Crash, Restart
from vm.machine import Machine, fresh_machine
from vm.records import Event, Message, Reason, Record, Recovery, Start, Stop, Undelivered
from vm.spec import Spec

#: A run's records by machine, in the order of its log.
RunRecords = dict[str, list[Record]]


def simulate(spec: Spec, run: str) -> RunRecords:
    """Return the history of a run from its epoch to its end."""
    simulation = Simulation(spec, run)
    simulation.advance(spec.duration_ns)
    return simulation.end("finished")


class SimulatedMachine:
    """One machine in virtual time: its ticks and its log."""

    def __init__(self, spec: Spec, name: str, run: str) -> None:
        self.machine = fresh_machine(spec, name)
        self.schedule = spec.schedule(name)
        self.records: list[Record] = [Start(name, run, 0, spec)]
        self.ticks = self.schedule.dues_ns(chain.from_iterable(spec.planned_ticks(name)))

    def recover(self, spec: Spec, at_ns: int) -> Machine:
        """Replace the machine by a new one that continues where the log ends; return it."""
        name = self.machine.name
        self.machine = fresh_machine(spec, name)
        self.machine.recover(record for record in self.records if isinstance(record, Event))
        self.records.append(Recovery(at_ns, self.machine.events))
        return self.machine


class Simulation:
    """One run. Call `advance` up to the wanted instant, then `end` once."""

    def __init__(self, spec: Spec, run: str) -> None:
        self._spec = spec = spec.resolved()
        self._now_ns = 0
        self._agenda = Agenda()
        self._hosts = {name: SimulatedMachine(spec, name, run) for name in spec.machines}
        #: The machines that are up.
        self._machines = {name: host.machine for name, host in self._hosts.items()}
        kills = [fault for fault in spec.faults if isinstance(fault, Crash | Restart)]
        self._transport = (ResendingTransport if kills else Transport)(
            spec, self._machines, self._agenda
        )
        for fault in kills:
            self._agenda.add(fault.at_ns, KILL, fault.machine)
            if isinstance(fault, Restart):
                self._agenda.add(fault.until_ns, RETURN, fault.machine)
        for host in self._hosts.values():
            if first := next(host.ticks, None):
                tick, due_ns = first
                self._agenda.add(due_ns, TICK, (host, tick))

    def advance(self, until_ns: int) -> None:
        """Execute all steps before `until_ns`."""
        with _uncollected():
            self._advance(until_ns)
        self._now_ns = until_ns

    def _advance(self, until_ns: int) -> None:
        heap, send, arrive = self._agenda.heap, self._transport.send, self._transport.arrive
        while heap and (entry := heap[0])[0] < until_ns:
            at_ns, priority, serial, item = entry
            if priority == TICK:
                host, tick = item
                event, messages = host.machine.tick(tick, at_ns, at_ns)
                if messages:
                    send(event, messages)
                host.records.append(event)
                # Sent messages arrive later, so this tick is still the first entry.
                if following := next(host.ticks, None):
                    tick, due_ns = following
                    heapreplace(heap, (due_ns, TICK, serial, (host, tick)))
                else:
                    heappop(heap)
            elif priority == ARRIVAL:
                heappop(heap)
                arrive(item, at_ns)
            else:
                heappop(heap)
                (self._kill if priority == KILL else self._return)(item, at_ns)

    def end(self, reason: Reason) -> RunRecords:
        """End the ticks, deliver late messages, and close the logs of the machines that are up."""
        ended_ns = min(self._now_ns, self._spec.duration_ns)
        left_ns = last_departure_ns(self._spec) if reason == "finished" else ended_ns
        self._agenda.keep(self._agenda.arrivals())
        self.advance(left_ns + DRAIN_NS)
        undelivered = sorted(self._transport.underway(), key=self._receiver_order)
        for name in self._machines:
            left = [message for message in undelivered if message.sender == name]
            self._hosts[name].records.append(self._stop(name, reason, ended_ns, left))
        return {name: host.records for name, host in self._hosts.items()}

    def _stop(self, name: str, reason: Reason, ended_ns: int, left: Sequence[Message]) -> Stop:
        machine = self._machines[name]
        return Stop(
            reason=reason,
            events=machine.events,
            ticks_missed=self._hosts[name].schedule.ticks_before(ended_ns) - machine.events,
            rejected=0,
            inbox=machine.unread(),
            undelivered=tuple(Undelivered(message.receiver, message.index) for message in left),
        )

    def _receiver_order(self, message: Message) -> tuple[int, int]:
        return self._spec.machines.index(message.receiver), message.index

    def _kill(self, name: str, at_ns: int) -> None:
        assert isinstance(self._transport, ResendingTransport)
        self._transport.kill(self._machines.pop(name), at_ns)

    def _return(self, name: str, at_ns: int) -> None:
        assert isinstance(self._transport, ResendingTransport)
        self._machines[name] = self._hosts[name].recover(self._spec, at_ns)
        self._transport.restore(name, at_ns)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Disable the garbage collector: records hold no cycles, and its repeated passes over all
    records take a quarter of a long run's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
