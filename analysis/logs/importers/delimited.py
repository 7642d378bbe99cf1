"""Delimited logs, as several public labs write them: `time|clock|kind|queue|peer`.

One file per machine; the delimiter is `|`, a comma, a semicolon or a tab. A first line with names
of columns allows another order and other columns: `machine` if a file has several, `stamp` for the
stamp of a message. A peer is the receiver of a send, or the sender of a receive.
"""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from analysis.history.run import Run
from analysis.logs.foreign import run_of
from analysis.logs.importers.rows import NUMBER, Reader, Row
from vm.quoting import escaped

NAME = "delimited"
DELIMITERS = "|,;\t"
#: The names of each column, in lower case.
COLUMNS = {
    "time": {"time", "timestamp", "system_time", "system time", "real_time", "global time", "date"},
    "clock": {"clock", "logical_clock", "logical clock", "lamport", "lamport_clock", "lc"},
    "kind": {"kind", "event", "event_type", "event type", "type", "action", "operation"},
    "queue": {"queue", "queue_length", "queue length", "queue_size", "queue size", "queue_len"},
    "peer": {"peer", "other", "partner"},
    "sender": {"sender", "from", "source", "src"},
    "receivers": {"receiver", "receivers", "to", "destination", "dest", "dst", "target"},
    "stamp": {"stamp", "message_clock", "message clock", "received_clock", "sent_clock"},
    "machine": {"machine", "vm", "process", "host", "node", "machine_id", "process_id"},
}
BY_DEFAULT = ("time", "clock", "kind", "queue", "peer")
NEEDED = {"clock", "kind"}
MIN_COLUMNS = 3


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    return _layout(head) is not None


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the run from the logs in a directory, or from one file."""
    reader = Reader()
    rows = [row for file in files for row in _rows(file, reader)]
    return [run_of(reader.extract(path, NAME, rows))]


def _layout(head: str) -> tuple[str, tuple[str, ...], bool] | None:
    """Return the delimiter, the columns, and whether the first line names them."""
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        return None
    for delimiter in DELIMITERS:
        cells = _cells(lines[0], delimiter)
        named = tuple(_column(cell) for cell in cells)
        if {*named} >= NEEDED:
            return delimiter, named, True
        if len(cells) >= MIN_COLUMNS and _is_event(cells):
            return delimiter, BY_DEFAULT, False
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    rows = list(csv.reader([line.replace("\0", "")], delimiter=delimiter))
    return [cell.strip() for cell in rows[0]] if rows else []


def _column(cell: str) -> str:
    name = cell.strip("# ").lower()
    return next((column for column, names in COLUMNS.items() if name in names), "")


def _is_event(cells: Sequence[str]) -> bool:
    """Return whether cells in the order of BY_DEFAULT are an event."""
    return bool(NUMBER.fullmatch(cells[1])) and Reader().kind_of(cells[2]) is not None


def _rows(file: Path, reader: Reader) -> Iterator[Row]:
    lines = reader.lines(file)
    first = next(lines, (0, ""))
    if (layout := _layout(first[1])) is None:
        # The first line is too long.
        return
    delimiter, columns, has_names = layout
    name, machine = escaped(file.name), escaped(file.stem)
    for number, line in lines if has_names else chain([first], lines):
        cells = _cells(line, delimiter)
        if len(cells) < MIN_COLUMNS:
            reader.refuse(name, number, "there are too few columns")
        else:
            yield row_of(name, machine, number, dict(zip(columns, cells, strict=False)))


def row_of(file: str, machine: str, line: int, found: dict[str, str]) -> Row:
    """Make a row from texts by the names of COLUMNS; `machine` is the default for the column."""
    known = {name: found.get(name, "") for name in COLUMNS}
    peer = known.pop("peer")
    defaults = {"machine": machine, "sender": peer, "receivers": peer}
    return Row(file, line, **{name: known[name] or defaults.get(name, "") for name in known})
