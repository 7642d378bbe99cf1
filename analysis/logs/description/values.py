"""Readers of the values in a description; they raise SpecError with the field and the remedy."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from analysis.logs.description.description import PARTS, Alias, Template, When
from analysis.logs.expressions import Expression
from vm.fields import SpecError, read_whole, suggestion
from vm.quoting import quoted
from vm.records import Kind
from vm.schedule import UNITS_NS

WHEN = ("before", "after")
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Every event has a clock and a kind; a template can fix the kind of its lines.
NEEDED = ("clock", "kind")
#: One step of a path into a JSON value: `.name`, `['name']` or `[0]`.
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\['([^']*)'\]")
MAX_INITIAL = 2**53
MAX_COLUMNS = 10_000
#: A format of times has to read what it writes.
SOME_DAY = datetime(2001, 2, 3, 4, 5, 6, 789000, UTC)


def read_text(field: str, value: Any, what: str = "text") -> str:
    if not isinstance(value, str) or not value:
        raise SpecError(field, f"{quoted(value)} is not a {what}")
    return value


def read_texts(field: str, value: Any, what: str = "texts") -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        remedy = f": write [{quoted(value)}]" if isinstance(value, str) else ""
        raise SpecError(field, f"{quoted(value)} is not a list of {what}{remedy}")
    return tuple(value)


def read_choice(field: str, value: Any, choices: Sequence[str] = WHEN) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise SpecError(field, f"{quoted(value)} is neither {' nor '.join(choices)}")
    return value


def _table(field: str, value: Any, keys: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return a table; SpecError for other values, and for a key that is not one of `keys`."""
    if not isinstance(value, Mapping):
        raise SpecError(field, f"{quoted(value)} is not a table")
    for key in value if keys else ():
        if key not in keys:
            raise SpecError(f"{field}.{key}", f"there is no such key{suggestion(key, keys)}")
    return value


# --- where an event is in a line ---


def read_expression(field: str, value: Any) -> Expression:
    """Return a compiled expression."""
    try:
        return Expression(read_text(field, value, "regular expression"))
    except SpecError:
        raise
    except ValueError as error:
        raise SpecError(field, str(error)) from None


def read_template(field: str, value: Any) -> Template:
    """Read a text, or a table with an expression and what its lines do not state."""
    if isinstance(value, str):
        value = {"expression": value}
    table = _table(field, value, ("expression", "kind", "receivers"))
    name = field if field.startswith("expression") else f"{field}.expression"
    if "expression" not in table:
        raise SpecError(name, "it is needed")
    kind = table.get("kind", "")
    if kind:
        read_choice(f"{field}.kind", kind, KINDS)
    groups = read_expression(name, table["expression"]).groups
    _check_parts(name, groups, "group", has_kind=bool(kind))
    receivers = table.get("receivers", "")
    if not isinstance(receivers, str):
        raise SpecError(f"{field}.receivers", f"{quoted(receivers)} is not a text like * or m1, m2")
    return Template(table["expression"], kind, receivers)


def _check_parts(field: str, found: Any, what: str, has_kind: bool = False) -> None:
    for part in NEEDED:
        if part not in found and not (part == "kind" and has_kind):
            raise SpecError(field, f"the {what} {part} is needed")
    for part in found:
        if part not in PARTS:
            raise SpecError(field, f"there is no {what} {quoted(part)}{suggestion(part, PARTS)}")


def read_expressions(field: str, value: Any) -> tuple[Template, ...]:
    """Read one expression, or a list of expressions of which the first that matches counts."""
    if isinstance(value, list | tuple):
        if not value:
            raise SpecError(field, "it is needed, with the groups clock and kind")
        return tuple(read_template(f"{field}.{n}", one) for n, one in enumerate(value))
    return (read_template(field, str(value)),)


def read_lines(field: str, value: Any) -> tuple[Template, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise SpecError(field, f"{quoted(value)} is not a list of tables, each [[{field}]]")
    return tuple(read_template(f"{field}.{n}", one) for n, one in enumerate(value))


def read_ignore(field: str, value: Any) -> tuple[str, ...]:
    texts = read_texts(field, value, "regular expressions")
    for n, text in enumerate(texts):
        read_expression(f"{field}.{n}", text)
    return texts


def read_delimiter(field: str, value: Any) -> str:
    for group in read_expression(field, value).groups:
        if group != "trace":
            raise SpecError(field, f"there is no group {quoted(group)}; there is trace")
    return str(value)


def path_steps(path: str) -> tuple[str | int, ...]:
    """Return the keys and places of a path like `$.clock.lamport` or `$.peers[0]`."""
    found = STEP.findall(path)
    return tuple(int(place) if place else name or quoted_ for name, place, quoted_ in found)


def read_paths(field: str, value: Any) -> dict[str, str]:
    table = _table(field, value)
    for part, path in table.items():
        if not isinstance(path, str) or not re.fullmatch(rf"\$(?:{STEP.pattern})+", path):
            problem = f"{quoted(path)} is not a path like $.clock.lamport or $['a key'][0]"
            raise SpecError(f"{field}.{part}", problem)
    _check_parts(field, table, "key")
    return dict(table)


def read_columns(field: str, value: Any) -> dict[str, str | int]:
    table = _table(field, value)
    for part, column in table.items():
        if isinstance(column, str) and column:
            continue
        read_whole(f"{field}.{part}", column, 1, MAX_COLUMNS)
    if len({isinstance(column, str) for column in table.values()}) > 1:
        raise SpecError(field, "columns are given by name or by place, not by both")
    _check_parts(field, table, "key")
    return dict(table)


def read_separator(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n"\0':
        raise SpecError(field, f"{quoted(value)} is not one character like , or ; or |")
    return value


# --- the meaning of values ---


def read_time(field: str, value: Any) -> str:
    problem = f"{quoted(value)} is neither one of {', '.join(UNITS_NS)} nor like %H:%M:%S"
    if isinstance(value, str) and value in UNITS_NS:
        return value
    if not isinstance(value, str) or "%" not in value:
        raise SpecError(field, problem)
    try:
        datetime.strptime(SOME_DAY.strftime(value), value)
    except (ValueError, re.error):
        raise SpecError(field, problem) from None
    return value


def read_initial(field: str, value: Any) -> int:
    return read_whole(field, value, 0, MAX_INITIAL)


def read_when_by_kind(field: str, value: Any) -> dict[str, When]:
    """Read `before` or `after`, of all events or by kind of event."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(KINDS, read_choice(field, value))
    table = _table(field, value, KINDS)
    return {kind: read_choice(f"{field}.{kind}", when) for kind, when in table.items()}


def plain_when_by_kind(value: Mapping[str, When]) -> Any:
    """Return a single word if it holds for every kind."""
    words = {*value.values()}
    return words.pop() if len(words) == 1 and len(value) == len(KINDS) else dict(value)


def read_kinds(field: str, value: Any) -> dict[str, tuple[str, ...]]:
    kinds: dict[str, tuple[str, ...]] = {}
    for kind, words in _table(field, value).items():
        if kind not in KINDS:
            raise SpecError(f"{field}.{kind}", f"there are {', '.join(KINDS)}")
        kinds[kind] = read_texts(f"{field}.{kind}", words)
    return kinds


def read_machines(field: str, value: Any) -> dict[str, Alias]:
    """Read aliases: a name in the log, and the machine or machines that it stands for."""
    aliases: dict[str, Alias] = {}
    for name, of in _table(field, value).items():
        here = f"{field}.{name}"
        if isinstance(of, Mapping):
            aliases[name] = {alias: _names(f"{here}.{alias}", one) for alias, one in of.items()}
        else:
            aliases[name] = _names(here, of)
    return aliases


def _names(field: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
        problem = "is neither a machine, nor * for all others, nor ? for an unknown one"
        raise SpecError(field, f"{quoted(value)} {problem}, nor a list of machines")
    return tuple(names)


def plain_machines(value: Mapping[str, Alias]) -> Any:
    """Return the table of aliases with a text for a single machine."""
    return {
        name: {alias: _plain_names(one) for alias, one in of.items()}
        if isinstance(of, Mapping)
        else _plain_names(of)
        for name, of in value.items()
    }


def _plain_names(names: tuple[str, ...]) -> Any:
    return names[0] if len(names) == 1 else list(names)
