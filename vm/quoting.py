"""Values from elsewhere in messages: without control characters, and short.

Whatever a message quotes was written by somebody else: a command line, a file, a log, a name. It
may be of any size and depth, and hold characters that change what a terminal shows.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

#: The most characters that a message quotes of one value.
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
    """Return the beginning of a text as printable text, at most so many characters.

    >>> plain("vm1\\n" + "x" * 100, most=8)
    'vm1\\\\nxx…'
    """
    whole = escaped(text[: most + 1])
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def escaped(text: str) -> str:
    """Return a text with all that is not printable as in a literal: control characters, characters
    that change the direction of text, halves of surrogate pairs."""
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
