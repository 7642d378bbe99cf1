"""Events that are missing, doubled, displaced or of another kind, and clocks that are wrong."""

from random import Random

from damage.picking import Logs, Position, at, before, change, follows, positions, some
from vm.records import Event


def drop_an_internal_event(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, positions(logs, "internal")))


def drop_a_send(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, positions(logs, "send")))


def drop_a_receive(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, positions(logs, "receive")))


def _drop(logs: Logs, position: Position | None) -> bool:
    if position:
        del logs[position[0]][position[1]]
    return bool(position)


def log_an_event_twice(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    if position:
        logs[position[0]].insert(position[1], at(logs, position))
    return bool(position)


def swap_two_events(random: Random, logs: Logs) -> bool:
    position = some(random, list(filter(follows, positions(logs))))
    if position:
        log, n = logs[position[0]], position[1]
        log[n - 1], log[n] = log[n], log[n - 1]
    return bool(position)


def change_an_index(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "internal"))
    step = random.choice([-2, -1, 1, 2, 1000])
    return bool(position) and change(logs, position, index=at(logs, position).index + step)


def call_a_receive_internal(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "receive"))
    return change(logs, position, kind="internal", sender="", cause=-1, arrived_ns=-1)


def call_a_send_internal(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "send", fits=_lets_something_arrive))
    return change(logs, position, kind="internal", to=(), lost=(), duplicated=())


def _lets_something_arrive(event: Event) -> bool:
    return set(event.to) != set(event.lost)


def change_a_scalar_stamp(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    if not position:
        return False
    clock = at(logs, position).clock
    return change(
        logs,
        position,
        clock=clock | {"lamport": clock["lamport"] + random.choice([-3, -1, 1, 100])},
    )


def change_a_vector_stamp(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs))
    if not position:
        return False
    clock = at(logs, position).clock
    vector = list(clock["vector"])
    vector[random.randrange(len(vector))] += random.choice([-2, -1, 1, 2, 100])
    return change(logs, position, clock=clock | {"vector": tuple(vector)})


def stop_the_clocks(random: Random, logs: Logs) -> bool:
    """Repeat the clocks of the event before."""
    position = some(random, list(filter(follows, positions(logs))))
    return bool(position) and change(logs, position, clock=dict(at(logs, before(position)).clock))
