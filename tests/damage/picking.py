"""The logs of a history as records, and positions in them."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from vm.records import Event, Record

#: By machine: a start record, events, a stop record.
Logs = dict[str, list[Record]]
#: A machine, and an index into its log.
Position = tuple[str, int]

#: Far outside of any history.
FAR_NS = 10**12


def positions(logs: Logs, *kinds: str, fits: Callable[[Any], bool] = bool) -> list[Position]:
    """Return the positions of events of these kinds (default: any kind) that fit."""
    return [
        (machine, index)
        for machine, log in logs.items()
        for index, record in enumerate(log)
        if isinstance(record, Event) and record.kind in (kinds or (record.kind,)) and fits(record)
    ]


def some(random: Random, found: list[Any]) -> Any:
    """Choose one; None if there is none."""
    return random.choice(found) if found else None


def at(logs: Logs, position: Position) -> Any:
    return logs[position[0]][position[1]]


def change(logs: Logs, position: Position | None, **fields: Any) -> bool:
    if position:
        logs[position[0]][position[1]] = replace(at(logs, position), **fields)
    return position is not None


def before(position: Position) -> Position:
    return position[0], position[1] - 1


def follows(position: Position) -> bool:
    """Whether there is an event before this one in its log."""
    return position[1] > 1


def cause(receive: Event) -> Position:
    """Return the position of a receive's send, in a complete log."""
    return receive.sender, receive.cause + 1


def end(logs: Logs, machine: str) -> Position:
    """Return the position of the stop record."""
    return machine, len(logs[machine]) - 1
