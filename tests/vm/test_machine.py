from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import World, worlds
from vm.log import decode, encode
from vm.machine import Machine, fresh_machine
from vm.records import Event, Message
from vm.workloads import Workload

ALL = Workload(one=0, all=1, internal=0)
INTERNAL = Workload(one=0, all=0, internal=1)
NAMES = ("vm1", "vm2", "vm3")


def machine(workload: Workload = INTERNAL, names: tuple[str, ...] = NAMES) -> Machine:
    return Machine(names[0], names, ("lamport", "vector"), workload, Random(7))


def message(index: int, lamport: int, sender: str = "vm2") -> Message:
    return Message(sender, "vm1", index, {"lamport": lamport, "vector": (0, lamport, 0)})


def test_a_broadcast_is_one_event_with_one_timestamp() -> None:
    event, messages = machine(ALL).tick(tick=4, due_ns=10, at_ns=11)
    assert (event.kind, event.index, event.tick, event.due_ns, event.at_ns) == (
        "send",
        0,
        4,
        10,
        11,
    )
    assert event.to == ("vm2", "vm3")
    assert event.clock == {"lamport": 1, "vector": (1, 0, 0)}
    assert messages == tuple(Message("vm1", to, 0, event.clock) for to in event.to)


def test_a_tick_receives_the_oldest_arrival_and_nothing_else() -> None:
    receiver = machine(ALL)
    receiver.deliver(message(3, 8), arrived_ns=1)
    receiver.deliver(message(1, 2, sender="vm3"), arrived_ns=2)
    first, sent = receiver.tick(0, 5, 5)
    assert not sent
    assert (first.kind, first.sender, first.cause, first.arrived_ns) == ("receive", "vm2", 3, 1)
    assert first.queue == 1
    assert first.clock == {"lamport": 9, "vector": (1, 8, 0)}
    second, _ = receiver.tick(1, 6, 6)
    assert (second.sender, second.cause, second.queue) == ("vm3", 1, 0)
    assert second.clock["lamport"] == 10
    third, _ = receiver.tick(2, 7, 7)
    assert third.kind == "send"


def test_delivery_only_queues() -> None:
    receiver = machine()
    receiver.deliver(message(0, 50), arrived_ns=0)
    assert receiver.events == 0
    receiver.inbox.clear()
    assert receiver.tick(0, 0, 0)[0].clock == {"lamport": 1, "vector": (1, 0, 0)}


def test_alone_everything_is_internal() -> None:
    alone = Machine("vm1", ("vm1",), ("lamport",), ALL, Random(7))
    events = [alone.tick(tick, 0, 0)[0] for tick in range(5)]
    assert [event.kind for event in events] == ["internal"] * 5
    assert [event.clock for event in events] == [{"lamport": n} for n in range(1, 6)]


def sent_messages(world: World) -> dict[tuple[str, str, int], Message]:
    """Return every message by its ends and index, as the logs of the senders give it."""
    return {
        (name, message.receiver, message.index): message
        for name, log in world.events.items()
        for _, messages in fresh_machine(world.spec, name).recover(log)
        for message in messages
    }


@given(world=worlds())
def test_events_are_numbered_and_messages_carry_the_stamps_that_their_log_gives(
    world: World,
) -> None:
    for events in world.events.values():
        assert [event.index for event in events] == list(range(len(events)))
    sent = sent_messages(world)
    for (sender, receiver), messages in world.in_flight.items():
        for left in messages:
            assert left == sent[sender, receiver, left.index]


@given(world=worlds())
def test_equal_seeds_and_arrivals_make_equal_histories(world: World) -> None:
    """The replay of a history by hand: recorded arrivals in, the same events out."""
    sent = sent_messages(world)
    for name, events in world.events.items():
        again = fresh_machine(world.spec, name)
        arrivals = [(e.arrived_ns, e.sender, e.cause) for e in events if e.kind == "receive"]
        unread = [(at, m.sender, m.index) for m, at in world.machines[name].inbox]
        waiting = [*arrivals, *unread]
        for event in events:
            while waiting and waiting[0][0] < event.at_ns:
                at_ns, sender, index = waiting.pop(0)
                again.deliver(sent[sender, name, index], at_ns)
            assert again.tick(event.tick, event.due_ns, event.at_ns)[0] == event


@given(world=worlds(), data=st.data())
def test_a_machine_goes_on_from_its_own_log_as_if_nothing_had_been(
    world: World, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(world.spec.machines))
    events = [decode(encode(event)) for event in world.events[name]]
    kept = data.draw(st.integers(0, len(events)))
    again = fresh_machine(world.spec, name)
    again.recover(events[:kept])
    assert again.events == kept
    sent = sent_messages(world)
    for event in events[kept:]:
        if event.kind == "receive":
            again.deliver(sent[event.sender, name, event.cause], event.arrived_ns)
        repeated, messages = again.tick(event.tick, event.due_ns, event.at_ns)
        # The messages in the inbox at the kill are gone, and the queue is shorter.
        repeated.queue = event.queue
        assert repeated == event
        assert messages == tuple(sent[name, peer, event.index] for peer in event.to)


def test_another_machines_log_is_not_recovered_from() -> None:
    log = [machine(ALL).tick(0, 0, 0)[0]]
    with pytest.raises(AssertionError):
        machine(INTERNAL).recover(log)


def test_a_log_is_recovered_from_its_first_event_on() -> None:
    writer = machine()
    log: list[Event] = [writer.tick(tick, 0, 0)[0] for tick in range(2)]
    with pytest.raises(AssertionError):
        machine().recover(log[1:])
