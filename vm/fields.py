"""Readers of plain values (the values of TOML and JSON), which check them on input.

A reader takes a field's dotted name and its plain value. A table with a `kind` is read as the
dataclass of that kind: its keys are the dataclass's fields, except that nanoseconds in the
dataclass (`at_ns`) are seconds in the table (`at_s`).
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from operator import itemgetter
from typing import Any, NamedTuple

from vm.quoting import MAX_QUOTED, plain, quoted
from vm.schedule import SECOND_NS

MAX_DURATION_S = 24 * 60 * 60
#: Maximum length of a list of known words in an error.
MAX_KNOWN = 240

Reader = Callable[[str, Any], Any]
Schema = dict[str, Any]


class RepeatedKey(ValueError):
    """A JSON object with two values for one key, which the text names."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs, for `json.loads`; RepeatedKey if one key has two values."""
    plain = dict(pairs)
    if len(plain) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise RepeatedKey(f"field {repeated!r} is there more than once")
    return plain


def plain_value(value: Any) -> Any:
    """Return a value as JSON represents it: tuples as lists, mappings as objects."""
    if isinstance(value, tuple):
        return [plain_value(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value


class Field(NamedTuple):
    """The properties of a field besides its name, type and default.

    `read` converts a plain value, `plain` converts it back; `text` describes the field in a few
    words; `schema` is the JSON Schema of its plain values, as far as a schema can express it.
    """

    read: Reader
    text: str
    schema: Schema
    plain: Callable[[Any], Any] = plain_value


SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": MAX_DURATION_S}
NAMES: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}


class SpecError(ValueError):
    """An invalid field; the text names the field, the problem and, if possible, a valid value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{plain(field)}: {problem}")
        self.field = field
        self.problem = problem


def suggestion(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """Return the end of an error about an unknown word: the closest known word, or all."""
    close = get_close_matches(word[:MAX_QUOTED], list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {_listed(known)}"


def _listed(known: Sequence[str] | Mapping[str, Any]) -> str:
    return plain(", ".join(known), MAX_KNOWN)


def read_whole(field: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(field, f"{quoted(value)} is not a whole number")
    if not low <= value <= high:
        raise SpecError(field, f"{quoted(value)} is outside {low}..{high}")
    return value


def read_number(field: str, value: Any, what: str = "number") -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpecError(field, f"{quoted(value)} is not a {what}")
    return value


def read_seconds_ns(field: str, value: Any) -> int:
    """Read seconds; return nanoseconds."""
    seconds = read_number(field, value, "number of seconds")
    if not 0 <= seconds <= MAX_DURATION_S:
        raise SpecError(field, f"{quoted(seconds)} s is outside 0..{MAX_DURATION_S}")
    return round(seconds * SECOND_NS)


def read_names(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        remedy = f": write [{quoted(value)}]" if isinstance(value, str) else ""
        raise SpecError(field, f"{quoted(value)} is not a list of names{remedy}")
    name, count = max(Counter(value).items(), key=itemgetter(1), default=("", 0))
    if count > 1:
        raise SpecError(field, f"{quoted(name)} is there more than once")
    return tuple(value)


def read_table(
    field: str,
    value: Any,
    kinds: Mapping[str, Any],
    fields: Mapping[str, Field],
    defaults: Mapping[str, Any],
) -> Any:
    """Return a table as the dataclass of its kind; `defaults` replace missing values.

    `fields` has the table's keys, `defaults` the names of the dataclass's fields.
    """
    if not isinstance(value, Mapping):
        raise SpecError(
            field, f"{quoted(value)} is not a table, as in {{kind = {next(iter(kinds))!r}}}"
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known_kinds = suggestion(kind if isinstance(kind, str) else "", kinds)
        problem = f"there is no {quoted(kind)}" if "kind" in value else "it is not there"
        raise SpecError(f"{field}.kind", problem + known_kinds)
    keys = {key_of(known.name): known for known in dataclasses.fields(kinds[kind])}
    for key in value:
        if key not in keys and key != "kind":
            raise SpecError(f"{field}.{key}", f"{kind} has no such field{suggestion(key, keys)}")
    given: dict[str, Any] = {}
    for key, known in keys.items():
        if key in value:
            given[known.name] = fields[key].read(f"{field}.{key}", value[key])
        elif known.name in defaults:
            given[known.name] = defaults[known.name]
        elif known.default is dataclasses.MISSING:
            raise SpecError(f"{field}.{key}", f"{kind} needs it, and it is not there")
    return kinds[kind](**given)


def table_schema(
    kinds: Mapping[str, Any], fields: Mapping[str, Field], is_optional: Callable[[str, str], bool]
) -> Schema:
    """Return the schema for `read_table`; keys of a kind that are `is_optional` have defaults."""
    return {"anyOf": [_kind_schema(kind, kinds[kind], fields, is_optional) for kind in kinds]}


def _kind_schema(
    kind: str, made: Any, fields: Mapping[str, Field], is_optional: Callable[[str, str], bool]
) -> Schema:
    keys = {key_of(known.name): known for known in dataclasses.fields(made)}
    needed = [
        key
        for key, known in keys.items()
        if known.default is dataclasses.MISSING and not is_optional(kind, key)
    ]
    return {
        "type": "object",
        "description": (made.__doc__ or "").partition("\n")[0],
        "properties": {"kind": {"const": kind}}
        | {key: {"description": fields[key].text, **fields[key].schema} for key in keys},
        "required": ["kind", *needed],
        "additionalProperties": False,
    }


def plain_table(kinds: Mapping[str, Any], read: Any) -> dict[str, Any]:
    """Return a JSON-compatible table that `read_table` reads back as an equal value."""
    kind = next(kind for kind, made in kinds.items() if made is type(read))
    values = {known.name: getattr(read, known.name) for known in dataclasses.fields(read)}
    return {"kind": kind} | {
        key_of(name): value / SECOND_NS if name.endswith("_ns") else plain_value(value)
        for name, value in values.items()
    }


def key_of(name: str) -> str:
    """Return the table key of a dataclass field."""
    return f"{name.removesuffix('_ns')}_s" if name.endswith("_ns") else name
