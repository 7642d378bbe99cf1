"""JSON objects that are written over several lines, or many on one line, as one line each."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from analysis.logs.limits import MAX_LINE_CHARACTERS

Line = tuple[int, str]
#: A bracket or a text; brackets in texts do not count.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
#: The beginning of an array of objects; of one on a single line, the separator behind an object.
ARRAY, COMMA = re.compile(r"\s*\[\s*(?=\{)"), re.compile(r"\s*(,?)\s*")
#: The first line of a file that is indented: a bracket alone, or two.
OPENING = re.compile(r"\s*(?:\[\s*\{?|\{)\s*")
CLOSING = {"}": "{", "]": "["}


def on_one_line(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines of a file; of an indented one, each object as the line of its beginning.

    The objects are those of an array, also of one in an object, or follow each other. All objects
    of an array on one line have its number.
    """
    ahead, rest = list[Line](), iter(lines)
    for line in rest:
        ahead.append(line)
        if line[1].strip():
            break
    whole = chain(ahead, rest)
    if ahead and OPENING.fullmatch(ahead[-1][1]):
        yield from _closed(_objects(whole))
    elif ahead and ARRAY.match(ahead[-1][1]):
        for number, text in whole:
            yield from ((number, one) for one in _elements(text))
    else:
        yield from whole


def _elements(text: str) -> Iterator[str]:
    """Yield the objects of an array on one line, as if each had a line; or the line."""
    begin = ARRAY.match(text)
    at, found = begin.end() if begin else 0, list[str]()
    while begin and text[at : at + 1] == "{":
        try:
            _, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        after = COMMA.match(text, end)
        assert after
        found.append(text[at:end] + after[1])
        at = after.end()
    if len(found) < 2:
        yield text
        return
    yield f"[{found[0]}"
    yield from found[1:-1]
    rest = text[at:].strip()
    yield found[-1] + rest if rest == "]" else found[-1]
    if rest not in ("", "]"):
        yield rest


def _closed(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield lines; a bracket that has one to itself is part of the object beside it."""
    before, last = "", None
    for number, text in lines:
        bare = text.strip()
        if bare == "[" and not before:
            before = bare
        elif bare in ("]", ",") and last:
            last = (last[0], last[1] + bare)
        else:
            if last:
                yield last
            before, last = "", (number, before + text)
    if last:
        yield last


def _objects(lines: Iterator[Line]) -> Iterator[Line]:
    stack, kept = list[str](), list[Line]()
    base, is_first = 0, True
    for number, text in lines:
        begins = text.strip().removeprefix("[").strip()[:1] == "{"
        in_array = bool(stack) and stack[-1] == "["
        if kept and begins and in_array and base == 0 and is_first:
            # An array in the outer object: its elements are the objects.
            yield from kept
            kept = []
        if not kept and begins:
            base = len(stack) + text.strip().startswith("[")
        elif not kept:
            yield number, text
        _follow(stack, text)
        if kept or begins:
            kept.append((number, text))
            if len(stack) <= base or sum(len(one) for _, one in kept) > MAX_LINE_CHARACTERS:
                yield from _joined(kept)
                kept, is_first = [], False
    yield from kept


def _follow(stack: list[str], text: str) -> None:
    """Open and close the brackets of a line."""
    for token in TOKEN.findall(text):
        if token in "[{":
            stack.append(token)
        elif token in CLOSING and stack and stack[-1] == CLOSING[token]:
            stack.pop()


def _joined(lines: list[Line]) -> Iterator[Line]:
    """Yield an object as one line, with the comma behind it; the lines if it is none."""
    text = " ".join(one.strip() for _, one in lines)
    before, after = "[" * text.startswith("["), "," * text.endswith(",")
    try:
        value = json.loads(text.removeprefix("[").removesuffix(","))
    except (ValueError, RecursionError):
        yield from lines
        return
    yield lines[0][0], f"{before}{json.dumps(value, ensure_ascii=False)}{after}"
