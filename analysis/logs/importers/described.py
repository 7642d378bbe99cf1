"""Logs of any program, if a TOML file describes their lines.

    expression = '^\\[(?<time>\\S+)\\] (?<kind>\\w+) clock=(?<clock>\\d+)( peer=(?<peer>\\S+))?'
    time = "ms"               # s, ms, us, ns, or a format like "%H:%M:%S.%f"; default: inferred
    queue = "before"          # counted before or after a receive; default: inferred
    files = "*.log"           # default: all files in which the expression matches a line

    [kinds]                   # names of events; default: send, sent, receive, recv, ...
    send = ["SND", "BCAST"]
    receive = ["RCV"]
    internal = ["LOCAL"]

The groups of the expression are `clock` and `kind`, and any of `time`, `queue`, `sender`,
`receivers`, `peer` (the receiver of a send, or the sender of a receive), `stamp` (of the message)
and `machine` (default: the file's name).
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, get_args

from analysis.history.run import InputError, Run
from analysis.logs.expressions import Expression
from analysis.logs.foreign import run_of
from analysis.logs.importers.delimited import COLUMNS, NEEDED, row_of
from analysis.logs.importers.rows import KIND_WORDS, NO_EVENT, Reader, Row
from analysis.logs.limits import MAX_DESCRIPTION_BYTES
from vm.files import read_bytes
from vm.quoting import escaped, plain, quoted
from vm.records import Kind
from vm.schedule import UNITS_NS
from vm.spec import suggestion

NAME = "described"
SUFFIX = ".toml"
QUEUES = ("before", "after")
#: A format of times has to read what it writes.
SOME_DAY = datetime(2001, 2, 3, 4, 5, 6, 789000, UTC)


@dataclass(frozen=True)
class Described:
    """A format, as a file describes it."""

    expression: Expression
    time: str
    queue: str
    files: str
    kinds: Mapping[str, Kind]

    def knows(self, head: str) -> bool:
        """Return whether a file with this beginning is a log of this format."""
        try:
            return any(self.expression.search(line) for line in head.splitlines())
        except InputError:
            # Loading the file gives the same reason.
            return True

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the run from the logs in a directory, or from one file."""
        reader = Reader(self.time, self.kinds)
        matching = [file for file in files if fnmatch(file.name, self.files)]
        if not matching:
            raise InputError(f"{path}: files: no file is called {quoted(self.files)}")
        rows = [row for file in matching for row in self._rows(file, reader)]
        return [run_of(reader.extract(path, NAME, rows, self.queue))]

    def _rows(self, file: Path, reader: Reader) -> Iterator[Row]:
        name, machine = escaped(file.name), escaped(file.stem)
        for number, line in reader.lines(file):
            if found := self.expression.search(line):
                texts = {key: text or "" for key, text in found.groupdict().items()}
                yield row_of(name, machine, number, texts)
            else:
                reader.refuse(name, number, NO_EVENT)


def read(path: Path) -> Described:
    """Read the description of a format; InputError names the wrong field."""
    try:
        given = tomllib.loads(read_bytes(path.resolve(), MAX_DESCRIPTION_BYTES).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    except (ValueError, RecursionError):
        problem = "a number has too many digits, or brackets too many levels"
        raise InputError(f"{path} cannot be read: {problem}") from None
    for key in given:
        if key not in FIELDS:
            name, near = plain(key), suggestion(key, FIELDS)
            raise InputError(f"{path}: {name}: there is no such field{near}")
    if "expression" not in given:
        raise InputError(f"{path}: expression: it is needed, with the groups clock and kind")
    try:
        return Described(**{key: field(given.get(key)) for key, field in FIELDS.items()})
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _expression(value: Any) -> Expression:
    try:
        expression = Expression(str(value))
    except ValueError as error:
        raise ValueError(f"expression: {error}") from None
    groups = expression.groups
    if missing := NEEDED - groups:
        raise ValueError(f"expression: the group {min(missing)} is needed")
    for group in groups:
        if group not in COLUMNS:
            raise ValueError(
                f"expression: there is no group {quoted(group)}{suggestion(group, COLUMNS)}"
            )
    return expression


def _time(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value in UNITS_NS:
        return value
    problem = f"is neither one of {', '.join(UNITS_NS)} nor like %H:%M:%S"
    if not isinstance(value, str) or "%" not in value:
        raise ValueError(f"time: {quoted(value)} {problem}")
    try:
        datetime.strptime(SOME_DAY.strftime(value), value)
    except (ValueError, re.error):
        raise ValueError(f"time: {quoted(value)} {problem}") from None
    return value


def _queue(value: Any) -> str:
    if value is None or value in QUEUES:
        return value or ""
    raise ValueError(f"queue: {quoted(value)} is neither before nor after")


def _files(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "*"
    raise ValueError(f"files: {quoted(value)} is not a pattern like *.log")


def _kinds(value: Any) -> Mapping[str, Kind]:
    if value is None:
        return KIND_WORDS
    if not isinstance(value, dict):
        raise ValueError(f"kinds: {quoted(value)} is not a table")
    kinds: dict[str, Kind] = {}
    for kind, words in value.items():
        if kind not in get_args(Kind):
            raise ValueError(f"kinds.{plain(kind)}: there are {', '.join(get_args(Kind))}")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"kinds.{kind}: {quoted(words)} is not a list of texts")
        kinds |= dict.fromkeys((word.lower() for word in words), kind)
    return kinds


#: Every field of a description, with the function that reads its plain value, None if absent.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "expression": _expression,
    "time": _time,
    "queue": _queue,
    "files": _files,
    "kinds": _kinds,
}
