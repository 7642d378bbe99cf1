"""Conventions of foreign logs: how a program's readings become those of the events table.

A set of conventions is a hypothesis. `fitting` scores those of a family against a whole log, and
the one that breaks the fewest rules is the reading of the log.
"""

from dataclasses import dataclass, fields
from typing import Literal

from vm.records import Kind

Side = Literal["before", "after"]
#: The clock after a receive, by its rule. The first is Lamport's, the others are known mistakes.
RULES = (
    "max(own, stamp) + 1",
    "max(own + 1, stamp)",
    "max(own, stamp)",
    "own + 1",
    "stamp + 1",
    "max(own, stamp) on arrival",
    "max(own, stamp) + 2",
)
LAMPORT, TAKES_OVER, ADDS_NOTHING, IGNORES_STAMP, IGNORES_OWN, ON_ARRIVAL, ADDS_TWO = RULES
KINDS: tuple[Kind, ...] = ("internal", "send", "receive")


@dataclass(frozen=True)
class Conventions:
    """The conventions of a lab's logs; None where they are to be inferred.

    `initial` is the clock before the first event, `before` the kinds of events that are logged
    with the clock from before them. A message carries the clock from before or after the
    increment of its send (`stamp`). `receive` is one of RULES. `queue` is counted before or after
    a receive. `machines` are closed if every message is from a machine with a log; `channels` are
    free if messages may overtake each other.
    """

    initial: int | None = None
    before: frozenset[Kind] | None = None
    stamp: Side | None = None
    receive: str | None = None
    queue: Side | None = None
    machines: Literal["closed", "open"] | None = None
    channels: Literal["ordered", "free"] | None = None

    def filled(self, other: "Conventions") -> "Conventions":
        """Return these conventions, with those of another where these are None."""
        mine = ((field.name, getattr(self, field.name)) for field in fields(self))
        return Conventions(
            **{name: getattr(other, name) if own is None else own for name, own in mine}
        )
