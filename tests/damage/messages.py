"""Messages that were not sent so, not received so, or not so often."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from damage.picking import Logs, Place, at, cause, change, places, some
from vm.records import Event


def receive_what_never_was(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "receive"))
    return change(logs, place, cause=random.choice([-9, 1000, 2**40]))


def receive_from_a_stranger(random: Random, logs: Logs) -> bool:
    return change(logs, some(random, places(logs, "receive")), sender="vm99")


def receive_what_was_no_send(random: Random, logs: Logs) -> bool:
    return _receive(random, logs, places(logs, "internal"), lambda receive, other: True)


def receive_what_was_for_others(random: Random, logs: Logs) -> bool:
    def is_for_others(receive: Place, other: Place) -> bool:
        return receive[0] not in at(logs, other).to

    return _receive(random, logs, places(logs, "send"), is_for_others)


def receive_what_was_received_already(random: Random, logs: Logs) -> bool:
    """A receive is of a message that its machine receives elsewhere, and not of its own."""
    single = places(logs, "send", fits=lambda event: not event.duplicated)
    received = {(cause(at(logs, place)), place[0]) for place in places(logs, "receive")}

    def is_received(receive: Place, other: Place) -> bool:
        return (other, receive[0]) in received

    return _receive(random, logs, single, is_received)


def receive_from_the_future(random: Random, logs: Logs) -> bool:
    """A receive is caused by a later send of its own machine."""

    def is_later(receive: Place, other: Place) -> bool:
        return receive[0] == other[0] and receive[1] < other[1]

    return _receive(random, logs, places(logs, "send"), is_later)


def _receive(
    random: Random, logs: Logs, others: list[Place], fits: Callable[[Place, Place], bool]
) -> bool:
    """A receive names as its cause one of the others, one that fits it."""
    pairs = [
        (receive, other)
        for receive in places(logs, "receive")
        for other in others
        if cause(at(logs, receive)) != other and fits(receive, other)
    ]
    pair = some(random, pairs)
    return bool(pair) and change(logs, pair[0], sender=pair[1][0], cause=at(logs, pair[1]).index)


def receive_again(random: Random, logs: Logs) -> bool:
    """As if it had happened so: all that follows counts on."""
    place = some(random, places(logs, "receive", fits=lambda event: not _copies(logs, event)))
    if not place:
        return False
    machine, position = place
    event, *after = logs[machine][position:]
    *events, stop = [event, *after]
    later = [replace(e, index=e.index + 1, tick=e.tick + 1) for e in events]
    logs[machine][position:] = [event, *later, replace(stop, events=stop.events + 1)]
    return True


def receive_what_was_lost(random: Random, logs: Logs) -> bool:
    """A receive is of a message of which its sender says that it was lost."""
    place = some(random, places(logs, "receive", fits=lambda event: not _copies(logs, event)))
    if not place:
        return False
    send = cause(at(logs, place))
    return change(logs, send, lost=(*at(logs, send).lost, place[0]))


def _copies(logs: Logs, receive: Event) -> tuple[str, ...]:
    duplicated: tuple[str, ...] = at(logs, cause(receive)).duplicated
    return duplicated


def exchange_two_receives(random: Random, logs: Logs) -> bool:
    """What came first on a channel is received second."""
    pairs = [
        (one, other)
        for one in places(logs, "receive")
        for other in places(logs, "receive", fits=lambda event: bool(event.sender))
        if one[0] == other[0]
        and at(logs, one).sender == at(logs, other).sender
        and at(logs, one).cause < at(logs, other).cause
        and logs[one[0]][0].spec.fifo  # type: ignore[union-attr]
    ]
    pair = some(random, pairs)
    if pair:
        one, other = (at(logs, place).cause for place in pair)
        change(logs, pair[0], cause=other)
        change(logs, pair[1], cause=one)
    return bool(pair)


def change_a_receiver(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "send", fits=lambda event: not event.lost))
    if not place:
        return False
    to = at(logs, place).to
    others = [m for m in [*logs, "vm99"] if m not in to and m != place[0]]
    return change(logs, place, to=(random.choice(others), *to[1:]), duplicated=())


def add_a_receiver(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "send"))
    if not place:
        return False
    to = at(logs, place).to
    more = random.choice([m for m in [*logs, "vm99"] if m not in to])
    return change(logs, place, to=(*to, more))


def forget_that_a_message_was_lost(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "send", fits=lambda event: bool(event.lost)))
    return bool(place) and change(logs, place, lost=at(logs, place).lost[1:])


def say_that_a_message_was_doubled(random: Random, logs: Logs) -> bool:
    place = some(random, places(logs, "send", fits=_arriving))
    return bool(place) and change(logs, place, duplicated=_arriving(at(logs, place))[:1])


def _arriving(event: Event) -> tuple[str, ...]:
    return tuple(to for to in event.to if to not in event.lost and not event.duplicated)
