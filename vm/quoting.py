"""Quotes untrusted values in messages: short, and without control characters.

Messages quote command lines, files, logs and names. These can have any size and depth, and contain
characters that change the display of a terminal.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain

#: Maximum length of a quoted value.
MAX_QUOTED = 80
MAX_BITS = 256


def quoted(value: object) -> str:
    """Return the beginning of a value's literal as printable text.

    >>> quoted(["vm1", "\\x1b[2J"])
    "['vm1', '\\\\x1b[2J']"
    """
    text = ""
    for piece in _literal(value):
        text += piece
        if len(text) > MAX_QUOTED:
            break
    return plain(text)


def plain(text: str, most: int = MAX_QUOTED) -> str:
    """Return the beginning of a text as printable text of at most `most` characters.

    >>> plain("vm1\\n" + "x" * 100, most=8)
    'vm1\\\\nxx…'
    """
    whole = escaped(text[: most + 1])
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def input_problem(error: Exception) -> str:
    """Return in plain English why a text is no JSON or UTF-8, or the text of any other error.

    >>> input_problem(json.JSONDecodeError("Expecting value", '{"a": }', 6))
    "not JSON: '}' at character 7 is out of place"
    """
    match error:
        case json.JSONDecodeError():
            return f"not JSON: {_json_problem(error)}"
        case UnicodeDecodeError():
            return f"not text in UTF-8: byte {error.start + 1} is {error.object[error.start]:#04x}"
        case RecursionError():
            return "not JSON: it is nested too deeply"
        case ValueError() if "integer string conversion" in str(error):
            return "not JSON: a number has too many digits"
    return str(error)


def _json_problem(error: json.JSONDecodeError) -> str:
    text, at = error.doc, error.pos
    if not text.strip():
        return "it is empty"
    line = f"line {error.lineno}, " if error.lineno > 1 else ""
    place = f"{line}character {error.colno}"
    if error.msg.startswith("Unterminated string"):
        return f"the text from {place} on has no closing quote"
    if at >= len(text.rstrip()):
        return "it ends too early"
    return f"{quoted(text[at])} at {place} is out of place"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 run`, `1,200 runs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def escaped(text: str) -> str:
    """Return a text with unprintable characters escaped as in a literal: control characters,
    characters that change the direction of text, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _literal(value: object) -> Iterator[str]:
    """Yield the literal of a value in pieces; the caller takes as many as it needs."""
    match value:
        case str() | bytes():
            yield repr(value[: MAX_QUOTED + 1])
        case int() if value.bit_length() > MAX_BITS:
            yield f"an integer of {value.bit_length()} bits"
        case Mapping():
            yield from _enclosed("{}", (((key, ": "), (part, "")) for key, part in value.items()))
        case list() | tuple():
            yield from _enclosed("[]", (((part, ""),) for part in value))
        case _:
            yield repr(value)


def _enclosed(brackets: str, entries: Iterator[tuple[tuple[object, str], ...]]) -> Iterator[str]:
    yield brackets[0]
    for number, entry in enumerate(entries):
        yield ", " if number else ""
        yield from chain.from_iterable(chain(_literal(part), [end]) for part, end in entry)
    yield brackets[1]
