"""Tokens of a log line: times, numbers, names of machines, words and punctuation.

A line's tokens, with every value replaced by its class, are its shape: lines that describe the
same kind of event have the same shape.
"""

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

Class = Literal["time", "decimal", "whole", "name", "id", "word", "mark"]

#: The classes whose texts differ from line to line; a word or a mark is part of the shape.
VALUES: frozenset[Class] = frozenset(("time", "decimal", "whole", "name", "id"))

#: A comma before a fraction is as Python's logging writes it, and not that of a table.
_CLOCK = r"\d{1,2}:\d\d:\d\d(?:\.\d+|,\d{3,6}(?![\d,]))?(?:\s?[AP]M\b)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
#: Patterns of each class, tried in this order; a description of the format repeats them.
PATTERNS: dict[Class, str] = {
    "time": "|".join(
        (
            rf"\d{{4}}[-/.]\d\d?[-/.]\d\d?[T _]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?",
            rf"\d\d?[-/.]\d\d?[-/.]\d{{4}},?[T ]{_CLOCK}",
            rf"(?:{_DAY},? )?{_MONTH} {{1,2}}\d\d? (?:\d{{4}} )?{_CLOCK}(?: \d{{4}})?",
            _CLOCK,
        )
    ),
    "id": r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+",
    "name": r"(?:\d{1,3}\.){3}\d{1,3}:\d+|localhost:\d+",
    "decimal": r"-?\d+\.\d+(?:[eE][+-]?\d+)?",
    "whole": r"-?\d+",
    "word": r"N/A|n/a|[^\W\d](?:\w|'(?=\w)|-(?=\w)|(?<=\w)\.(?=[^\W\d]))*",
    "mark": r"->|=>|<-|<=|[^\w\s]|_|[\n\t]",
}
#: A word that may be the name of a machine: letters and a number.
NUMBERED_NAME = re.compile(r"[^\W\d][\w.-]*\d[\w.-]*")
SHORT_QUEUE = re.compile(r"[qQwW]\d+")
#: A number does not begin within a word, and a minus is a sign only behind a space or a mark.
_TOKEN = re.compile(
    "|".join(
        f"(?P<{name}>{'(?<![0-9A-Za-z_.)-])' if text.startswith('-?') else ''}(?:{text}))"
        if name != "whole"
        else r"(?P<whole>(?<![\w.)-])-\d+|\d+)"
        for name, text in PATTERNS.items()
    )
)


class Token(NamedTuple):
    """A part of a line, from `begin` to `end`."""

    kind: Class
    text: str
    begin: int
    end: int


def tokens(line: str, names: Collection[str] = ()) -> Iterator[Token]:
    """Yield the tokens of a line; `names` are words that are known to be machines."""
    for found in _TOKEN.finditer(line):
        kind: Class = found.lastgroup  # type: ignore[assignment]
        text = found[0]
        if kind == "word" and SHORT_QUEUE.fullmatch(text):
            # w3 is the number of waiting messages, and no name.
            yield Token("word", text[0], found.start(), found.start() + 1)
            yield Token("whole", text[1:], found.start() + 1, found.end())
            continue
        if kind == "word" and (text in names or NUMBERED_NAME.fullmatch(text)):
            kind = "name"
        yield Token(kind, text, found.start(), found.end())
