"""JSON objects in a text: one per line, over several lines, or all in one array."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from vm.fields import unique_keys

DECODER = json.JSONDecoder(object_pairs_hook=unique_keys)
#: What separates objects, and begins and ends an array of them.
BETWEEN = " \t\n\r,[]"


class Found(NamedTuple):
    """A JSON object and the line (from 1) on which it begins; or, with an empty `value`, the text
    of a line that is no object."""

    line: int
    value: dict[str, Any]
    text: str


def objects(text: str) -> Iterator[Found]:
    """Yield the objects in a text, and the lines between that are none."""
    at, line, counted = 0, 1, 0
    while at < len(text):
        if text[at] in BETWEEN:
            at += 1
            continue
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at
        if not isinstance(value, dict):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            yield Found(line, {}, text[at:end])
        else:
            yield Found(line, value, text[at:end])
        at = max(end, at + 1)
