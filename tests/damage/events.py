"""Events that are missing, doubled, displaced or of another kind, and clocks that are wrong."""

from random import Random

from damage.picking import Logs, Place, at, before, change, follows, places, some
from vm.records import Event


def drop_an_internal_event(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, places(logs, "internal")))


def drop_a_send(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, places(logs, "send")))


def drop_a_receive(random: Random, logs: Logs) -> bool:
    return _drop(logs, some(random, places(logs, "receive")))


def _drop(logs: Logs, place: Place | None) -> bool:
    if place:
        del logs[place[0]][place[1]]
    return bool(place)


def log_an_event_twice(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs))
    if place:
        logs[place[0]].insert(place[1], at(logs, place))
    return bool(place)


def swap_two_events(random: Random, logs: Logs) -> bool:
    place = some(random, list(filter(follows, places(logs))))
    if place:
        log, n = logs[place[0]], place[1]
        log[n - 1], log[n] = log[n], log[n - 1]
    return bool(place)


def change_an_index(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "internal"))
    step = random.choice([-2, -1, 1, 2, 1000])
    return bool(place) and change(logs, place, index=at(logs, place).index + step)


def call_a_receive_internal(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "receive"))
    return change(logs, place, kind="internal", sender="", cause=-1, arrived_ns=-1)


def call_a_send_internal(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "send", fits=_lets_something_arrive))
    return change(logs, place, kind="internal", to=(), lost=(), duplicated=())


def _lets_something_arrive(event: Event) -> bool:
    return set(event.to) != set(event.lost)


def change_a_scalar_stamp(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs))
    if not place:
        return False
    clock = at(logs, place).clock
    return change(
        logs, place, clock=clock | {"lamport": clock["lamport"] + random.choice([-3, -1, 1, 100])}
    )


def change_a_vector_stamp(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs))
    if not place:
        return False
    clock = at(logs, place).clock
    vector = list(clock["vector"])
    vector[random.randrange(len(vector))] += random.choice([-2, -1, 1, 2, 100])
    return change(logs, place, clock=clock | {"vector": tuple(vector)})


def stop_the_clocks(random: Random, logs: Logs) -> bool:
    """They read the same as at the event before."""
    place = some(random, list(filter(follows, places(logs))))
    return bool(place) and change(logs, place, clock=dict(at(logs, before(place)).clock))
