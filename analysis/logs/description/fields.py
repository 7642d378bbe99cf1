"""The fields of a description: each with its reader, its meaning and its JSON Schema.

    expression = '^\\[(?<time>\\S+)\\] (?<kind>\\w+) clock=(?<clock>\\d+)( peer=(?<peer>\\S+))?'
    time = "ms"
    ignore = ['^machine \\w+ up']

    [kinds]
    send = ["SND", "BCAST"]

    [machines]
    "5001" = "m1"

The same table checks a file, `--set FIELD=VALUE` and the JSON Schema for editors.
"""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.history.run import InputError
from analysis.logs.description import values
from analysis.logs.description.description import PARTS, SEPARATORS, Description, Template
from analysis.logs.limits import MAX_DESCRIPTION_BYTES, MAX_EXPRESSION
from vm.fields import Field, Schema, SpecError, suggestion
from vm.files import read_bytes
from vm.quoting import quoted

DRAFT = "http://json-schema.org/draft-07/schema#"
TEXT: Schema = {"type": "string", "minLength": 1}
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
EXPRESSION: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_EXPRESSION}
WHEN: Schema = {"enum": [*values.WHEN]}
NAMES: Schema = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
#: The ways to find events in a file, of which a description has one.
LAYOUTS = ("expression", "lines", "paths", "columns")


def _table_of(keys: Iterable[str], of: Schema, required: Sequence[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict.fromkeys(keys, of),
        "required": [*required],
        "additionalProperties": False,
    }


TEMPLATE: Schema = {
    "type": "object",
    "properties": {
        "expression": EXPRESSION,
        "kind": {"enum": [*values.KINDS]},
        "receivers": {"type": "string"},
    },
    "required": ["expression"],
    "additionalProperties": False,
}


def _plain_templates(templates: tuple[Template, ...]) -> list[dict[str, str]]:
    return [{name: text for name, text in vars(template).items() if text} for template in templates]


#: By its key in TOML; the order is that of a written file, and tables come last.
FIELDS: dict[str, Field] = {
    "expression": Field(
        values.read_expressions,
        "regular expression of an event, or a list of them; named groups are its parts:"
        f" {', '.join(PARTS)}",
        {"anyOf": [EXPRESSION, {"type": "array", "items": EXPRESSION, "minItems": 1}]},
    ),
    "separator": Field(
        values.read_separator,
        "character between the columns of a table; inferred if it is missing",
        {"type": "string", "minLength": 1, "maxLength": 1},
    ),
    "files": Field(
        lambda field, value: values.read_text(field, value, "pattern like *.log"),
        "names of the logs; default: all files with an event",
        {**TEXT, "default": "*"},
    ),
    "ignore": Field(
        values.read_ignore,
        "regular expressions of lines that describe no event",
        {"type": "array", "items": EXPRESSION},
    ),
    "delimiter": Field(
        values.read_delimiter,
        "regular expression of a line between runs; its group trace is the name of the next run",
        EXPRESSION,
    ),
    "time": Field(
        values.read_time,
        "s, ms, us, ns, or a format like %H:%M:%S.%f; inferred if it is missing",
        TEXT,
    ),
    "initial": Field(
        values.read_initial,
        "clock of a machine before its first event; inferred if it is missing",
        {"type": "integer", "minimum": 0, "maximum": values.MAX_INITIAL},
    ),
    "clock": Field(
        values.read_when_by_kind,
        "when the clock of an event is logged: before or after the event, for all events or by"
        " kind; inferred if it is missing",
        {"anyOf": [WHEN, _table_of(values.KINDS, WHEN)]},
        values.plain_when_by_kind,
    ),
    "stamp": Field(
        values.read_choice,
        "when a message is stamped: before or after its send advances the clock; inferred if it"
        " is missing",
        WHEN,
    ),
    "queue": Field(
        values.read_choice,
        "when a receive counts the queue: before or after it takes the message; inferred if it is"
        " missing",
        WHEN,
    ),
    "vector": Field(
        lambda field, value: values.read_texts(field, value, "machines"),
        "machines of the places in a vector clock; default: all machines in natural order",
        {"type": "array", "items": TEXT},
    ),
    "separators": Field(
        values.read_texts,
        "texts between names in a list of receivers",
        {**TEXTS, "default": [*SEPARATORS]},
    ),
    "kinds": Field(
        values.read_kinds,
        "words for each kind of event; default: send, sent, receive, recv, local and the like",
        _table_of(values.KINDS, TEXTS),
        lambda kinds: {kind: [*words] for kind, words in kinds.items()},
    ),
    "machines": Field(
        values.read_machines,
        'other names of machines: "5001" = "m1", both = "*" for all others, 1 = "?" for an'
        ' unknown one; in [machines.m1] those that only m1 uses: left = "m0"',
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [NAMES, {"type": "object", "additionalProperties": NAMES}]
            },
        },
        values.plain_machines,
    ),
    "paths": Field(
        values.read_paths,
        "where the parts of an event are in a JSON object, on a line of its own or in an array:"
        ' clock = "$.clock.lamport"',
        _table_of(PARTS, {"type": "string", "pattern": r"^\$"}, ["clock", "kind"]),
    ),
    "columns": Field(
        values.read_columns,
        "columns of a table that are the parts of an event: their names in its first line, or"
        " their places from 1",
        _table_of(
            PARTS,
            {"anyOf": [TEXT, {"type": "integer", "minimum": 1, "maximum": values.MAX_COLUMNS}]},
            ["clock", "kind"],
        ),
    ),
    "lines": Field(
        values.read_lines,
        "expressions of several shapes of lines; each can fix the kind and the receivers of its"
        " lines",
        {"type": "array", "items": TEMPLATE, "minItems": 1},
        _plain_templates,
    ),
}


def read(path: Path, settings: Mapping[str, Any] | None = None) -> Description:
    """Read the description of a format; InputError names the wrong field.

    `settings` are plain values that replace those in the file.
    """
    try:
        given = tomllib.loads(read_bytes(path.resolve(), MAX_DESCRIPTION_BYTES).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        problem = "a number has too many digits, or brackets too many levels"
        why = error if isinstance(error, InputError) else problem
        raise InputError(f"{path} cannot be read: {why}") from None
    try:
        return parse(overridden(given, settings or {}))
    except SpecError as error:
        raise InputError(f"{path}: {error}") from None


def parse(given: Mapping[str, Any], is_whole: bool = True) -> Description:
    """Read a description from plain values; SpecError names the wrong field.

    Unless it `is_whole`, it may have no layout: only conventions.
    """
    for key in given:
        if key not in FIELDS:
            raise SpecError(key, f"there is no such field{suggestion(key, FIELDS)}")
    layouts = [name for name in LAYOUTS if name in given]
    if is_whole and not layouts:
        raise SpecError("expression", "it is needed, with the groups clock and kind")
    if len(layouts) > 1:
        raise SpecError(layouts[1], f"there is {layouts[0]} already: give one of them")
    found = {key: FIELDS[key].read(key, value) for key, value in given.items()}
    if "expression" in found:
        found["lines"] = found.pop("expression")
    return Description(**found)


def overridden(given: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values with settings in their place; a setting `table.key` changes one key."""
    merged = dict(given)
    for name, value in settings.items():
        table, _, key = name.partition(".")
        if not key:
            merged[table] = value
            continue
        there = merged.get(table, {})
        if not isinstance(there, Mapping):
            raise SpecError(table, f"{quoted(there)} is not a table, so {name} cannot be set")
        merged[table] = {**there, key: value}
    return merged


def plain(description: Description) -> dict[str, Any]:
    """Return the plain values of all fields that differ from their defaults."""
    default = Description()
    known = [one.name for one in dataclasses.fields(Description)]
    found = {name: getattr(description, name) for name in FIELDS if name in known}
    changed = {name: one for name, one in found.items() if one != getattr(default, name)}
    plain_values = {name: FIELDS[name].plain(one) for name, one in changed.items()}
    if all(set(one) == {"expression"} for one in plain_values.get("lines", [{}])):
        texts = [one["expression"] for one in plain_values.pop("lines")]
        plain_values["expression"] = texts[0] if len(texts) == 1 else texts
    return {name: plain_values[name] for name in FIELDS if name in plain_values}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of descriptions. It checks each value separately."""
    return {
        "$schema": DRAFT,
        "title": "A description of logs for vklocks",
        "type": "object",
        "properties": {
            name: {"description": field.text, **field.schema} for name, field in FIELDS.items()
        },
        "oneOf": [{"required": [name]} for name in LAYOUTS],
        "additionalProperties": False,
    }
