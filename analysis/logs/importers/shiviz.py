"""Logs for ShiViz, as GoVector and related libraries write them: a vector clock in JSON per event.

A regular expression with the named groups `host`, `clock` and `event` matches an event. As in a
file for ShiViz's upload, the first line can be that expression and the second line a delimiter:
a regular expression that matches between executions and names them by its group `trace`. Without
these lines, the default layouts of ShiViz and GoVector are tried. A group `timestamp` (as in TSViz)
is the time in nanoseconds.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import regex

from analysis.history.run import (
    HEAD_BYTES,
    MAX_INT64,
    NO_SEND_FITS,
    SCHEMA,
    SEVERAL_FIT,
    TORN,
    Damage,
    InputError,
    Run,
)
from analysis.logs.conventions import dated
from analysis.logs.expressions import Expression
from analysis.logs.importers.vector_messages import Conclusion, conclude
from analysis.logs.limits import (
    MAX_CELLS,
    MAX_COMPONENTS,
    MAX_EVENTS,
    MAX_MACHINES,
    MAX_NAME_CHARACTERS,
    MAX_REASON_CHARACTERS,
    MAX_TEXT_BYTES,
)
from vm.files import name_of, read_bytes
from vm.log import SURROGATE
from vm.quoting import escaped, plain
from vm.spec import natural_order

NAME = "shiviz"
GROUPS = {"host", "clock", "event"}
#: Executions in a file, and characters of their names.
MAX_EXECUTIONS = 1_000
MAX_LABEL = 60
#: Default layouts of events, by the first lines of a log.
LAYOUTS = {
    r"\S+ \{[^{}]*\}\s*\n": r"^(?P<host>\S+) (?P<clock>\{.*\})\s*\n(?P<event>.*)$",
    r".*\n\S+ \{[^{}]*\}\s*(?:\n|$)": r"^(?P<event>.*)\n(?P<host>\S+) (?P<clock>\{.*\})\s*$",
    r"\S+ \{[^{}]*\} .": r"^(?P<host>\S+) (?P<clock>\{[^{}]*\}) (?P<event>.+)$",
    r"\S+ .*\{[^{}]*\}\s*(?:\n|$)": r"^(?P<host>\S+) (?P<event>.*?) ?(?P<clock>\{[^{}]*\})\s*$",
}
DELIMITER = r"^===+ ?(?P<trace>.*?) ?===+$"
BY_VECTORS = "vector clocks"
CIRCULAR = "the messages were inferred from the vector clocks themselves"


class _HostEvent(NamedTuple):
    host: str
    clock: dict[str, int]
    at_ns: int | None
    file: str
    line: int


class _Layout(NamedTuple):
    """The layout of a file; its log begins at `begin`, after the expressions."""

    event: Expression
    delimiter: Expression
    begin: int


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    try:
        layout = _layout(head)
    except ValueError:
        return False
    try:
        first = layout.event.search(head, layout.begin) if layout else None
    except InputError:
        # Loading the file gives the same reason for this file alone.
        return True
    return first is not None and isinstance(_event(first, "", 1), _HostEvent)


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the executions in a file, or in the logs of a directory together."""
    executions: dict[str, list[_HostEvent]] = {}
    damage: dict[str, list[Damage]] = {}
    lines = 0
    for file in files:
        try:
            for label, found in _read(file):
                lines += 1
                events, unusable = executions.setdefault(label, []), damage.setdefault(label, [])
                if isinstance(found, Damage):
                    unusable.append(found)
                else:
                    events.append(found)
                if lines > MAX_EVENTS:
                    raise InputError(f"more than {MAX_EVENTS:,} events and unusable lines")
        except InputError as error:
            raise InputError(f"{file}: {error}") from None
    labels = [label for label, events in executions.items() if events]
    if not labels:
        reasons = (
            f"{one.file}:{one.line}: {one.reason}" for found in damage.values() for one in found
        )
        raise InputError(f"{path}: no event could be read: {next(reasons, 'there is none')}")
    # Lines of executions without an event are reported with the first that has one.
    for label in labels[:1]:
        damage[label] += [one for other in damage if other not in labels for one in damage[other]]
    name = name_of(path)
    return [
        _run(
            path,
            f"{name}#{_in_a_name(label)}" if len(labels) > 1 else name,
            executions[label],
            tuple(damage[label]),
        )
        for label in labels
    ]


def _read(file: Path) -> Iterator[tuple[str, _HostEvent | Damage]]:
    """Yield the events and unusable lines of a file, with the label of their execution."""
    text = read_bytes(file, MAX_TEXT_BYTES).decode(errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    layout, last, components = _layout(text[:HEAD_BYTES]), text.count("\n") + 1, 0
    assert layout
    for label, begin, end in _parts(layout, text):
        for found in _events(layout, text, begin, end, escaped(file.name)):
            if isinstance(found, Damage):
                is_last = found.line == last and not text.endswith("\n")
                reason = plain(f"{TORN}: " * is_last + found.reason, MAX_REASON_CHARACTERS)
                yield label, found._replace(reason=reason)
            else:
                components += len(found.clock)
                if components > MAX_COMPONENTS:
                    raise InputError(f"its clocks have more than {MAX_COMPONENTS:,} components")
                yield label, found


def _in_a_name(label: str) -> str:
    """Make the label of an execution safe for a file's name."""
    return re.sub(r"[^\w.-]+", "_", label[:MAX_LABEL])


# --- text ---


def _layout(head: str) -> _Layout | None:
    """Return the layout, None if this is another format; ValueError for an invalid expression."""
    first, _, rest = head.partition("\n")
    second, _, _ = rest.partition("\n")
    if all(f"(?<{group}>" in first for group in GROUPS):
        begin = len(first) + 1 + len(second) + 1
        return _Layout(_expression(first), _expression(second.strip() or DELIMITER), begin)
    begin = len(head) - len(head.lstrip())
    for begins, event in LAYOUTS.items():
        if re.compile(begins).match(head, begin):
            return _Layout(_expression(event), _expression(DELIMITER), begin)
    return None


def _expression(text: str) -> Expression:
    """Compile a JavaScript expression as ShiViz applies it: line by line, ASCII only."""
    return Expression(text.rstrip("\r"), regex.MULTILINE | regex.ASCII)


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
) -> Iterator[_HostEvent | Damage]:
    """Return the events of an execution, and the lines that match no event as damage."""
    line, at = text.count("\n", 0, begin) + 1, begin
    for match in layout.event.matches(text, begin, end):
        yield from _left_over(text[at : match.start()], file, line)
        line += text.count("\n", at, match.start())
        yield _event(match, file, line)
        line += text.count("\n", match.start(), match.end())
        at = match.end()
    yield from _left_over(text[at:end], file, line)


def _left_over(text: str, file: str, first: int) -> Iterator[Damage]:
    for number, line in enumerate(text.split("\n"), first):
        if line.strip():
            yield Damage(file, number, "the expression finds no event here")


def _event(match: Any, file: str, line: int) -> _HostEvent | Damage:
    host, text = match["host"] or "", match["clock"] or ""
    if len(host) > MAX_NAME_CHARACTERS:
        return Damage(file, line, f"the host's name is longer than {MAX_NAME_CHARACTERS}")
    try:
        clock = json.loads(text)
    except (ValueError, RecursionError):
        return Damage(file, line, f"the clock is not JSON: {text}")
    if isinstance(clock, dict) and SURROGATE.search("".join(clock)):
        return Damage(file, line, f"a name in the clock is not text: {text}")
    if not isinstance(clock, dict) or not all(type(n) is int for n in clock.values()):
        return Damage(file, line, f"the clock does not give a number for every host: {text}")
    if host not in clock:
        return Damage(file, line, f"the clock has no entry of its own host, {host}")
    if not all(0 <= number <= MAX_INT64 // (len(clock) + 1) for number in clock.values()):
        return Damage(file, line, f"a number of the clock cannot be: {text}")
    stamp = match.groupdict().get("timestamp") or ""
    at_ns = int(stamp) if re.fullmatch("[0-9]{1,19}", stamp) else None
    if at_ns is not None and at_ns > MAX_INT64:
        return Damage(file, line, f"the time cannot be {stamp}")
    return _HostEvent(host, {name: n for name, n in clock.items() if n}, at_ns, file, line)


# --- a run ---


def _run(path: Path, name: str, events: list[_HostEvent], damage: tuple[Damage, ...]) -> Run:
    hosts = {event.host for event in events}
    named = {host for event in events for host in event.clock} - hosts
    if len(hosts) + len(named) > MAX_MACHINES:
        raise InputError(f"{path} names more than {MAX_MACHINES} hosts in one execution")
    logged = sorted(hosts, key=natural_order)
    machines = (*logged, *sorted(named, key=natural_order))
    if len(events) * len(machines) > MAX_CELLS:
        raise InputError(
            f"{path}: {len(events):,} events of {len(machines)} hosts: only {MAX_CELLS:,}"
            " components of clocks are read"
        )
    _refuse_several(path, events)
    number = {machine: n for n, machine in enumerate(machines)}
    # ShiViz orders the events of a host by its own component, whatever their order in the file.
    rows = sorted(events, key=lambda event: (number[event.host], event.clock.get(event.host, 0)))
    vectors = np.array([[e.clock.get(m, 0) for m in machines] for e in rows], np.int64)
    concluded = conclude([number[event.host] for event in rows], vectors)
    notes = list(_notes(concluded))
    table, resolution_ns = dated(_table(name, machines, rows, vectors, concluded), notes)
    return Run(
        name=name,
        path=path,
        format=NAME,
        clocks=("vector",),
        machines=machines,
        missing=tuple(machine for machine in machines if machine in named),
        files={event.host: event.file for event in rows},
        scan=table.lazy(),
        damage=damage,
        resolution_ns=resolution_ns,
        conventions=tuple(notes),
        unknown=(("clock_condition", CIRCULAR), ("strong_clock_condition", CIRCULAR)),
    )


def _refuse_several(path: Path, events: Sequence[_HostEvent]) -> None:
    first = dict[str, _HostEvent]()
    for event in events:
        if event.clock.get(event.host) == 1:
            if (other := first.get(event.host)) is not None:
                raise InputError(
                    f"{path}: {event.host} begins on line {other.line} of {other.file} and again on"
                    f" line {event.line} of {event.file}: the logs of several executions were"
                    " appended; give them apart, or their delimiter in the second line"
                )
            first[event.host] = event


def _table(
    name: str,
    machines: tuple[str, ...],
    rows: list[_HostEvent],
    vectors: np.ndarray,
    concluded: dict[int, Conclusion],
) -> pl.DataFrame:
    index = pl.DataFrame({"machine": [e.host for e in rows]}).select(
        pl.int_range(pl.len()).over("machine")
    )
    indexes = index.to_series().to_list()
    to: dict[int, list[str]] = {}
    causes: dict[int, int] = {}
    for row, found in concluded.items():
        if found.send >= 0:
            to.setdefault(found.send, []).append(rows[row].host)
            causes[row] = indexes[found.send]
    columns = {
        "run": [name] * len(rows),
        "machine": [event.host for event in rows],
        "index": indexes,
        "kind": [
            "receive" if row in concluded else "send" if row in to else "internal"
            for row in range(len(rows))
        ],
        "at_ns": [event.at_ns for event in rows],
        "main": vectors.sum(axis=1),
        "to": [to.get(row) for row in range(len(rows))],
        "sender": [_sender(machines, concluded.get(row)) for row in range(len(rows))],
        "cause": [causes.get(row) for row in range(len(rows))],
        "inferred": [_method(concluded.get(row)) for row in range(len(rows))],
        "file": [event.file for event in rows],
        "line": [event.line for event in rows],
        "clock_vector": pl.Series(vectors).arr.to_list(),
    }
    table = pl.DataFrame(columns, {column: SCHEMA[column] for column in columns})
    absent = [pl.lit(None).alias(column) for column in SCHEMA if column not in columns]
    return table.with_columns(absent).select(pl.col(n).cast(t) for n, t in SCHEMA.items())


def _sender(machines: tuple[str, ...], one: Conclusion | None) -> str | None:
    return machines[one.sender] if one and one.sender >= 0 else None


def _method(one: Conclusion | None) -> str | None:
    if one is None:
        return None
    if one.send >= 0:
        return BY_VECTORS
    return NO_SEND_FITS if one.needed == 1 else SEVERAL_FIT


def _notes(concluded: dict[int, Conclusion]) -> Iterator[str]:
    yield "events of a host are in the order of its own count, from 1"
    sends = [one for one in concluded.values() if one.send >= 0]
    yield f"{len(sends)} of {len(concluded)} receives belong to their send by {BY_VECTORS}"
    if at_once := sum(one.send < 0 and one.needed > 1 for one in concluded.values()):
        yield (
            f"{at_once} events have new components of several sends, which no single message"
            " explains"
        )
