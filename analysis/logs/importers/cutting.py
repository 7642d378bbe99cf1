"""The events that a description finds in the lines of a log, and the lines that it leaves over."""

import csv
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import regex

from analysis.history.run import InputError
from analysis.logs import texts
from analysis.logs.description.description import Description, Template
from analysis.logs.description.values import path_steps
from analysis.logs.expressions import MATCH, Expression, are_plain
from analysis.logs.importers.rows import (
    FIXED,
    Portion,
    Reader,
    Row,
    columns_of,
    filled,
    frame_of,
    row_of,
)
from analysis.logs.limits import MAX_RUNS_IN_A_FILE
from analysis.logs.lines.leftover import Left
from analysis.logs.lines.objects import on_one_line
from vm.quoting import escaped, plain

Line = tuple[int, str]
#: A line of a file, with its parts if it describes an event, and the number of its template.
Found = tuple[Line, Mapping[str, str] | None, int]
LINE_COLUMNS = {"line": pl.Int64, "text": pl.String}
#: The lines at the beginning of a file that are examples of the shapes of events.
SAMPLED_LINES = 200
#: Rows of each template that are kept as examples.
EXAMPLES = 3
SEPARATORS = ",;|\t"
NO_PATH = "the paths find no event here"
NO_COLUMNS = "there are too few columns"


class Cutter:
    """A description, ready to cut the events out of files."""

    def __init__(self, given: Description) -> None:
        self._given = given
        several = any(_spans_lines(one.expression) for one in given.lines)
        flags = regex.MULTILINE if several else 0
        self._templates = [(one, Expression(one.expression, flags)) for one in given.lines]
        self._ignored = [Expression(text) for text in given.ignore]
        self._delimiter = Expression(given.delimiter) if given.delimiter else None
        #: The number of events of each template, with the first rows.
        self.counts = [0] * max(1, len(given.lines))
        self.examples: list[list[Row]] = [[] for _ in self.counts]
        self._unused: tuple[str, ...] = ()
        self._find = self._way(several)
        self._reason = "" if given.lines else NO_COLUMNS if given.columns else NO_PATH

    def _way(self, several: bool) -> Callable[[Sequence[Line]], Iterator[Found]]:
        if self._given.paths:
            return self._in_json
        if self._given.columns:
            return self._in_columns
        return self._in_text if several else self._in_lines

    def knows(self, text: str) -> bool:
        """Return whether the beginning of a file has an event."""
        lines = list(on_one_line(enumerate(text.split("\n"), 1)))
        try:
            return any(parts is not None for _, parts, _ in self._find(self._kept(lines)))
        except InputError:
            # Loading the file gives the same reason.
            return True

    def cut(self, file: Path, reader: Reader) -> None:
        """Add the events and other lines of a file to the runs of a reader."""
        name, machine = escaped(file.name), texts.stem(file)
        for label, lines in self._runs(on_one_line(reader.lines(file))):
            part = reader.part(label)
            ignored, kept = self._without_ignored(lines)
            part.leftover.left += (
                Left(name, number, text, is_ignored=True) for number, text in ignored
            )
            self._add(part, name, machine, kept)
        reader.note(unused(self._unused))

    def _add(self, part: Portion, name: str, machine: str, lines: Sequence[Line]) -> None:
        if self._find == self._in_lines and all(one.is_shared for _, one in self._templates):
            self._add_columns(part, name, machine, lines)
            return
        for (number, text), parts, at in self._find(lines):
            if parts is not None:
                if number <= SAMPLED_LINES:
                    part.leftover.is_event(text)
                part.rows.append(row_of(name, machine, number, parts))
                self._count(at, 1, [part.rows[-1]])
            else:
                self._leave(part, name, number, text)

    def _add_columns(self, part: Portion, name: str, machine: str, lines: Sequence[Line]) -> None:
        """Add all events of a file at once: those of plain lines as columns."""
        columns = {"line": [at for at, _ in lines], "text": [text for _, text in lines]}
        table = pl.DataFrame(columns, LINE_COLUMNS)
        is_plain = are_plain(table["text"])
        found, left = self._in_plain(name, machine, table.filter(is_plain))
        rows, by = list[Row](), list[int]()
        for (number, text), parts, at in self._in_lines(table.filter(~is_plain).rows()):
            if parts is None:
                left.append((number, text))
            else:
                rows.append(row_of(name, machine, number, parts))
                by.append(at)
        events = pl.concat([*found, frame_of(rows).with_columns(by=pl.Series(by, dtype=pl.Int32))])
        events = events.sort("line", maintain_order=True)
        part.add(events.drop("by"))
        for at in range(len(self._templates)):
            own = events.filter(by=at).drop("by")
            self._count(at, own.height, [Row(*one) for one in own.head(EXAMPLES).rows()])
        sampled = events.filter(pl.col("line") <= SAMPLED_LINES)["line"].to_list()
        for text in (text for number, text in lines[:SAMPLED_LINES] if number in sampled):
            part.leftover.is_event(text)
        for number, text in sorted(left):
            self._leave(part, name, number, text)

    def _in_plain(
        self, name: str, machine: str, left: pl.DataFrame
    ) -> tuple[list[pl.DataFrame], list[Line]]:
        """Return the rows in plain lines, by the number of a template, and the other lines."""
        found = list[pl.DataFrame]()
        for at, (template, expression) in enumerate(self._templates):
            groups = expression.of_column(left["text"])
            is_match = groups[MATCH].is_not_null()
            parts = _with_fixed(template, groups.filter(is_match))
            rows = columns_of(name, machine, left["line"].filter(is_match), parts)
            found.append(rows.with_columns(by=pl.lit(at, pl.Int32)))
            left = left.filter(~is_match)
        return found, left.rows()

    def _count(self, at: int, events: int, first: Sequence[Row]) -> None:
        """Count events of a template; keep the first ones as examples."""
        self.counts[at] += events
        self.examples[at] += first[: EXAMPLES - len(self.examples[at])]

    def _leave(self, part: Portion, name: str, number: int, text: str) -> None:
        if text.strip():
            left = Left(name, number, text)
            part.leftover.left.append(left._replace(reason=self._reason) if self._reason else left)

    def _runs(self, lines: Iterator[Line]) -> Iterator[tuple[str, list[Line]]]:
        """Yield the lines of each run, with its name: "" before the first delimiter."""
        if self._delimiter is None:
            yield "", [*lines]
            return
        label, there, count = "", list[Line](), 0
        for number, text in lines:
            if not (found := self._delimiter.search(text)):
                there.append((number, text))
                continue
            yield label, there
            count += 1
            if count > MAX_RUNS_IN_A_FILE:
                raise InputError(f"delimiter: more than {MAX_RUNS_IN_A_FILE:,} runs in a file")
            label, there = found.groupdict().get("trace") or str(count), []
        yield label, there

    def _without_ignored(self, lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
        if not self._ignored:
            return [], [*lines]
        ignored = [one for one in lines if any(e.search(one[1]) for e in self._ignored)]
        return ignored, self._kept(lines) if ignored else [*lines]

    def _kept(self, lines: Sequence[Line]) -> list[Line]:
        return [one for one in lines if not any(e.search(one[1]) for e in self._ignored)]

    # --- ways to find events ---

    def _in_lines(self, lines: Sequence[Line]) -> Iterator[Found]:
        """Search each line for the first expression that matches."""
        found: list[Mapping[str, str] | None] = [None] * len(lines)
        by = [0] * len(lines)
        left: Sequence[int] = range(len(lines))
        for at, (template, expression) in enumerate(self._templates):
            matches = expression.of_lines([lines[n][1] for n in left])
            for n, match in zip(left, matches, strict=True):
                if match:
                    found[n], by[n] = _parts(template, match), at
            left = [n for n in left if found[n] is None]
        yield from zip(lines, found, by, strict=True)

    def _in_text(self, lines: Sequence[Line]) -> Iterator[Found]:
        """Search all lines together, for expressions of events of several lines."""
        text = "\n".join(one for _, one in lines)
        starts = [0]
        for _, one in lines:
            starts.append(starts[-1] + len(one) + 1)
        matches = [
            (match.start(), at, match)
            for at, (_, expression) in enumerate(self._templates)
            for match in expression.matches(text, 0, len(text))
            if match.end() > match.start()
        ]
        end, following = 0, 0
        for start, at, match in sorted(matches, key=lambda one: one[:2]):
            if start < end:
                continue
            first = bisect_right(starts, start) - 1
            yield from ((line, None, 0) for line in lines[following:first])
            yield (lines[first][0], match[0]), _parts(self._templates[at][0], match), at
            end = match.end()
            following = bisect_right(starts, max(start, end - 1))
        yield from ((line, None, 0) for line in lines[following:])

    def _in_json(self, lines: Sequence[Line]) -> Iterator[Found]:
        """Read a JSON value per line, or the whole file as one array."""
        steps = {part: path_steps(path) for part, path in self._given.paths.items()}
        if whole := _array(lines):
            yield from ((line, _at_paths(value, steps), 0) for line, value in whole)
            return
        for line in lines:
            yield line, _at_paths(_json(line[1]), steps), 0

    def _in_columns(self, lines: Sequence[Line]) -> Iterator[Found]:
        """Read delimited columns; names of columns are in the first line."""
        columns = self._given.columns
        filled = (line for line in lines if line[1].strip())
        if (first := next(filled, None)) is None:
            return
        separator = self._given.separator or separator_of(first[1])
        places = {part: at - 1 for part, at in columns.items() if isinstance(at, int)}
        if not places:
            header = cells_of(first[1], separator)
            missing = [name for name in columns.values() if name not in header]
            if missing:
                yield from ((line, None, 0) for line in lines)
                return
            places = {part: header.index(str(name)) for part, name in columns.items()}
            self._unused = tuple(name for name in header if name not in columns.values())
            rest: Iterator[Line] = filled
        else:
            rest = chain([first], filled)
        needed = max(places.values())
        for line in rest:
            cells = cells_of(line[1], separator)
            is_row = len(cells) > needed
            yield line, {part: cells[at] for part, at in places.items()} if is_row else None, 0


def _spans_lines(expression: str) -> bool:
    return "\n" in expression or "\\n" in expression or "\\R" in expression


def _with_fixed(template: Template, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the groups of matches with what a template states for all of them."""
    if template.kind:
        groups = groups.with_columns(kind=pl.lit(f"{FIXED}{template.kind}"))
    if template.receivers:
        own = pl.col("receivers") if "receivers" in groups.columns else pl.lit(None, pl.String)
        groups = groups.with_columns(receivers=filled(own, pl.lit(template.receivers)))
    return groups


def _parts(template: Template, match: Any) -> Mapping[str, str]:
    found: dict[str, str] = match.groupdict()
    if template.kind:
        found["kind"] = f"{FIXED}{template.kind}"
    if template.receivers and not found.get("receivers"):
        found["receivers"] = template.receivers
    return found


# --- JSON ---


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None


def _array(lines: Sequence[Line]) -> list[tuple[Line, Any]] | None:
    """Return the objects of a file that is one JSON array, each with the line of its end."""
    text = "\n".join(one for _, one in lines)
    if text.lstrip()[:1] != "[" or not isinstance(values := _json(text), list):
        return None
    if len(lines) == 1 and not any(isinstance(value, dict) for value in values):
        return None
    decoder, at, found = json.JSONDecoder(), text.index("[") + 1, []
    numbers = [0]
    for _, one in lines:
        numbers.append(numbers[-1] + len(one) + 1)
    for _ in values:
        while text[at] in " \t\r\n,":
            at += 1
        value, end = decoder.raw_decode(text, at)
        line = lines[bisect_right(numbers, at) - 1][0]
        found.append(((line, text[at:end]), value))
        at = end
    return found


def _at_paths(value: Any, steps: Mapping[str, Sequence[str | int]]) -> Mapping[str, str] | None:
    """Return the parts of an event as texts; None unless there is a value for clock and kind."""
    found = {part: _text(_at(value, path)) for part, path in steps.items()}
    return found if found["clock"] and found["kind"] else None


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


# --- tables ---


def cells_of(line: str, separator: str) -> list[str]:
    """Return the cells of a line of a table, without spaces around them."""
    try:
        rows = list(csv.reader([line.replace("\0", "")], delimiter=separator))
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows else []


def unused(names: Sequence[str]) -> str:
    """Return a note on the columns of a table that are not used, "" if there are none."""
    listed = ", ".join(plain(name) for name in names if name)
    return f"columns that are not used: {listed}" if listed else ""


def separator_of(line: str) -> str:
    """Return the separator with the most columns in a line."""
    return max(SEPARATORS, key=lambda one: len(cells_of(line, one)))
