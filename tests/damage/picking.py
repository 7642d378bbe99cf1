"""The logs of a history as records, and places in them."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from vm.records import Event, Record

#: By machine: a start record, events, a stop record.
Logs = dict[str, list[Record]]
#: A machine, and the position of an event in its log.
Place = tuple[str, int]

#: Far outside of any history.
FAR_NS = 10**12


def places(logs: Logs, *kinds: str, fits: Callable[[Any], bool] = bool) -> list[Place]:
    """Where the events are that are of these kinds, any kind if none is named, and fit."""
    return [
        (machine, position)
        for machine, log in logs.items()
        for position, record in enumerate(log)
        if isinstance(record, Event) and record.kind in (kinds or (record.kind,)) and fits(record)
    ]


def some(random: Random, found: list[Any]) -> Any:
    """One of them; None if there is none."""
    return random.choice(found) if found else None


def at(logs: Logs, place: Place) -> Any:
    return logs[place[0]][place[1]]


def change(logs: Logs, place: Place | None, **fields: Any) -> bool:
    if place:
        logs[place[0]][place[1]] = replace(at(logs, place), **fields)
    return place is not None


def before(place: Place) -> Place:
    return place[0], place[1] - 1


def follows(place: Place) -> bool:
    """Whether there is an event before this one in its log."""
    return place[1] > 1


def cause(receive: Event) -> Place:
    """Where the send of a receive is, in a log that is whole."""
    return receive.sender, receive.cause + 1


def end(logs: Logs, machine: str) -> Place:
    """Where the stop record is."""
    return machine, len(logs[machine]) - 1
