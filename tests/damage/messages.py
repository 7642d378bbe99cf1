"""Damage to messages: their sends, receives, receivers and copies."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from damage.picking import Logs, Position, at, cause, change, positions, some
from vm.records import Event


def receive_an_unsent_message(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "receive"))
    return change(logs, position, cause=random.choice([-9, 1000, 2**40]))


def receive_from_a_stranger(random: Random, logs: Logs) -> bool:
    return change(logs, some(random, positions(logs, "receive")), sender="vm99")


def receive_from_an_internal_event(random: Random, logs: Logs) -> bool:
    return _receive(random, logs, positions(logs, "internal"), lambda receive, other: True)


def receive_a_message_for_others(random: Random, logs: Logs) -> bool:
    def is_for_others(receive: Position, other: Position) -> bool:
        return receive[0] not in at(logs, other).to

    return _receive(random, logs, positions(logs, "send"), is_for_others)


def receive_an_already_received_message(random: Random, logs: Logs) -> bool:
    """A receive names a message that its machine receives elsewhere."""
    single = positions(logs, "send", fits=lambda event: not event.duplicated)
    received = {(cause(at(logs, position)), position[0]) for position in positions(logs, "receive")}

    def is_received(receive: Position, other: Position) -> bool:
        return (other, receive[0]) in received

    return _receive(random, logs, single, is_received)


def receive_from_the_future(random: Random, logs: Logs) -> bool:
    """A receive is caused by a later send of its own machine."""

    def is_later(receive: Position, other: Position) -> bool:
        return receive[0] == other[0] and receive[1] < other[1]

    return _receive(random, logs, positions(logs, "send"), is_later)


def _receive(
    random: Random, logs: Logs, others: list[Position], fits: Callable[[Position, Position], bool]
) -> bool:
    """Let a receive name as its cause one of the other events that fits it."""
    pairs = [
        (receive, other)
        for receive in positions(logs, "receive")
        for other in others
        if cause(at(logs, receive)) != other and fits(receive, other)
    ]
    pair = some(random, pairs)
    return bool(pair) and change(logs, pair[0], sender=pair[1][0], cause=at(logs, pair[1]).index)


def receive_again(random: Random, logs: Logs) -> bool:
    """Insert a receive a second time; later events are renumbered."""
    position = some(random, positions(logs, "receive", fits=lambda event: not _copies(logs, event)))
    if not position:
        return False
    machine, index = position
    event, *after = logs[machine][index:]
    *events, stop = [event, *after]
    later = [replace(e, index=e.index + 1, tick=e.tick + 1) for e in events]
    logs[machine][index:] = [event, *later, replace(stop, events=stop.events + 1)]
    return True


def receive_a_lost_message(random: Random, logs: Logs) -> bool:
    """A receive names a message that its sender lists as lost."""
    position = some(random, positions(logs, "receive", fits=lambda event: not _copies(logs, event)))
    if not position:
        return False
    send = cause(at(logs, position))
    return change(logs, send, lost=(*at(logs, send).lost, position[0]))


def _copies(logs: Logs, receive: Event) -> tuple[str, ...]:
    duplicated: tuple[str, ...] = at(logs, cause(receive)).duplicated
    return duplicated


def exchange_two_receives(random: Random, logs: Logs) -> bool:
    """Exchange the causes of two receives on one channel."""
    pairs = [
        (one, other)
        for one in positions(logs, "receive")
        for other in positions(logs, "receive", fits=lambda event: bool(event.sender))
        if one[0] == other[0]
        and at(logs, one).sender == at(logs, other).sender
        and at(logs, one).cause < at(logs, other).cause
        and at(logs, (one[0], 0)).spec.fifo
    ]
    pair = some(random, pairs)
    if pair:
        one, other = (at(logs, position).cause for position in pair)
        change(logs, pair[0], cause=other)
        change(logs, pair[1], cause=one)
    return bool(pair)


def change_a_receiver(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "send", fits=lambda event: not event.lost))
    if not position:
        return False
    to = at(logs, position).to
    others = [m for m in [*logs, "vm99"] if m not in to and m != position[0]]
    return change(logs, position, to=(random.choice(others), *to[1:]), duplicated=())


def add_a_receiver(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "send"))
    if not position:
        return False
    to = at(logs, position).to
    more = random.choice([m for m in [*logs, "vm99"] if m not in to])
    return change(logs, position, to=(*to, more))


def unmark_a_lost_message(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "send", fits=lambda event: bool(event.lost)))
    return bool(position) and change(logs, position, lost=at(logs, position).lost[1:])


def mark_a_message_as_duplicated(random: Random, logs: Logs) -> bool:
    position = some(random, positions(logs, "send", fits=_arriving))
    return bool(position) and change(logs, position, duplicated=_arriving(at(logs, position))[:1])


def _arriving(event: Event) -> tuple[str, ...]:
    return tuple(to for to in event.to if to not in event.lost and not event.duplicated)
