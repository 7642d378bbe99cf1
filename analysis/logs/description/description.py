"""A description of the logs of a program, as plain values.

`fields` reads it from TOML and checks it; `to_toml` writes it back, with comments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vm.records import Kind

When = Literal["", "before", "after"]
#: A receiver that stands for all other machines, and one that is not known.
EVERYONE = "*"
SOMEONE = "?"
#: The parts of a list of names are between these texts.
SEPARATORS = (",", ";", "+", "&", "|", " and ")
#: What a line can hold of an event: the groups of an expression, and the keys of `paths` and
#: `columns`.
PARTS = {
    "clock": "reading of the clock: a number, or a vector as a list or an object; needed",
    "kind": "word for the kind of event; needed, unless `[[lines]]` fixes it",
    "time": "time of the event",
    "queue": "number of waiting messages",
    "peer": "receiver of a send, or sender of a receive",
    "sender": "sender of a receive",
    "receivers": "receiver or receivers of a send",
    "stamp": "clock that a message carries",
    "machine": "machine of the event; without it, the name of the file",
}
#: The machines that an alias stands for, or a table of aliases that one machine uses.
Alias = tuple[str, ...] | Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Template:
    """Lines of one shape: their expression, and what they do not state themselves.

    `kind` is "" if a group of the expression has it. `receivers` are those of a line that names
    none, in the notation of logs: `*` for all other machines.
    """

    expression: str
    kind: Kind | Literal[""] = ""
    receivers: str = ""


@dataclass(frozen=True)
class Description:
    """The format of logs, and the conventions of their program as far as they are given.

    Events are found by one of `lines`, `paths` (into JSON objects) or `columns` (of delimited
    tables: names in the first line, or places from 1). "" or None means: inferred from the logs.
    `clock` is when the clock of an event is logged, by kind of event; `stamp` when a message is
    stamped, before or after its send advances the clock; `queue` when a receive counts the queue.
    """

    lines: tuple[Template, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str | int] = field(default_factory=dict)
    separator: str = ""
    files: str = "*"
    ignore: tuple[str, ...] = ()
    delimiter: str = ""
    time: str = ""
    initial: int | None = None
    clock: Mapping[str, When] = field(default_factory=dict)
    stamp: When = ""
    queue: When = ""
    vector: tuple[str, ...] = ()
    separators: tuple[str, ...] = SEPARATORS
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    machines: Mapping[str, Alias] = field(default_factory=dict)

    def to_toml(self) -> str:
        """Return a file with comments that `fields.read` reads as an equal description."""
        from analysis.logs.description.toml import toml_of

        return toml_of(self)
