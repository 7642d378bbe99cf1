"""Rows of text, as importers cut them out of lines, and their conversion to events."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import mul
from pathlib import Path
from typing import NamedTuple, get_args

import polars as pl

from analysis.history.run import Damage, InputError
from analysis.logs import texts
from analysis.logs.conventions import Conventions
from analysis.logs.description.description import Description
from analysis.logs.foreign import EXTRACT_COLUMNS, Extract, check_size
from analysis.logs.importers.times import Times
from analysis.logs.limits import (
    MAX_EVENTS,
    MAX_LINE_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_RECEIVERS,
)
from analysis.logs.lines.leftover import NO_EVENT, Left, OtherLines
from analysis.logs.lines.names import UNKNOWN, Directory
from analysis.logs.lines.vectors import are_vectors, parsed, vector_of
from analysis.logs.recognition.kinds import affirmed
from vm.files import name_of
from vm.quoting import counted, escaped, quoted
from vm.records import Kind
from vm.spec import natural_order

#: A whole number; programs for tables write those of a column with gaps as 1.0.
NUMBER = re.compile(r"\s*\+?([0-9]{1,18})(?:\.0{0,18})?\s*")
WHOLE = f"^{NUMBER.pattern}$"
NEGATIVE = r"^\s*-[0-9]+(?:\.0*)?\s*$"
#: The kind of an event by a word in its name.
KIND_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("internal", "local", "int", "i"), "internal"),
    **dict.fromkeys(("send", "sent", "sending", "broadcast", "s"), "send"),
    **dict.fromkeys(("receive", "received", "receiving", "recv", "rcv", "r"), "receive"),
}
#: The mark of a kind that a description fixes.
FIXED = "="
#: Characters of the name of a run between delimiters.
MAX_LABEL = 60


class Row(NamedTuple):
    """One event in one log; a field that the log lacks is ""."""

    file: str
    line: int
    machine: str
    time: str
    clock: str
    kind: str
    queue: str = ""
    sender: str = ""
    receivers: str = ""
    stamp: str = ""


def row_of(file: str, machine: str, line: int, found: Mapping[str, str]) -> Row:
    """Make a row of the parts of an event; `machine` is the default for that part."""
    get = found.get
    peer = get("peer") or ""
    return Row(
        file,
        line,
        get("machine") or machine,
        get("time") or "",
        get("clock") or "",
        get("kind") or "",
        get("queue") or "",
        get("sender") or peer,
        get("receivers") or peer,
        get("stamp") or "",
    )


def columns_of(file: str, machine: str, lines: pl.Series, found: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of many events, as `row_of` makes them of the parts of one."""
    nothing = pl.lit("")
    part = {
        name: filled(pl.col(name), nothing) if name in found.columns else nothing
        for name in (*Row._fields, "peer")
    }
    part |= {name: filled(part[name], part["peer"]) for name in ("sender", "receivers")}
    part |= {"file": pl.lit(file), "machine": filled(part["machine"], pl.lit(machine))}
    texts = [part[name].alias(name) for name in _ROW_COLUMNS if name != "line"]
    return found.select(lines.alias("line"), *texts).select(_ROW_COLUMNS.keys())


def filled(text: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Return another text in the place of one that is missing or empty."""
    return pl.when(text != "").then(text).otherwise(other)


def frame_of(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, _ROW_COLUMNS, orient="row")


def kinds_of(given: Description) -> dict[str, Kind]:
    """Return the kind of an event by a word in its name, in lower case, or by FIXED and itself."""
    kinds: dict[str, Kind] = {f"{FIXED}{kind}": kind for kind in get_args(Kind)}
    if not given.kinds:
        return kinds | KIND_WORDS
    for kind in get_args(Kind):
        kinds |= dict.fromkeys((word.lower() for word in given.kinds.get(kind, ())), kind)
    return kinds


def conventions_of(given: Description) -> Conventions:
    """Return the conventions that a description gives."""
    before = frozenset(kind for kind in get_args(Kind) if given.clock.get(kind) == "before")
    return Conventions(
        initial=given.initial,
        before=before if given.clock else None,
        stamp=given.stamp or None,
        queue=given.queue or None,
    )


def kind_of(text: str, kinds: Mapping[str, Kind]) -> Kind | None:
    """Return the kind of a text, or of the first known word in it that is not negated."""
    whole = text.strip().lower()
    if whole in kinds:
        return kinds[whole]
    words = [
        (kinds[word], is_of_none)
        for word, is_of_none in affirmed(re.findall(r"[^\W_]+", whole))
        if word in kinds
    ]
    return next((kind for kind, is_of_none in words if kind == "internal" or not is_of_none), None)


@dataclass
class Portion:
    """The rows of one run, and its lines without a readable event.

    Rows are collected in `rows`, or as whole tables.
    """

    rows: list[Row]
    leftover: OtherLines
    _tables: list[pl.DataFrame] = field(default_factory=list)

    def add(self, table: pl.DataFrame) -> None:
        """Add a table of rows behind those that are there."""
        self._tables = [self.table, table]
        self.rows = []

    @property
    def has_rows(self) -> bool:
        return bool(self.rows) or any(table.height for table in self._tables)

    @property
    def table(self) -> pl.DataFrame:
        """All rows."""
        return pl.concat([*self._tables, frame_of(self.rows)])


@dataclass
class Reader:
    """Reads the lines of logs, and converts rows to events by a description's conventions.

    `parts` are the runs in the logs by name, "" if no line separates runs; `torn` are the last
    lines without a line end, by file; `notes` are on the files.
    """

    given: Description = field(default_factory=Description)
    notes: list[str] = field(default_factory=list)
    parts: dict[str, Portion] = field(default_factory=dict)
    torn: dict[str, int] = field(default_factory=dict)
    _lines: int = 0

    def part(self, label: str = "") -> Portion:
        if label not in self.parts:
            self.parts[label] = Portion([], OtherLines(self.torn))
        return self.parts[label]

    def note(self, text: str) -> None:
        """Add a note unless it is empty or there already."""
        if text and text not in self.notes:
            self.notes.append(text)

    def lines(self, file: Path) -> Iterator[tuple[int, str]]:
        """Yield the lines of a file, numbered; InputError if they are too many."""
        name = escaped(file.name)
        with texts.opened(file) as text:
            self.notes += texts.notes(file, text)
            for number in count(1):
                line = text.readline(MAX_LINE_CHARACTERS)
                if line and not line.endswith("\n"):
                    self.torn[name] = number
                if len(line) == MAX_LINE_CHARACTERS:
                    why = f"the line has more than {MAX_LINE_CHARACTERS:,} characters"
                    label = next(reversed(self.parts), "")
                    part = self.part(label)
                    part.leftover.refuse(name, number, f"{why}, and the log is read no further")
                    return
                if not line:
                    if problem := texts.cut_off(text):
                        label = next(reversed(self.parts), "")
                        self.part(label).leftover.refuse(name, number, problem)
                    return
                self._lines += 1
                if self._lines > MAX_EVENTS:
                    raise InputError(f"{file}: more than {MAX_EVENTS:,} lines in the logs of a run")
                yield number, line.removesuffix("\n")

    def problem(self, path: Path) -> str:
        """Return why no event could be read."""
        every = OtherLines()
        for part in self.parts.values():
            every.add(part.leftover)
        return f"{path}: no event could be read{_commonest_reason(every)}"

    def extract(
        self, path: Path, format_name: str, label: str = "", is_named: bool = False
    ) -> Extract:
        """Convert the rows of a run; those of each machine are in the order of its log.

        If it `is_named`, the label is part of the run's name. InputError if no row can be
        converted.
        """
        part = self.part(label)
        frame = self._with_machines(part.table)
        converted, notes = self._converted(frame, part.leftover)
        if not converted.height:
            raise InputError(self.problem(path))
        ordered = sorted(converted["machine"].unique(), key=natural_order)
        check_size(path, converted.height, len(ordered))
        numbers = pl.col("machine").replace_strict({m: n for n, m in enumerate(ordered)})
        converted = converted.sort(numbers, maintain_order=True)
        directory = Directory(ordered, self.given.machines, self.given.separators)
        events, more = _with_peers(converted, directory)
        machines = tuple(ordered)
        if (events["vector"] != "").any():
            events, machines, about = parsed(events, directory, self.given.vector)
            more += about
        else:
            events = events.drop("vector")
        noise, damage = part.leftover.judged(events)
        files = events.group_by("machine", maintain_order=True).agg(pl.col("file").last())
        return Extract(
            name=f"{name_of(path)}#{_in_a_name(label)}" if is_named else name_of(path),
            path=path,
            format=format_name,
            machines=machines,
            events=events,
            files=dict(files.iter_rows()),
            damage=damage,
            noise=noise,
            given=conventions_of(self.given),
            torn=self.torn,
            conventions=(*self.notes, *notes, *more),
        )

    def _with_machines(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace the names of machines that have an alias."""
        own = Directory((), self.given.machines).own
        renamed = {name: own(name) for name in frame["machine"].unique()}
        return frame.with_columns(pl.col("machine").replace(renamed))

    def _converted(
        self, frame: pl.DataFrame, leftover: OtherLines
    ) -> tuple[pl.DataFrame, list[str]]:
        """Convert the texts of rows to values, and move those that are none to the leftover."""
        kinds = kinds_of(self.given)
        by_text = {text: kind_of(text, kinds) for text in frame["kind"].unique()}
        kind = pl.col("kind").replace_strict(by_text, return_dtype=pl.String)
        is_vector = are_vectors(frame["clock"], bool(self.given.vector))
        clock = pl.lit(0, pl.Int64) if is_vector else _whole("clock")
        times = Times(self.given.time)
        at_ns, is_bad = _dated(frame, times)
        values = frame.with_columns(
            kind,
            at_ns,
            clock.alias("clock"),
            _whole("queue"),
            _whole("stamp"),
            vector=pl.col("clock") if is_vector else pl.lit(""),
        )
        wrong = {
            name: ~frame[name].str.strip_chars().str.to_lowercase().is_in([*UNKNOWN])
            & values[name].is_null()
            for name in ("queue", "stamp")
        }
        no_length = frame["queue"].str.contains(NEGATIVE)
        wrong["queue"] &= ~no_length
        wrong |= {"clock": values["clock"].is_null(), "time": is_bad}
        if is_vector:
            unread = [vector_of(text) is None for text in frame["clock"]]
            wrong["clock"] = pl.Series(unread, dtype=pl.Boolean)
        for name in ("machine", "sender"):
            wrong[name] = frame[name].str.len_chars() > MAX_NAME_CHARACTERS
        unusable = values["kind"].is_null()
        for one in wrong.values():
            unusable |= one
        if unusable.any():
            _refuse(frame, values, wrong, unusable, leftover)
        return values.filter(~unusable), [*times.notes(), *_negative(no_length)]


def _negative(no_length: pl.Series) -> Iterator[str]:
    if count_ := int(no_length.sum()):
        are = "is no length, and is" if count_ == 1 else "are no lengths, and are"
        yield f"{counted(count_, 'queue')} below 0 {are} not used"


def _in_a_name(label: str) -> str:
    """Make the name of a run safe for a file's name."""
    return re.sub(r"[^\w.-]+", "_", label[:MAX_LABEL]) or "1"


def _whole(name: str) -> pl.Expr:
    return pl.col(name).str.extract(WHOLE).cast(pl.Int64)


def _dated(frame: pl.DataFrame, times: Times) -> tuple[pl.Series, pl.Series]:
    """Return the times of rows, and which texts are none."""
    if (at_once := times.all_ns(frame["time"])) is not None:
        no = pl.select(pl.repeat(False, frame.height, dtype=pl.Boolean)).to_series()
        return at_once.alias("at_ns"), no
    found, bad = list[int | None](), list[bool]()
    for machine, text in frame.select("machine", "time").rows():
        try:
            found.append(times.ns(machine, text) if text else None)
            bad.append(False)
        except ValueError:
            found.append(None)
            bad.append(True)
    return pl.Series("at_ns", found, pl.Int64), pl.Series(bad, dtype=pl.Boolean)


def _refuse(
    frame: pl.DataFrame,
    values: pl.DataFrame,
    wrong: Mapping[str, pl.Series],
    unusable: pl.Series,
    leftover: OtherLines,
) -> None:
    """Take in the rows that are no events, or damaged ones, with the first reason of each."""
    wrongs = frame.select("file", "line", "kind", "clock", "queue", "stamp", "time")
    known = values.select(known="kind", reads="clock")
    flags = pl.DataFrame(wrong).select(pl.all().name.prefix("wrong_"))
    for row in pl.concat([wrongs, known, flags], how="horizontal").filter(unusable).to_dicts():
        if row["known"] is None:
            leftover.unknown(row["file"], row["line"], row["kind"], row["reads"])
            continue
        name = next(name for name in ORDER if row[f"wrong_{name}"])
        if name in ("machine", "sender"):
            why = f"a machine's name is longer than {MAX_NAME_CHARACTERS} characters"
        else:
            why = f"the {name} cannot be {quoted(row[name])}"
        leftover.refuse(row["file"], row["line"], why)


def _with_peers(events: pl.DataFrame, directory: Directory) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns of an extract, with the machines that peers stand for."""
    of = ["kind", "machine", "sender", "receivers"]
    different = events.group_by(of, maintain_order=True).len("times")
    rows = different.select(of).rows()
    senders = [
        directory.sender(machine, sender) if kind == "receive" and sender else None
        for kind, machine, sender, _ in rows
    ]
    to = [
        [*directory.receivers(machine, text)] if kind == "send" and text else []
        for kind, machine, _, text in rows
    ]
    if sum(map(mul, map(len, to), different["times"])) > MAX_RECEIVERS:
        raise InputError(f"the events name more than {MAX_RECEIVERS:,} receivers")
    meant = different.select(
        of,
        meant=pl.Series(senders, dtype=pl.String),
        to=pl.Series([one or None for one in to], dtype=pl.List(pl.String)),
    )
    columns = events.join(meant, on=of, how="left", maintain_order="left")
    columns = columns.with_columns(sender="meant", arrived_ns=pl.lit(None, pl.Int64))
    return columns.select(*EXTRACT_COLUMNS, "vector"), directory.notes()


def _commonest_reason(leftover: OtherLines) -> str:
    """Return why most lines could not be used; reasons that differ in the value count as one.

    Lines that the expression does not match count only if there are no others.
    """
    lines: Iterable[Damage | Left] = leftover.refused or leftover.left
    reasons = [(one.reason, one.file, one.line) for one in lines]
    kinds = [reason.partition("'")[0] for reason, _, _ in reasons]
    if not kinds:
        return ""
    (kind, number), *_ = Counter(kinds).most_common(1)
    reason, file, line = reasons[kinds.index(kind)]
    some = "1 line" if number == 1 else f"{number} lines"
    return f": {reason} ({some}, the first is {file}:{line})"


_ROW_COLUMNS = {name: pl.Int64 if name == "line" else pl.String for name in Row._fields}
#: In which order the parts of a damaged event are named.
ORDER = ("clock", "queue", "stamp", "time", "machine", "sender")
__all__ = ["FIXED", "NO_EVENT", "NUMBER", "Left", "Reader", "Row", "kind_of", "kinds_of", "row_of"]
