"""The interface of logical clocks: rules over states, stamps and timestamps.

A machine holds a *state* per clock and applies the rules. A message carries a *stamp*; the log
holds the *timestamp* of each event, a JSON value. For most clocks the three are one value, and
the rules for stamps and timestamps are inherited (`Clock.is_flat`). Clocks are values and keep
nothing between calls: states are never changed in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from vm.fields import Field, Schema, read_whole

S = TypeVar("S")

#: What a clock promises: nothing; that a causally related pair is ordered; that no other is, too.
Promise = Literal["none", "clock condition", "strong clock condition"]
#: The JSON type of a clock's timestamps: a number below 2^63, a list or a list of lists of such
#: numbers, or a text. Lists are tuples in Python.
Column = Literal["number", "list", "lists", "text"]


@dataclass(slots=True)
class At:
    """The place of a step: the position and name of its machine in the run, the index of its event,
    and its time by the machine's physical clock.

    A machine has one At, which it changes on every step; a clock does not keep it.
    """

    me: int
    machine: str
    index: int = 0
    physical_ns: int = 0


class Overflow(ValueError):
    """A clock has reached its stated limit: the event has no timestamp."""


class Bounds(NamedTuple):
    """Limits of a stamp that arrives: the position of its `sender` and of its `receiver`, the
    largest possible number of events of each machine so far, and the latest possible time of any
    physical clock of the run."""

    sender: int
    receiver: int
    events: Sequence[int]
    physical_ns: int = 2**63 - 1


class Clock(Generic[S]):
    """A clock; its parameters, if any, are whole numbers, declared by `parameter`.

    Subclasses with parameters are frozen dataclasses. A clock that `needs_fifo` also needs
    channels without loss. `reads_physical` is whether the rules read At.physical_ns.
    """

    promise: ClassVar[Promise]
    column: ClassVar[Column]
    needs_fifo: ClassVar[bool] = False
    reads_physical: ClassVar[bool] = False

    @property
    def is_flat(self) -> bool:
        """Whether state, stamp and timestamp are one value, so that each gives the others."""
        kind = type(self)
        return kind.stamp is Clock.stamp and kind.timestamp is Clock.timestamp

    def initial(self, me: int, machines: int) -> S:
        """Return the state of machine `me` of `machines` before its first event."""
        raise NotImplementedError

    def advance(self, state: S, at: At) -> S:
        """Return the state after an internal or send event."""
        raise NotImplementedError

    def stamp(self, state: S, to: int) -> tuple[S, Any]:
        """Return the state after a message to machine `to`, and the stamp that it carries.

        A send to several machines calls it for each, in their order, after one `advance`.
        """
        return state, state

    def receive(self, state: S, stamp: Any, sender: int, at: At) -> S:
        """Return the state after the receive of a message of machine `sender`."""
        raise NotImplementedError

    def timestamp(self, state: S) -> Any:
        """Return the timestamp of the event that led to this state, a value of type `column`."""
        return state

    def is_timestamp(self, value: Any, machines: int) -> bool:
        """Return whether a JSON value has the form of this clock's timestamps: by default as many
        numbers as that of the initial state. Lists arrive as tuples."""
        return has_form_of(value, self.timestamp(self.initial(0, machines)))

    def limit(self, events: Sequence[int]) -> str:
        """Return why a run with so many events of each machine can overflow, or "" if it cannot."""
        return ""

    def precedes(self, a: Any, b: Any) -> bool:
        """Return whether, by this clock, the event stamped `a` happened before that of `b`."""
        raise NotImplementedError

    def encode(self, stamp: Any) -> bytes:
        """Return the bytes of a stamp, for the wire."""
        raise NotImplementedError

    def decode(self, data: bytes, bounds: Bounds) -> Any:
        """Return the stamp in `data`; ValueError, with a reason that begins with the clock's name,
        if no message within these bounds can carry it."""
        raise NotImplementedError


def has_form_of(value: Any, model: Any) -> bool:
    """Return whether two JSON values have the same types and lengths.

    >>> has_form_of((1, 2), (0, 0)), has_form_of((1,), (0, 0)), has_form_of("1", 0)
    (True, False, False)
    """
    if isinstance(model, tuple):
        return (
            isinstance(value, tuple)
            and len(value) == len(model)
            and all(map(has_form_of, value, model))
        )
    return type(value) is type(model)


def parameter(default: int, low: int, high: int, text: str) -> Any:
    """Declare a parameter of a clock: a whole number within low..high."""
    schema: Schema = {"type": "integer", "minimum": low, "maximum": high}

    def read(name: str, value: Any) -> int:
        return read_whole(name, value, low, high)

    return field(default=default, metadata={"field": Field(read, text, schema)})


def parameters(kind: type[Clock[Any]]) -> dict[str, Field]:
    """Return the declared parameters of a kind of clock, in their order."""
    declared: tuple[Any, ...] = fields(kind) if is_dataclass(kind) else ()
    return {known.name: known.metadata["field"] for known in declared}
