"""Logs for ShiViz, as GoVector and related libraries write them: a vector clock in JSON per event.

A regular expression with the named groups `host`, `clock` and `event` finds an event; as in ShiViz
it is searched, and other text is passed over. As in a file for ShiViz's upload, the first line can
be that expression and the second line a delimiter: a regular expression that matches between
executions and names them by its group `trace`. Without these lines, the layout is the one that
finds the most events: those of ShiViz and GoVector, and of TLC's error traces with the module
ShiViz. A group `timestamp` (as in TSViz) is the time.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import regex

from analysis.history.run import HEAD_BYTES, TORN, Damage, InputError, Run
from analysis.logs import texts
from analysis.logs.expressions import Expression
from analysis.logs.limits import MAX_REASON_CHARACTERS
from analysis.logs.vectors.events import HostEvent, clock_in
from analysis.logs.vectors.runs import Execution, runs_of
from vm.quoting import escaped, plain

NAME = "shiviz"
GROUPS = {"host", "clock", "event"}
#: Executions in a file.
MAX_EXECUTIONS = 1_000
#: Layouts are compared on so many characters.
SAMPLE = 16_000
_HOST = r"(?P<host>\S+) (?P<clock>\{.*\})[ \t]*$"
_TIMED = rf"(?P<timestamp>[0-9.:TZ+-]+) {_HOST}"
_TEXT = r"(?!(?:[0-9.:TZ+-]+ )?\S+ \{.*\}[ \t]*$)(?P<event>.*)"
_REST = r"(?:(?!State |\d+: <)[^\n]*\n)*?"
_STATE = r'/\\ Host = "(?P<host>[^"\n]*)"', r'/\\ Clock = "(?P<clock>.*)"'
#: Default layouts of events: clock and text on a line each, in either order; on one line; of TLC.
LAYOUTS = (
    rf"^{_HOST}(?:\n{_TEXT})?",
    rf"^(?:{_TEXT}\n)?{_HOST}",
    r"^(?P<host>\S+) (?P<clock>\{[^{}]*\}) (?P<event>.+)$",
    r"^(?P<host>\S+) (?P<event>.*?) ?(?P<clock>\{[^{}]*\})[ \t]*$",
    rf"^{_TIMED}(?:\n{_TEXT})?",
    rf"^(?:{_TEXT}\n)?{_TIMED}",
    r"^(?P<timestamp>[0-9.:TZ+-]+) (?P<host>\S+) (?P<clock>\{[^{}]*\}) (?P<event>.+)$",
    rf"^(?:State )?\d+: <(?P<event>\w+)[^\n]*>\n{_REST}"
    rf"(?:{_STATE[0]}\n{_REST}{_STATE[1]}|{_STATE[1]}\n{_REST}{_STATE[0]})$",
)
DELIMITER = r"^===+ ?(?P<trace>.*?) ?===+$"
NOT_FOUND = "the expression finds no event here"
#: A line that begins as an event does.
BEGUN = re.compile(r"\s*(\S+)\s*\{")


class _Layout(NamedTuple):
    """The layout of a file; its log begins at `begin`, after the expressions."""

    event: Expression
    delimiter: Expression
    begin: int


class _LeftOver(NamedTuple):
    """A line in which the expression finds nothing."""

    number: int
    text: str


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    try:
        return _has_expression(head) or _layout(head) is not None
    except InputError:
        # Loading the file gives the same reason for this file alone.
        return True


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the executions in a file, or in the logs of a directory together."""
    executions: dict[str, Execution] = {}
    notes = list[str]()
    for file in files:
        try:
            notes += _read(file, executions)
        except InputError as error:
            raise InputError(f"{file}: {error}") from None
    return runs_of(path, NAME, executions, notes)


def _read(file: Path, executions: dict[str, Execution]) -> tuple[str, ...]:
    """Read a file into executions by their labels; return notes on its encoding."""
    text, notes = texts.read(file)
    layout = _layout(text[:HEAD_BYTES])
    assert layout
    last = text.count("\n") + 1 if text and not text.endswith("\n") else 0
    for label, begin, end in _parts(layout, text):
        one, left = executions.setdefault(label, Execution()), list[_LeftOver]()
        for found in _events(layout, text, begin, end, escaped(file.name)):
            if isinstance(found, _LeftOver):
                left.append(found)
            else:
                one.add(found)
        _leave(one, left, escaped(file.name), last)
    return notes


def _leave(one: Execution, lines: Sequence[_LeftOver], file: str, last: int) -> None:
    """Take in the lines without an event: torn, damaged or of no concern."""
    hosts = {event.host for event in one.events}
    for number, text in lines:
        begun = BEGUN.match(text)
        if number == last:
            reason = f"{TORN}: {NOT_FOUND}"
        elif begun and begun[1] in hosts:
            reason = plain(f"{NOT_FOUND}: {text}", MAX_REASON_CHARACTERS)
        else:
            one.pass_over(text)
            continue
        one.add(Damage(file, number, reason))


# --- text ---


def _has_expression(head: str) -> bool:
    first, _, _ = head.partition("\n")
    return all(f"(?<{group}>" in first or f"(?P<{group}>" in first for group in GROUPS)


def _layout(head: str) -> _Layout | None:
    """Return the layout, None if this is another format; InputError for an invalid expression."""
    if not _has_expression(head):
        return _best(head)
    first, _, rest = head.partition("\n")
    second, _, _ = rest.partition("\n")
    begin = min(len(first) + 1 + len(second) + 1, len(head))
    try:
        return _Layout(_expression(first), _expression(second.strip() or DELIMITER), begin)
    except ValueError as error:
        raise InputError(f"its first lines are no expressions for events: {error}") from None


def _best(head: str) -> _Layout | None:
    """Return the default layout that finds the most events, and leaves the fewest lines."""
    if "{" not in head:
        return None
    end = min(len(head), max(SAMPLE, head.find("\n", SAMPLE)))
    best, most = None, (0, 0)
    for expression in LAYOUTS:
        layout = _Layout(_expression(expression), _expression(DELIMITER), 0)
        found = [
            one
            for _, low, high in _parts(layout, head[:end])
            for one in _events(layout, head[:end], low, high, "")
        ]
        events = sum(isinstance(one, HostEvent) for one in found)
        if events and (events, events - len(found)) > most:
            best, most = layout, (events, events - len(found))
    return best


def _expression(text: str) -> Expression:
    """Compile a JavaScript expression as ShiViz applies it: line by line, ASCII only."""
    return Expression(text.replace("[^]", r"[\s\S]"), regex.MULTILINE | regex.ASCII)


def _parts(layout: _Layout, text: str) -> Iterator[tuple[str, int, int]]:
    """Return label, begin and end of each execution in a file."""
    begin, label = layout.begin, "1"
    delimiters = layout.delimiter.matches(text, layout.begin, len(text))
    for number, delimiter in enumerate(delimiters, 2):
        if number > MAX_EXECUTIONS:
            raise InputError(f"more than {MAX_EXECUTIONS:,} executions: give them apart")
        yield label, begin, delimiter.start()
        begin, label = delimiter.end(), delimiter.groupdict().get("trace") or str(number)
    yield label, begin, len(text)


def _events(
    layout: _Layout, text: str, begin: int, end: int, file: str
) -> Iterator[HostEvent | Damage | _LeftOver]:
    """Return the events of an execution, and the lines that match no part of an event."""
    line, at = text.count("\n", 0, begin) + 1, begin
    for match in layout.event.matches(text, begin, end):
        yield from _left_over(text, at, match.start(), line)
        line += text.count("\n", at, match.start())
        yield _event(match, file, line)
        line += text.count("\n", match.start(), match.end())
        at = match.end()
    yield from _left_over(text, at, end, line)


def _left_over(text: str, begin: int, end: int, first: int) -> Iterator[_LeftOver]:
    """Yield the lines between two positions, without parts of lines that hold an event."""
    parts = text[begin:end].split("\n")
    for number, line in enumerate(parts):
        is_rest = number == 0 and begin > 0 and text[begin - 1] != "\n"
        is_beginning = number == len(parts) - 1 and end < len(text) and text[end] != "\n"
        if line.strip() and not is_rest and not is_beginning:
            yield _LeftOver(first + number, line)


def _event(match: Any, file: str, line: int) -> HostEvent | Damage:
    groups = match.groupdict()
    host, text = match["host"] or "", match["clock"] or ""
    clock = clock_in(text, host)
    if isinstance(clock, str):
        return Damage(file, line, plain(clock, MAX_REASON_CHARACTERS))
    return HostEvent(
        host, clock, groups.get("event") or "", groups.get("timestamp") or "", file, line
    )
