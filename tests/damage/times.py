"""Damage to times, ticks and queues."""

from dataclasses import replace
from random import Random

from damage.picking import FAR_NS, Logs, at, before, change, follows, positions, some
from vm.records import Event, Record, Stop


def change_a_queue(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    more = random.choice([1, 2, 50])
    return bool(position) and change(logs, position, queue=at(logs, position).queue + more)


def exchange_two_arrivals(random: Random, logs: Logs) -> bool:
    pairs = [
        (one, other)
        for one in positions(logs, "receive")
        for other in positions(logs, "receive")
        if one[0] == other[0] and at(logs, one).arrived_ns < at(logs, other).arrived_ns
    ]
    pair = some(random, pairs)
    if pair:
        one, other = (at(logs, position).arrived_ns for position in pair)
        change(logs, pair[0], arrived_ns=other)
        change(logs, pair[1], arrived_ns=one)
    return bool(pair)


def turn_the_time_back(random: Random, logs: Logs) -> bool:
    position = some(random, list(filter(follows, positions(logs, "internal", "send"))))
    if not position:
        return False
    at_ns = at(logs, before(position)).at_ns - random.randrange(1, 1000)
    return change(logs, position, at_ns=at_ns, due_ns=at_ns)


def receive_before_it_arrives(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "receive"))
    return bool(position) and change(logs, position, arrived_ns=at(logs, position).at_ns + 1)


def shift_a_wall_clock(random: Random, logs: Logs) -> bool:
    """Shift all times of one machine: back if it receives, ahead if it sends."""
    receives = positions(logs, "receive")
    back = {(machine, -FAR_NS) for machine, _ in receives}
    ahead = {(at(logs, position).sender, FAR_NS) for position in receives}
    shift = some(random, sorted(back | ahead))
    if not shift:
        return False
    machine, by_ns = shift
    logs[machine] = [_shifted(record, by_ns) for record in logs[machine]]
    return True


def _shifted(record: Record, by_ns: int) -> Record:
    if isinstance(record, Event):
        arrived_ns = record.arrived_ns + by_ns if record.kind == "receive" else -1
        at_ns, due_ns = record.at_ns + by_ns, record.due_ns + by_ns
        return replace(record, at_ns=at_ns, due_ns=due_ns, arrived_ns=arrived_ns)
    if isinstance(record, Stop):
        inbox = tuple(replace(u, arrived_ns=u.arrived_ns + by_ns) for u in record.inbox)
        return replace(record, inbox=inbox)
    return record


def repeat_a_tick(random: Random, logs: Logs) -> bool:
    position = some(random, list(filter(follows, positions(logs))))
    back = random.randrange(2)
    return bool(position) and change(logs, position, tick=at(logs, before(position)).tick - back)


def act_before_it_is_due(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    return bool(position) and change(logs, position, due_ns=at(logs, position).at_ns + 1)


def act_long_after_it_was_due(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    return bool(position) and change(logs, position, due_ns=at(logs, position).at_ns - FAR_NS)
