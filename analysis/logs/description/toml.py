"""The TOML file of a description, with a comment for each field."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.logs.description import fields
from analysis.logs.description.description import Description

HEAD = "# A description of logs for vklocks: vklocks check FOLDER --format THIS_FILE"
BARE = re.compile(r"[A-Za-z0-9_-]+")
LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*")
WIDTH = 96


def toml_of(description: Description) -> str:
    """Return the file; fields that are not given are named in a last comment."""
    given = fields.plain(description)
    flat = {name: value for name, value in given.items() if not _is_table(value)}
    tables = {name: value for name, value in given.items() if _is_table(value)}
    lines = [HEAD, ""]
    for name, value in flat.items():
        lines += [*_comment(fields.FIELDS[name].text), f"{name} = {_value(value)}", ""]
    for name, value in tables.items():
        lines += [*_comment(fields.FIELDS[name].text), *_table(name, value)]
    left = [name for name in fields.FIELDS if name not in given and name not in fields.LAYOUTS]
    lines += _comment(f"fields that are not given, and so inferred or by default: {_listed(left)}")
    return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH)]


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    )


def _table(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield f"[[{name}]]"
            yield from (f"{_key(key)} = {_value(text)}" for key, text in one.items())
            yield ""
        return
    yield f"[{name}]"
    yield from (f"{_key(key)} = {_value(one)}" for key, one in value.items())
    yield ""


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _basic(name)


def _value(value: Any) -> str:
    match value:
        case str():
            return f"'{value}'" if "\\" in value and LITERAL.fullmatch(value) else _basic(value)
        case Mapping():
            return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
        case list() if sum(map(len, map(str, value))) > WIDTH:
            return "[\n" + "".join(f"    {_value(one)},\n" for one in value) + "]"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
    assert isinstance(value, int), value
    return str(value)


def _basic(text: str) -> str:
    # The escapes of JSON are those of TOML, except that TOML also wants one for DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
