"""A run without faults as a SimPy model with the same machines and channels.

One SimPy process ticks each machine, and one delivers each message.
"""

from collections.abc import Generator
from typing import Any

import simpy

from vm.channel import Channel
from vm.latency import in_virtual_time
from vm.machine import fresh_machine
from vm.records import Event, Message
from vm.spec import Spec

Steps = Generator[simpy.Event, Any, None]


def simulate(spec: Spec) -> dict[str, list[Event]]:
    """Return the events of every machine, equal to those of `orchestrator.virtual.simulation`."""
    assert not spec.faults
    environment = simpy.Environment(initial_time=0)
    model = Model(spec, environment)
    for name in spec.machines:
        environment.process(model.live(name))
    environment.run(until=spec.duration_ns)
    return model.events


class Model:
    """The machines in a SimPy environment; its time is in nanoseconds."""

    def __init__(self, spec: Spec, environment: simpy.Environment) -> None:
        self._spec = spec
        self._environment = environment
        self._machines = {name: fresh_machine(spec, name) for name in spec.machines}
        latency = in_virtual_time(spec.latency)
        self._channels = {
            (sender, receiver): Channel(spec, sender, receiver, latency)
            for sender in spec.machines
            for receiver in spec.machines
            if sender != receiver
        }
        self.events: dict[str, list[Event]] = {name: [] for name in spec.machines}

    def live(self, name: str) -> Steps:
        """Tick one machine from its first tick to its last."""
        environment, machine = self._environment, self._machines[name]
        schedule = self._spec.schedule(name)
        ticks = range(schedule.ticks_before(self._spec.duration_ns))
        for tick, due_ns in schedule.dues_ns(ticks):
            yield environment.timeout(due_ns - environment.now)
            event, messages = machine.tick(tick, due_ns, due_ns)
            self.events[name].append(event)
            for message in messages:
                ends = message.sender, message.receiver
                for arrives_ns in self._channels[ends].carry(due_ns):
                    environment.process(self._carry(message, arrives_ns))

    def _carry(self, message: Message, arrives_ns: int) -> Steps:
        yield self._environment.timeout(arrives_ns - self._environment.now)
        self._machines[message.receiver].deliver(message, arrives_ns)
