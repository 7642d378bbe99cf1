"""Plain values, as TOML and JSON hold them, checked where they enter.

A reader takes a field's dotted name and its plain value. A table with a `kind` is read as the
dataclass of that kind: its keys are the dataclass's fields, except that what is nanoseconds
inside (`at_ns`) is seconds outside (`at_s`).
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from vm.schedule import SECOND_NS

MAX_DURATION_S = 24 * 60 * 60

Reader = Callable[[str, Any], Any]


class SpecError(ValueError):
    """A field that cannot be as it is written; says which, why, and what would do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def suggestion(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """The end of an error about an unknown word: the closest known one, or all of them."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def read_whole(field: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(field, f"{value!r} is not a whole number")
    if not low <= value <= high:
        raise SpecError(field, f"{value} is outside {low}..{high}")
    return value


def read_number(field: str, value: Any, what: str = "number") -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpecError(field, f"{value!r} is not a {what}")
    return value


def read_seconds_ns(field: str, value: Any) -> int:
    """Seconds, as nanoseconds."""
    seconds = read_number(field, value, "number of seconds")
    if not 0 <= seconds <= MAX_DURATION_S:
        raise SpecError(field, f"{seconds} s is outside 0..{MAX_DURATION_S}")
    return round(seconds * SECOND_NS)


def read_names(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise SpecError(field, f"{value!r} is not a list of names")
    for name in value:
        if value.count(name) > 1:
            raise SpecError(field, f"{name!r} is there more than once")
    return tuple(value)


def read_table(
    field: str,
    value: Any,
    kinds: Mapping[str, Any],
    readers: Mapping[str, Reader],
    defaults: Mapping[str, Any],
) -> Any:
    """A table as the dataclass of its kind; what it leaves out is as `defaults` say.

    `readers` reads by the table's keys, `defaults` goes by the dataclass's fields.
    """
    if not isinstance(value, Mapping):
        raise SpecError(field, f"{value!r} is not a table, as in {{kind = {next(iter(kinds))!r}}}")
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise SpecError(f"{field}.kind", f"there is no {kind!r}{suggestion(str(kind), kinds)}")
    keys = {key_of(known.name): known for known in dataclasses.fields(kinds[kind])}
    for key in value:
        if key not in keys and key != "kind":
            raise SpecError(f"{field}.{key}", f"{kind} has no such field{suggestion(key, keys)}")
    given: dict[str, Any] = {}
    for key, known in keys.items():
        if key in value:
            given[known.name] = readers[key](f"{field}.{key}", value[key])
        elif known.name in defaults:
            given[known.name] = defaults[known.name]
        elif known.default is dataclasses.MISSING:
            raise SpecError(f"{field}.{key}", f"{kind} needs it, and it is not there")
    return kinds[kind](**given)


def plain_table(kind: str, read: Any) -> dict[str, Any]:
    """The table that `read_table` reads back as an equal value; JSON can hold it."""
    values = {known.name: getattr(read, known.name) for known in dataclasses.fields(read)}
    return {"kind": kind} | {
        key_of(name): value / SECOND_NS if name.endswith("_ns") else _plain(value)
        for name, value in values.items()
    }


def key_of(name: str) -> str:
    """The key that stands for a dataclass's field in a table."""
    return f"{name.removesuffix('_ns')}_s" if name.endswith("_ns") else name


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
