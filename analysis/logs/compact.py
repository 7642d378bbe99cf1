"""Many lines of a log at once, in exactly the form in which `vm.log.encode` writes events.

The fields of such a line have a fixed order, so Polars can read it as a row of CSV, in a quarter
of the time that it takes for JSON. Between the commas every name and sign of the form is compared,
and every number is one for Polars. Polars also takes a sign or a space for a part of a number, and
passes over further fields; these bytes would be too many, so all bytes but digits are counted. The
ends of sends, with receivers and faults, are few: `vm.log` decodes each of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from analysis.history.kernels import compiled, has_compiler
from analysis.history.run import MAX_INT64
from analysis.logs.compact_bytes import Form, Make, scan
from vm.clocks import clock_of
from vm.clocks.clock import Clock
from vm.clocks.states import stamped
from vm.log import LogError, decode, encode
from vm.records import Event, Start
from vm.spec import Spec

NUMBERS = ("index", "tick", "due_ns", "at_ns", "queue")
#: The first field of a line, and its kind of event.
KINDS = {f'{{"kind":"{kind}"': kind for kind in ("internal", "send", "receive")}
INTERNAL, SEND, RECEIVE = KINDS
IS_INTERNAL, IS_SEND, IS_RECEIVE = (pl.col("kind") == kind for kind in KINDS.values())
#: The texts before the values in the last three fields of a receive.
FROM, CAUSE, ARRIVED = '"from":', '"cause":', '"arrived_ns":'
OF_SEND = ("to", "lost", "duplicated")
RECEIVED = ("sender", "cause", "arrived_ns")
#: A send, for all ends of one.
A_SEND = f'{SEND},"index":0,"tick":0,"due_ns":0,"at_ns":0,"queue":0,"clock":{{}},'
#: More columns need more memory than they save time.
MAX_COLUMNS = 120
#: Different ends of sends; if there are more, decoding them takes too long.
MAX_ENDS = 1000
#: From so many lines on they are scanned byte by byte, if these loops can be compiled.
COMPILED_LINES = 50_000
#: The comparison of so many bytes stays in the processor's cache.
COMPARED_BYTES = 1 << 17
BEFORE_NUMBERS = list(b":,[")
ZERO, DIGITS = ord("0"), 10


class Cell(NamedTuple):
    """The number between two commas of a line, with the texts before and behind it."""

    name: str
    before: str = ""
    behind: str = ""

    @property
    def is_bare(self) -> bool:
        return not self.before and not self.behind

    @property
    def number(self) -> pl.Expr:
        """The number; null if it is none, or the texts are others."""
        text = number = pl.col(self.name)
        is_form = []
        if self.before:
            is_form.append(text.str.starts_with(self.before))
            number = number.str.slice(len(self.before))
        if self.behind:
            is_form.append(text.str.ends_with(self.behind))
            number = number.str.strip_suffix(self.behind)
        return pl.when(*is_form).then(number.cast(pl.Int64, strict=False)) if is_form else number


def read_compact(block: bytes, lines: int, start: Start) -> pl.DataFrame | None:
    """Return the events in lines; None unless each line is exactly one, in this form.

    The columns are the fields of `Event`, and each clock's timestamps under its name.
    """
    if not block.startswith(b'{"kind":"') or not _has_compact_form(start.spec):
        return None
    if lines >= COMPILED_LINES and has_compiler():
        return scanned(block, lines, start, compiled)
    cells = _cells(start)
    ends = _ends(start)
    if len(cells) + len(ends) >= MAX_COLUMNS:
        return None
    rows = _rows(block, cells, ends)
    if rows is None:
        return None
    names = {f"{FROM}{_json(name)}": name for name in start.spec.machines}
    values = rows.with_columns(pl.col("kind").replace_strict(KINDS, default=None)).select(
        "kind", *_numbers(cells), *_received(names, *ends[:3]), end=_end_of_send(ends)
    )
    different = values["end"].drop_nulls().unique()
    sends = _sends(different)
    if sends is None or not values.select(_is_whole(cells, start)).item():
        return None
    if other_bytes(block) != _other_bytes(values, cells, names):
        return None
    at = values["end"].replace_strict(different, range(len(different))).cast(pl.UInt32)
    return _with_clocks(values, start).hstack(sends.select(pl.all().gather(at)))


def scanned(block: bytes, lines: int, start: Start, make: Make) -> pl.DataFrame | None:
    """Return the same, of lines that are scanned byte by byte."""
    cells = _cells(start)
    found = scan(block, lines, _form(cells), MAX_ENDS, make)
    if found is None or not {*found.senders} <= {*start.spec.machines}:
        return None
    sends = _sends(pl.Series(found.ends, dtype=pl.String))
    names = [*(cell.name for cell in cells), *RECEIVED[1:]]
    values = pl.DataFrame(dict(zip(names, found.numbers, strict=True)))
    values = values.with_columns(kind=pl.Series([*KINDS.values()]).gather(pl.Series(found.kind)))
    text = pl.Series(found.text)
    senders = pl.Series(found.senders, dtype=pl.String)
    received = pl.select(pl.when(values["kind"] == "receive").then(text)).to_series()
    sent = pl.select(pl.when(values["kind"] == "send").then(text)).to_series()
    values = values.with_columns(
        *(pl.when(IS_RECEIVE).then(name).alias(name) for name in RECEIVED[1:]),
        sender=senders.gather(received),
    )
    if sends is None or not values.select(_is_whole(cells, start)).item():
        return None
    return _with_clocks(values, start).hstack(sends.select(pl.all().gather(sent)))


def _form(cells: Sequence[Cell]) -> Form:
    """Return the texts between the numbers of lines."""
    first, last = cells[0].before, cells[-1].behind
    between = [f"{one.behind},{other.before}" for one, other in pairwise(cells)]
    ends = ([f"{last}}}\n"], [f"{last},"], [f'{last},{FROM}"', f",{ARRIVED}", "}\n"])
    texts = [[f"{kind},{first}", *between, *end] for kind, end in zip(KINDS, ends, strict=True)]
    return Form(texts, len(cells), f'",{CAUSE}')


def _cells(start: Start) -> list[Cell]:
    """Return the numbers of all events; behind the last one, an internal event ends."""
    cells = [Cell(name, f'"{name}":') for name in NUMBERS]
    opening = '"clock":{'
    for clock in start.spec.clocks:
        before = f'{opening}"{clock}":'
        opening = ""
        if _is_scalar(clock):
            cells.append(Cell(clock, before))
            continue
        first, *others = _places(clock, start)
        cells += [Cell(first, f"{before}["), *map(Cell, others)]
        cells[-1] = cells[-1]._replace(behind="]")
    return [*cells[:-1], cells[-1]._replace(behind=f"{cells[-1].behind}}}")]


def _ends(start: Start) -> list[str]:
    """Return the columns behind the clocks: three in a receive; all receivers in a send, and again
    those of lost and of duplicated messages."""
    lists = len(OF_SEND) if start.spec.faults else 1
    return [f"end{n}" for n in range(max(3, lists * (len(start.spec.machines) - 1)))]


def _has_compact_form(spec: Spec) -> bool:
    """Return whether all timestamps are numbers, or lists of any numbers of one length, and events
    hold neither physical times nor stamps."""
    clocks = [clock_of(name) for name in spec.clocks]
    flat = all(
        clock.column in ("number", "list") and type(clock).is_timestamp is Clock.is_timestamp
        for clock in clocks
    )
    return flat and not spec.reads_physical and not stamped(spec.clocks)


def _is_scalar(clock: str) -> bool:
    return clock_of(clock).column == "number"


def _places(name: str, start: Start) -> list[str]:
    """Return the names of the columns of a list."""
    clock = clock_of(name)
    model = clock.timestamp(clock.initial(0, len(start.spec.machines)))
    return [f"{name} {n}" for n in range(len(model))]


def _json(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _rows(block: bytes, cells: Sequence[Cell], ends: Sequence[str]) -> pl.DataFrame | None:
    """Return the fields between the commas of lines; those behind the last one are null."""
    types: dict[str, Any] = {"kind": pl.String}
    types |= {cell.name: pl.Int64 if cell.is_bare else pl.String for cell in cells}
    types |= dict.fromkeys(ends, pl.String)
    try:
        return pl.read_csv(
            block,
            has_header=False,
            schema=types,
            quote_char=None,
            extra_columns="ignore",
            missing_columns="insert",
        )
    except pl.exceptions.PolarsError:
        return None


def _numbers(cells: Sequence[Cell]) -> Iterator[pl.Expr]:
    *most, last = cells
    yield from (cell.number.alias(cell.name) for cell in most)
    of_internal = last._replace(behind=f"{last.behind}}}").number
    yield pl.when(IS_INTERNAL).then(of_internal).otherwise(last.number).alias(last.name)


def _received(names: Mapping[str, str], sender: str, cause: str, arrived: str) -> list[pl.Expr]:
    values = (
        pl.col(sender).replace_strict(names, default=None, return_dtype=pl.String),
        Cell(cause, CAUSE).number,
        Cell(arrived, ARRIVED, "}").number,
    )
    named = zip(RECEIVED, values, strict=True)
    return [pl.when(IS_RECEIVE).then(value).alias(name) for name, value in named]


def _end_of_send(ends: Sequence[str]) -> pl.Expr:
    return pl.when(IS_SEND).then(pl.concat_str(ends, separator=",", ignore_nulls=True))


def _is_whole(cells: Sequence[Cell], start: Start) -> pl.Expr:
    """Check that no event lacks a value, and that the sums of lists fit into a table."""
    there = [pl.col(name).is_not_null().all() for name in ("kind", *(cell.name for cell in cells))]
    received = [(pl.col(name).is_not_null() | ~IS_RECEIVE).all() for name in RECEIVED]
    lists = [_places(clock, start) for clock in start.spec.clocks if not _is_scalar(clock)]
    sums = [(pl.col(p) <= MAX_INT64 // len(places)).all() for places in lists for p in places]
    return pl.all_horizontal(*there, *received, *sums)


def _sends(different: pl.Series) -> pl.DataFrame | None:
    """Return the receivers and faults of sends with these ends; None if one has another form."""
    if len(different) > MAX_ENDS:
        return None
    sends = [send for send in map(_send, different) if send]
    if len(sends) < len(different):
        return None
    lists = {name: [getattr(send, name) for send in sends] for name in OF_SEND}
    return pl.DataFrame(lists, dict.fromkeys(OF_SEND, pl.List(pl.String)))


def _send(end: str) -> Event | None:
    """Return a send with this end, None if there is none in this form."""
    try:
        send = decode(f"{A_SEND}{end}")
    except LogError:
        return None
    return send if isinstance(send, Event) and encode(send) == f"{A_SEND}{end}" else None


def _other_bytes(values: pl.DataFrame, cells: Sequence[Cell], names: Mapping[str, str]) -> int:
    """Return the number of bytes in the lines of exactly these events that are no digits."""
    number = f"{','.join(['', *(cell.before + cell.behind for cell in cells)])}"
    ends = {"internal": "}", "send": ",", "receive": f",,{CAUSE},{ARRIVED}}}"}
    kinds = {kind: f"{first}{number}{ends[kind]}\n" for first, kind in KINDS.items()}
    senders = {name: text for text, name in names.items()}
    return sum(
        other_bytes(written.get(text, text).encode()) * times
        for column, written in {"kind": kinds, "sender": senders, "end": {}}.items()
        for text, times in values[column].drop_nulls().value_counts().iter_rows()
    )


def other_bytes(text: bytes) -> int:
    """Count the bytes that are no digits, and the zeros at the beginning of longer numbers."""
    data, found = np.frombuffer(text, np.uint8), 0
    for low in range(0, len(data), COMPARED_BYTES):
        part = data[low : low + COMPARED_BYTES + 2]
        is_digit = part - ZERO < DIGITS
        found += int(np.count_nonzero(~is_digit[:COMPARED_BYTES]))
        is_first_zero = (part[1:-1] == ZERO) & is_digit[2:] & ~is_digit[:-2]
        before = part[:-2][is_first_zero]
        found += int(np.isin(before, BEFORE_NUMBERS).sum()) if len(before) else 0
    return found


def _with_clocks(values: pl.DataFrame, start: Start) -> pl.DataFrame:
    """Return the fields of events, with the places of a list together."""
    clocks = (_clock(name, start) for name in start.spec.clocks)
    return values.select("kind", *NUMBERS, *RECEIVED, *clocks)


def _clock(clock: str, start: Start) -> pl.Expr:
    if _is_scalar(clock):
        return pl.col(clock)
    return pl.concat_arr(_places(clock, start)).arr.to_list().alias(clock)
