"""Many lines of a log at once: Polars reads them if each is exactly an event.

`vm.log.decode` defines the meaning of a line, and reads one at a time. Polars is fifty times as
fast, but less strict, so its result is used only if no line can mean anything else: no value is
missing, negative or of another type, every name is one of the run, and the lines have exactly as
many quotation marks as these events. Lines of the usual form take less time, in `compact`.
"""

import json
from typing import Any

import numpy as np
import polars as pl

from analysis.history.run import MAX_INT64, schema_of, timestamp
from analysis.logs.compact import read_compact
from vm.clocks import clock_of
from vm.clocks.clock import Clock
from vm.clocks.states import stamped
from vm.files import MAX_LINE_BYTES
from vm.records import Start
from vm.spec import Spec

#: Quotation marks of an event's line, by its kind: those of its keys and of the kind itself. Each
#: name in it has two more, as does each clock, each timestamp that is a text, and `physical_ns`;
#: stamps have two, and four for each of their clocks.
QUOTES = {"internal": 16, "send": 18, "receive": 24}

#: The comparison of so many bytes stays in the processor's cache.
COUNTED_BYTES = 1 << 18

#: Texts that Polars cannot have read from a value that is none, nor from an escape sequence.
PLAIN = r'^[^\x00-\x1f"\\\x7f]*$'
HEX = "^(?:[0-9a-f]{2})*$"
#: A line holds at most so many numbers: sums of numbers up to 2^63 / MAX_NUMBERS fit 64 bits.
MAX_NUMBERS = MAX_LINE_BYTES // 2

KIND = pl.col("kind")
SENDS, RECEIVES = KIND == "send", KIND == "receive"


def read_events(block: bytes, lines: int, start: Start) -> pl.DataFrame | None:
    """Return the events of so many lines, in columns of `schema_of`; None if one is anything else.

    The columns `run`, `machine`, `file` and `line` are left out.
    """
    read = read_compact(block, lines, start)
    if read is None:
        read = _read_json(block, lines, start)
    return None if read is None else read.select(_columns(start))


def _read_json(block: bytes, lines: int, start: Start) -> pl.DataFrame | None:
    """Return the fields of events in any order and with any spaces, as `read_compact` does."""
    if any(map(_is_json, start.spec.machines)):
        return None
    try:
        read = pl.read_ndjson(block, schema=_fields(start.spec))
    except pl.exceptions.PolarsError:
        return None
    if read.height != lines or not read.select(_is_plain(start)).item():
        return None
    if read.select(_quotes(start)).item() != count(block, b'"'):
        return None
    if not all(_have_form(read, clock, start) for clock in start.spec.clocks):
        return None
    return read.rename({"from": "sender"}).unnest("clock")


def count(text: bytes, byte: bytes) -> int:
    """Count a frequent byte, in a quarter of the time that `bytes.count` takes."""
    data = np.frombuffer(text, np.uint8)
    parts = (data[low : low + COUNTED_BYTES] for low in range(0, len(data), COUNTED_BYTES))
    return sum(int(np.count_nonzero(part == byte[0])) for part in parts)


def _fields(spec: Spec) -> dict[str, Any]:
    """Return how an event's fields are read; the log's `from` is the table's `sender`."""
    schema = schema_of(spec.clocks)
    stamps = dict.fromkeys(stamped(spec.clocks), pl.String)
    return {
        "kind": pl.String,
        **dict.fromkeys(("index", "tick", "due_ns", "at_ns", "queue"), pl.Int64),
        "clock": pl.Struct({name: schema[f"clock_{name}"] for name in spec.clocks}),
        **({"physical_ns": pl.Int64} if spec.reads_physical else {}),
        **dict.fromkeys(("to", "lost", "duplicated"), pl.List(pl.String)),
        "from": pl.String,
        "cause": pl.Int64,
        "arrived_ns": pl.Int64,
        **({"stamps": pl.Struct(stamps)} if stamps else {}),
    }


def _is_json(name: str) -> bool:
    """Return whether Polars could read the name from a JSON value that is not a text."""
    try:
        json.loads(name)
    except ValueError:
        return False
    return True


def _is_plain(start: Start) -> pl.Expr:
    sends = pl.col("to").filter(SENDS)
    lists = [sends, pl.col("lost").drop_nulls(), pl.col("duplicated").drop_nulls()]
    times = ("physical_ns",) if start.spec.reads_physical else ()
    return pl.all_horizontal(
        KIND.is_in(QUOTES).fill_null(False).all(),
        (sends.list.len() > 0).all(),
        (sends.list.n_unique() == sends.list.len()).all(),
        *(_natural(pl.col(name)) for name in ("index", "tick", "due_ns", "at_ns", "queue", *times)),
        *(_natural(pl.col(name).filter(RECEIVES)) for name in ("cause", "arrived_ns")),
        *(_known(names.explode(), start) for names in lists),
        _known(pl.col("from").filter(RECEIVES), start),
        *(_is_like(clock, start) for clock in start.spec.clocks),
        *(_are_stamps(clock) for clock in stamped(start.spec.clocks)),
    )


def _natural(numbers: pl.Expr) -> pl.Expr:
    """Check that no number is missing or negative, which would have another meaning."""
    return (numbers.fill_null(-1) >= 0).all()


def _known(names: pl.Expr, start: Start) -> pl.Expr:
    return names.is_in(start.spec.machines).fill_null(False).all()


def _is_like(name: str, start: Start) -> pl.Expr:
    """Check that all timestamps of a clock have the form that the run gives them, as far as Polars
    can; `_have_form` checks the rest."""
    stamps, machines = pl.col("clock").struct.field(name), len(start.spec.machines)
    clock = clock_of(name)
    match clock.column:
        case "number":
            return stamps.is_not_null().all()
        case "text":
            return stamps.str.contains(PLAIN).fill_null(False).all()
    numbers = stamps.explode()
    if clock.column == "lists":
        numbers = numbers.explode()
    known = pl.all_horizontal(
        stamps.is_not_null().all(),
        numbers.fill_null(-1).is_between(0, MAX_INT64 // MAX_NUMBERS).all(),
    )
    if _has_own_form(name):
        return known
    model = clock.timestamp(clock.initial(0, machines))
    known &= (stamps.list.len() == len(model)).all()
    if clock.column == "list":
        return known
    lengths = pl.lit([len(row) for row in model], dtype=pl.List(pl.UInt32))
    return known & (stamps.list.eval(pl.element().list.len()) == lengths).all()


def _has_own_form(name: str) -> bool:
    return type(clock_of(name)).is_timestamp is not Clock.is_timestamp


def _have_form(read: pl.DataFrame, name: str, start: Start) -> bool:
    """Check one by one the timestamps of a clock that decides itself on their form."""
    if not _has_own_form(name):
        return True
    clock, machines = clock_of(name), len(start.spec.machines)
    values = read["clock"].struct.field(name).to_list()
    return all(clock.is_timestamp(timestamp(value), machines) for value in values)


def _are_stamps(name: str) -> pl.Expr:
    """Check that exactly the receives have a stamp of the clock."""
    stamps = pl.col("stamps").struct.field(name)
    return pl.all_horizontal(
        stamps.filter(RECEIVES).str.contains(HEX).fill_null(False).all(),
        stamps.filter(~RECEIVES).is_null().all(),
    )


def _quotes(start: Start) -> pl.Expr:
    """Count the quotation marks that the lines of exactly these events have."""
    spec = start.spec
    of_names = pl.col("to").list.len().filter(SENDS).sum()
    for some in ("lost", "duplicated"):
        of_names += pl.col(some).count() + pl.col(some).list.len().sum()
    of_kinds = KIND.replace_strict(QUOTES, return_dtype=pl.Int64).sum()
    texts = sum(clock_of(name).column == "text" for name in spec.clocks)
    pairs_each = len(spec.clocks) + texts + spec.reads_physical
    pairs_received = (1 + 2 * logged) if (logged := len(stamped(spec.clocks))) else 0
    of_stamps = pairs_received * RECEIVES.sum().cast(pl.Int64)
    return of_kinds + 2 * (of_names.cast(pl.Int64) + pairs_each * pl.len() + of_stamps)


def _columns(start: Start) -> list[pl.Expr]:
    """Return the columns of the table; without `lost` or `duplicated`, a send has an empty list."""
    spec = start.spec
    none = pl.lit([], dtype=pl.List(pl.String))
    return [
        *(pl.col(name) for name in ("index", "kind", "tick", "due_ns", "at_ns", "arrived_ns")),
        pl.col("queue"),
        _scalar(spec.clocks[0]).alias("main"),
        pl.col("to"),
        *(pl.when(SENDS).then(pl.col(n).fill_null(none)).alias(n) for n in ("lost", "duplicated")),
        pl.col("sender", "cause"),
        pl.lit(None, pl.String).alias("inferred"),
        *(pl.col(name) for name in ("physical_ns",) if spec.reads_physical),
        *(pl.col(clock).alias(f"clock_{clock}") for clock in spec.clocks),
        *(
            pl.col("stamps").struct.field(clock).alias(f"stamp_{clock}")
            for clock in stamped(spec.clocks)
        ),
    ]


def _scalar(clock: str) -> pl.Expr:
    """Return the timestamps of a clock as one number each, as `analysis.history.run.scalar`."""
    timestamps = pl.col(clock)
    match clock_of(clock).column:
        case "number":
            return timestamps
        case "list":
            return timestamps.list.sum()
        case "lists":
            return timestamps.list.eval(pl.element().list.sum()).list.sum()
        case "text":
            return pl.lit(None, pl.Int64)
