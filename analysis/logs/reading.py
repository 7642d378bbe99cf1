"""Reading of one log of ours: its events as a table, its other records, its damage.

`analysis.logs.bulk` reads many lines at once. If one of them is not exactly an event, the lines are
halved again and again, until a few are left, which are decoded one by one. So every line is read
as `vm.log` defines it, and damage costs time only where it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from analysis.history.run import (
    MAX_INT64,
    TORN,
    Damage,
    InputError,
    beyond_64_bits,
    schema_of,
    table,
    unusable,
)
from analysis.logs import texts
from analysis.logs.bulk import count, read_events
from analysis.logs.limits import MAX_DAMAGE, MAX_REASON_CHARACTERS
from vm.files import MAX_LINE_BYTES
from vm.log import LogError, StartError, decode
from vm.quoting import escaped, input_problem, plain
from vm.records import Event, Record, Recovery, Start, Stop

BLOCK_BYTES = 16 << 20
#: Decoding so few lines one by one takes less time than a call of Polars.
FEW_LINES = 64


@dataclass
class Reading:
    """One log file as far as it was read.

    `records` are all records except events, with their lines; `frames` hold the events in the
    columns of `schema_of` except `run`. `is_big` means that the events are on disk, `is_given_up`
    that the rest of the log is not read.
    """

    path: Path
    start: Start | None = None
    stop: Stop | None = None
    records: list[tuple[int, Record]] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    frames: list[pl.LazyFrame] = field(default_factory=list)
    is_big: bool = False
    is_given_up: bool = False
    _lines: list[int] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)

    @property
    def machine(self) -> str:
        """The machine of the log, by its start record or else by its file name."""
        return self.start.machine if self.start else texts.stem(self.path)

    @property
    def recoveries(self) -> list[tuple[int, Recovery]]:
        return [(line, record) for line, record in self.records if isinstance(record, Recovery)]

    @property
    def scan(self) -> pl.LazyFrame:
        """All events, once the log has been read."""
        return pl.concat(self.frames) if self.frames else pl.LazyFrame(schema=self.schema)

    @property
    def schema(self) -> dict[str, Any]:
        """The columns of the events table, except `run`."""
        schema = schema_of(self.start.spec.clocks if self.start else ())
        return {name: type_ for name, type_ in schema.items() if name != "run"}

    @property
    def file(self) -> str:
        return escaped(self.path.name)

    def refuse(self, line: int, reason: str) -> None:
        self.damage.append(Damage(self.file, line, plain(reason, MAX_REASON_CHARACTERS)))
        if len(self.damage) == MAX_DAMAGE:
            self.give_up(line, f"{MAX_DAMAGE:,} lines could not be used")

    def give_up(self, line: int, reason: str) -> None:
        self.damage.append(Damage(self.file, line, f"the log is read no further: {reason}"))
        self.is_given_up = True

    def take(self, line: int, record: Record) -> None:
        """Take in the next record; a record that is not allowed there becomes damage."""
        if isinstance(record, Start):
            _check_start(self, line, record)
        elif self.start is None:
            self.refuse(line, "comes before a start record")
            return
        elif self.stop:
            self.refuse(line, "comes after the stop record")
            return
        elif reason := _unusable(record, self.start):
            self.refuse(line, reason)
            return
        self.hold(line, record)

    def hold(self, line: int, record: Record) -> None:
        """Take in a record that is known to be allowed there."""
        if isinstance(record, Event):
            self._lines.append(line)
            self._events.append(record)
            return
        self.records.append((line, record))
        if isinstance(record, Start):
            self.start = record
        elif isinstance(record, Stop):
            self.stop = record

    def take_events(self, line: int, events: pl.DataFrame) -> None:
        """Take in a table of the next events, which are on successive lines."""
        self.flush()
        lines = pl.int_range(line, line + events.height, dtype=pl.Int64)
        where = {"machine": pl.lit(self.machine), "file": pl.lit(self.file), "line": lines}
        self.frames.append(events.lazy().with_columns(**where).select(*self.schema))

    def flush(self) -> None:
        """Make a table of the events that were taken in one by one."""
        if self._events:
            assert self.start
            clocks = self.start.spec.clocks
            frame = table(self.machine, self.file, clocks, self._lines, self._events)
            self.frames.append(frame.lazy())
            self._lines, self._events = [], []


def of_records(path: Path, records: Iterable[Record]) -> Reading:
    """Return the reading of a log that is not written yet, and so cannot be damaged."""
    reading = Reading(path)
    for line, record in enumerate(records, 1):
        reading.hold(line, record)
    reading.flush()
    return reading


def read(path: Path) -> Reading:
    """Read a log. InputError if it cannot be of one run."""
    reading = Reading(path)
    line = 1
    with texts.opened_utf8(path) as file:
        for block in _blocks(file):
            lines = count(block, b"\n")
            _read_block(reading, line, block, lines)
            line += lines
        if problem := texts.cut_off(file):
            reading.refuse(line + 1, problem)
    reading.flush()
    return reading


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield blocks of complete lines: the first and the last line by themselves, as no event is
    expected there; then the text without a line end. Reading ends at a line that is too long."""
    left = file.readline(MAX_LINE_BYTES + 1)
    if len(left) <= MAX_LINE_BYTES:
        yield left
        left = b""
    while len(left) <= 2 * MAX_LINE_BYTES and (read := file.read(BLOCK_BYTES)):
        text = left + read
        last = text.rfind(b"\n", 0, max(0, text.rfind(b"\n"))) + 1
        yield text[:last]
        left = text[last:]
    last_line, end, torn = left.rpartition(b"\n")
    yield last_line + end
    yield torn


def _read_block(reading: Reading, line: int, block: bytes, lines: int) -> None:
    if reading.is_given_up:
        return
    if lines <= FEW_LINES:
        _read_lines(reading, line, block)
        return
    if reading.start and not reading.stop:
        events = read_events(block, lines, reading.start)
        if events is not None:
            reading.take_events(line, events)
            return
    middle = block.index(b"\n", len(block) // 2) + 1
    if middle == len(block):
        middle = block.rindex(b"\n", 0, middle - 1) + 1
    half = block.count(b"\n", 0, middle)
    _read_block(reading, line, block[:middle], half)
    _read_block(reading, line + half, block[middle:], lines - half)


def _read_lines(reading: Reading, first: int, block: bytes) -> None:
    *whole, last = block.split(b"\n")
    for number, line in enumerate([*whole, last] if last else whole):
        if len(line) > MAX_LINE_BYTES and not reading.is_given_up:
            reading.give_up(first + number, f"this line has more than {MAX_LINE_BYTES:,} bytes")
        if reading.is_given_up:
            return
        if line.strip():
            try:
                reading.take(first + number, decode(line.decode()))
            except StartError as error:
                raise InputError(f"{reading.path}:{first + number}: {error}") from None
            except (LogError, UnicodeDecodeError, RecursionError) as error:
                # A line is torn by a kill, and so not after a stop record.
                is_torn = number == len(whole) and not reading.stop
                torn = f"{TORN}: " if is_torn else ""
                reading.refuse(first + number, f"{torn}{input_problem(error)}")


def _unusable(record: Event | Recovery | Stop, start: Start) -> str:
    """Return why a record does not fit a run with this start record, or "" if it does."""
    match record:
        case Event():
            return unusable(record, start.spec)
        case Recovery():
            return beyond_64_bits([record.at_ns, record.events])
        case Stop():
            numbers = [record.events, record.ticks_missed, record.rejected]
            numbers += [n for unread in record.inbox for n in (unread.cause, unread.arrived_ns)]
            return beyond_64_bits([*numbers, *(left.index for left in record.undelivered)])


def _check_start(reading: Reading, line: int, start: Start) -> None:
    where = f"{reading.path}:{line}"
    if reading.start:
        raise InputError(
            f"{where}: a second start record: the logs of several runs were appended; give each"
            " run a directory of its own"
        )
    machines = start.spec.machines
    if start.machine not in machines:
        raise InputError(
            f"{where}: {start.machine!r} is none of its own run's machines,"
            f" {', '.join(map(repr, machines))}"
        )
    for epoch_unix_ns in (start.epoch_unix_ns, start.run_epoch_unix_ns):
        if not 0 <= epoch_unix_ns <= MAX_INT64:
            raise InputError(f"{where}: epoch_unix_ns: {epoch_unix_ns} is outside 0..{MAX_INT64}")
