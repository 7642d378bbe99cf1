"""What becomes of messages before they leave, and that a machine that comes back does it again."""

import asyncio
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from vm.host.departures import DepartureQueue
from vm.host.epoch import Epoch
from vm.host.wire.frames import Membership
from vm.host.wire.outgoing import Outgoing
from vm.machine import fresh_machine
from vm.records import Event, Undelivered
from vm.schedule import SECOND_NS
from vm.spec import Spec

HOUR_NS = 3600 * SECOND_NS
DURATION_S = 4
delays = st.builds(
    lambda at_s, for_s, extra_s, jitter_s: {
        "kind": "delay",
        "at_s": at_s,
        "until_s": min(at_s + for_s, DURATION_S),
        "extra_s": extra_s,
        "jitter_s": jitter_s,
    },
    st.integers(0, DURATION_S - 1),
    st.integers(1, 2),
    st.sampled_from([0, 0.1, 0.5]),
    st.sampled_from([0, 0.3]),
)
OTHERS = (
    {"kind": "loss", "probability": 0.2},
    {"kind": "duplication", "probability": 0.3},
    {"kind": "partition", "groups": [["vm1"]], "at_s": 1, "until_s": 2},
)
specs = st.fixed_dictionaries(
    {
        "machines": st.integers(2, 3),
        "duration_s": st.just(DURATION_S),
        "workload": st.just("tight"),
        "seed": st.integers(0, 1000),
        "fifo": st.booleans(),
        "faults": st.lists(delays | st.sampled_from(OTHERS), max_size=4),
    }
).map(Spec.parse)


class Sender:
    """A machine and its departures, carried out as fast as it goes: wall time has nothing to do."""

    def __init__(self, spec: Spec, name: str) -> None:
        self.machine = fresh_machine(spec, name)
        self.events: list[Event] = []
        membership = Membership("test", name, spec.machines, spec.clocks)
        self._outgoing = {
            peer: Outgoing("nowhere", membership.hello(peer, 0), lambda: None)
            for peer in membership.peers
        }
        # The departures's own alarm does not ring before the epoch.
        epoch = Epoch(time.monotonic_ns() + HOUR_NS)
        self.departures = DepartureQueue(
            spec, name, self._outgoing, epoch, lambda: None, partitions=True
        )

    def tick(self, at_ns: int) -> None:
        event, messages = self.machine.tick(len(self.events), at_ns, at_ns)
        departures = self.departures.decide(event, messages)
        self.events.append(event)
        self.departures.hold(departures, at_ns)

    @property
    def sent(self) -> dict[str, list[int]]:
        """The events of the messages that each peer would be sent, in their numbers' order."""
        return {p: [m.index for m in out.end.kept] for p, out in self._outgoing.items()}


@settings(max_examples=60, deadline=None)
@given(
    spec=specs,
    steps_ns=st.lists(st.integers(1, SECOND_NS // 5), min_size=20, max_size=40),
    killed_after=st.integers(0, 40),
    down_ns=st.integers(0, SECOND_NS),
)
def test_every_message_gets_the_number_again_that_it_had(
    spec: Spec, steps_ns: list[int], killed_after: int, down_ns: int
) -> None:
    async def scenario() -> None:
        name = spec.machines[0]
        killed, again, at_ns = Sender(spec, name), Sender(spec, name), 0
        for step_ns in steps_ns[:killed_after]:
            at_ns += step_ns
            killed.tick(at_ns)
        at_ns += down_ns
        again.departures.recover(again.machine.recover(killed.events), at_ns)
        again.events = list(killed.events)
        for peer, before in killed.sent.items():
            assert again.sent[peer][: len(before)] == before
        for step_ns in steps_ns[killed_after:]:
            at_ns += step_ns
            again.tick(at_ns)
        copies = [
            Undelivered(to, event.index)
            for event in again.events
            for to in (*event.to, *event.duplicated)
            if to not in event.lost
        ]
        # Nobody takes anything here, so all is undelivered, what is held as well.
        assert sorted(again.departures.undelivered(), key=str) == sorted(copies, key=str)
        if spec.fifo:
            assert all(sent == sorted(sent) for sent in again.sent.values())
        killed.departures.close()
        again.departures.close()

    asyncio.run(scenario())


def test_what_is_held_leaves_when_its_time_has_come() -> None:
    async def scenario() -> None:
        delay = {"kind": "delay", "extra_s": 0.05}
        spec = Spec.parse({"machines": 2, "workload": "tight", "faults": [delay]})
        membership = Membership("test", "vm1", spec.machines, spec.clocks)
        outgoing = {"vm2": Outgoing("nowhere", membership.hello("vm2", 0), lambda: None)}
        epoch, left = Epoch(time.monotonic_ns()), asyncio.Event()
        departures = DepartureQueue(spec, "vm1", outgoing, epoch, left.set, partitions=True)
        machine = fresh_machine(spec, "vm1")
        messages: tuple = ()
        while not messages:
            event, messages = machine.tick(machine.events, 0, epoch.now_ns)
        departures.hold(departures.decide(event, messages), event.at_ns)
        assert not departures.is_empty
        assert not outgoing["vm2"].end.sent
        async with asyncio.timeout(10):
            await left.wait()
        assert epoch.now_ns >= event.at_ns + SECOND_NS // 20
        assert departures.is_empty
        assert outgoing["vm2"].end.sent == 1
        departures.close()

    asyncio.run(scenario())
