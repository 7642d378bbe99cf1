"""Delimited logs, as several public labs write them: `time|clock|kind|queue|peer`.

One file per machine; the delimiter is `|`, a comma, a semicolon or a tab. A first line with names
of columns allows another order and other columns: `machine` if a file has several, `stamp` for the
stamp of a message. A peer is the receiver of a send, or the sender of a receive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from analysis.history.run import Run
from analysis.logs import texts
from analysis.logs.description.description import Description
from analysis.logs.importers.cutting import NO_COLUMNS, SAMPLED_LINES, cells_of, unused
from analysis.logs.importers.rows import KIND_WORDS, NUMBER, Reader, Row, kind_of, row_of
from analysis.logs.importers.runs import runs_in
from analysis.logs.lines.leftover import Left
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
    "receivers": {
        *("receiver", "receivers", "to", "destination", "destinations", "dest", "dst", "target"),
        *("targets", "recipient", "recipients"),
    },
    "stamp": {"stamp", "message_clock", "message clock", "received_clock", "sent_clock", "carried"},
    "machine": {"machine", "vm", "process", "host", "node", "machine_id", "process_id"},
}
BY_DEFAULT = ("time", "clock", "kind", "queue", "peer")
NEEDED = {"clock", "kind"}
MIN_COLUMNS = 3
#: The fields of a description that change how these logs are read.
SETTINGS = (
    "time",
    "initial",
    "clock",
    "stamp",
    "queue",
    "vector",
    "separators",
    "kinds",
    "machines",
)


@dataclass(frozen=True)
class Delimited:
    """The format, with the conventions that are given."""

    given: Description = field(default_factory=Description)

    def knows(self, head: str) -> bool:
        return knows(head)

    def columns(self, file: Path) -> tuple[str, dict[str, str | int]]:
        """Return the delimiter of a log, and its columns by part: their names, or their places."""
        first = next((line for line in texts.head(file).splitlines() if line.strip()), "")
        layout = _layout(first)
        assert layout, "the format knows its files"
        delimiter, columns, has_names = layout
        names = cells_of(first, delimiter)
        found: dict[str, str | int] = {}
        for place, part in enumerate(columns, 1):
            if part and part not in found and place <= len(names):
                found[part] = names[place - 1] if has_names else place
        return delimiter, found

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the run from the logs in a directory, or from one file."""
        reader = Reader(self.given)
        for file in files:
            reader.part().rows.extend(_rows(file, reader))
        return runs_in(reader, path, NAME)


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    return _layout(head) is not None


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the run from the logs in a directory, or from one file."""
    return Delimited().load(path, files)


def is_sure(head: str, is_alone: bool) -> bool:
    """Return whether the kinds of most lines in the beginning of a log are words that are known.

    A log that is the only one needs to name its machines.
    """
    if (layout := _layout(head)) is None:
        return False
    delimiter, columns, has_names = layout
    if is_alone and "machine" not in columns:
        return False
    lines = [line for line in head.splitlines() if line.strip()][has_names:-1]
    place = columns.index("kind")
    rows = [cells for line in lines if len(cells := cells_of(line, delimiter)) > place]
    if not {"peer", "receivers"} & {*columns} and _may_have_receivers(rows, columns, place):
        return False
    return 10 * sum(cells[place].lower() in KIND_WORDS for cells in rows) >= 9 * len(rows)


def _may_have_receivers(rows: Sequence[Sequence[str]], columns: Sequence[str], kind: int) -> bool:
    """Return whether a column of another name has cells in sends, and none in internal events."""
    filled: dict[str | None, set[int]] = {"send": set(), "internal": set()}
    for cells in rows:
        some = {n for n, cell in enumerate(cells[: len(columns)]) if cell and not columns[n]}
        filled.setdefault(KIND_WORDS.get(cells[kind].lower()), set()).update(some)
    return bool(filled["send"] - filled["internal"])


def _layout(head: str) -> tuple[str, tuple[str, ...], bool] | None:
    """Return the delimiter, the columns, and whether the first line names them."""
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        return None
    for delimiter in DELIMITERS:
        cells = cells_of(lines[0], delimiter)
        named = tuple(column_of(cell) for cell in cells)
        if {*named} >= NEEDED:
            return delimiter, named, True
        if len(cells) >= MIN_COLUMNS and _is_event(cells):
            return delimiter, BY_DEFAULT, False
    return None


def column_of(cell: str) -> str:
    """Return the part of an event that a column with this name holds, "" if none is known."""
    name = cell.strip("# ").lower()
    return next((column for column, names in COLUMNS.items() if name in names), "")


def _is_event(cells: Sequence[str]) -> bool:
    """Return whether cells in the order of BY_DEFAULT are an event."""
    return bool(NUMBER.fullmatch(cells[1])) and kind_of(cells[2], KIND_WORDS) is not None


def _rows(file: Path, reader: Reader) -> Iterator[Row]:
    lines = (line for line in reader.lines(file) if line[1].strip())
    first = next(lines, (0, ""))
    if (layout := _layout(first[1])) is None:
        # The first line is too long.
        return
    delimiter, columns, has_names = layout
    name, machine, leftover = escaped(file.name), texts.stem(file), reader.part().leftover
    if has_names:
        reader.note(unused(_unused(cells_of(first[1], delimiter), columns)))
    for number, line in lines if has_names else chain([first], lines):
        cells = cells_of(line, delimiter)
        if len(cells) < MIN_COLUMNS:
            leftover.left.append(Left(name, number, line, NO_COLUMNS))
        else:
            if number <= SAMPLED_LINES:
                leftover.is_event(line)
            yield row_of(name, machine, number, _by_column(columns, cells))


def _by_column(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return the cells by column; of several columns of one meaning the first counts."""
    return dict(reversed([*zip(columns, cells, strict=False)]))


def _unused(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the columns without a known meaning, or a second one of one meaning."""
    return [
        name
        for at, (name, column) in enumerate(zip(names, columns, strict=True))
        if not column or column in columns[:at]
    ]
