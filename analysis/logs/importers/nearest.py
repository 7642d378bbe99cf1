"""Why a file is not read: the format that comes nearest, and what it lacks.

A file that seems to be a log, and is not read, is named with the reason. Otherwise a run would seem
complete without the log of a machine.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.logs import texts
from analysis.logs.importers.delimited import DELIMITERS, MIN_COLUMNS, NEEDED, column_of
from analysis.logs.importers.rows import KIND_WORDS, NUMBER, kind_of
from vm.quoting import plain, quoted

REMEDY = (
    "Describe the format in a file of your own, and give it with --format FILE.toml: expression ="
    " '^(?<time>\\S+) (?<kind>\\w+) clock=(?<clock>\\d+)', with groups for the parts of an event;"
    " the chapter on logs of other programs has more"
)
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
#: Keys of objects and words of a line that hint at a clock.
CLOCK_WORDS = re.compile(r"lamport|clock|logical|vector|\blc\b|\bvc\b", re.IGNORECASE)
MAX_KEYS = 12
MAX_EXAMPLE = 60


def seems_json(file: Path, head: str) -> bool:
    """Return whether a JSON file of another program has objects with a clock."""
    if texts.unpacked_name(file).suffix.lower() not in JSON_SUFFIXES:
        return False
    return any(CLOCK_WORDS.search(key) for key in _keys(head))


def why_not(file: Path, head: str) -> str:
    """Return why a file with this beginning is in no known format."""
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        return texts.unreadable(file) or "it is empty"
    if "\0" in head:
        return "it is no text"
    return next(_reasons(file, head, lines))


def _reasons(file: Path, head: str, lines: list[str]) -> Iterator[str]:
    if keys := _keys(head):
        is_array = head.lstrip().startswith("[")
        layout = "one JSON array" if is_array else "a JSON object per line"
        named = ", ".join(map(plain, keys[:MAX_KEYS]))
        yield f"it is {layout} with {named}: [paths] in a description names the parts of an event"
    if re.search(r"\{[^{}]*:\s*\d+[^{}]*\}", head):
        yield (
            'it comes nearest to shiviz, but no line has a host and a clock like {"host": 1} with'
            " an entry of that host"
        )
    yield from _table(lines)
    example = plain(lines[0], MAX_EXAMPLE)
    yield f"no known format has lines like {quoted(example)}"


def _table(lines: list[str]) -> Iterator[str]:
    for delimiter in DELIMITERS:
        cells = [cell.strip() for cell in next(csv.reader([lines[0]], delimiter=delimiter), [])]
        if len(cells) < MIN_COLUMNS:
            continue
        named = {column_of(cell) for cell in cells}
        near = f"it comes nearest to delimited, by {quoted(delimiter)}, but"
        if len(named - {""}) > 1:
            missing = ", ".join(sorted(NEEDED - named))
            yield f"{near} its first line names no column {missing}"
        elif not NUMBER.fullmatch(cells[1]):
            yield f"{near} its second column, {quoted(cells[1])}, is no clock"
        elif kind_of(cells[2], KIND_WORDS) is None:
            yield f"{near} its third column, {quoted(cells[2])}, is no known kind of event"


def _keys(head: str) -> list[str]:
    """Return the keys of the objects in a JSON array, or in lines of JSON, in their order."""
    found: dict[str, None] = {}
    for value in _objects(head):
        found |= dict.fromkeys(value)
    return list(found)


def _objects(head: str) -> Iterator[dict[str, Any]]:
    text = head.lstrip()
    if text.startswith("["):
        decoder, at = json.JSONDecoder(), 1
        while at < len(text):
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            try:
                value, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                return
            if isinstance(value, dict):
                yield value
        return
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(value, dict):
            return
        yield value
