"""Our own exports: the events table of `vklocks export`, as CSV or Parquet.

A table holds the events and the messages, but neither the spec nor the damage of the run: checks
that need these cannot be made. An event that the table lacks is no violation.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl

from analysis.history.run import InputError, Run, scalar, schema_of, timestamp
from analysis.logs import texts
from analysis.logs.conventions.words import STAMPED_BEFORE
from analysis.logs.foreign import check_size
from analysis.logs.limits import MAX_EVENTS
from analysis.logs.vectors.counts import absent
from analysis.logs.vectors.events import HostEvent
from analysis.logs.vectors.runs import BY_VECTORS, Execution, runs_of
from vm.clocks import clock_of, full_name
from vm.fields import SpecError
from vm.files import name_of
from vm.spec import natural_order

NAME = "table"
PARQUET = "PAR1"
NEEDED = ("machine", "index", "kind", "main", "to", "sender", "cause")
CLOCK = "clock_"


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    names = head.partition("\n")[0].split(",")
    has_clock = any(name.startswith(CLOCK) for name in names)
    return head.startswith(PARQUET) or ({*NEEDED} <= {*names} and has_clock)


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the runs of the tables in a directory, or in one file."""
    table = pl.concat([_read(file) for file in files], how="diagonal")
    names = table["run"].unique(maintain_order=True).to_list()
    run = name_of(path)
    return [
        one
        for name in names
        for one in _runs(
            path,
            f"{run}#{name}" if len(names) > 1 else run,
            table.filter(pl.col("run").eq_missing(name)),
        )
    ]


def _read(file: Path) -> pl.DataFrame:
    """Return a table with the columns of its clocks, null where it lacks one; InputError if
    invalid."""
    try:
        if texts.head(file).startswith(PARQUET):
            table = pl.read_parquet(file, n_rows=MAX_EVENTS + 1)
        else:
            text, _ = texts.read(file)
            table = pl.read_csv(StringIO(text), infer_schema=False, n_rows=MAX_EVENTS + 1)
        if lacking := [name for name in NEEDED if name not in table.columns]:
            raise InputError(f"{file}: an events table has a column {lacking[0]}")
        schema = schema_of(_known_clocks(table))
        absent = [pl.lit(None).alias(name) for name in schema if name not in table.columns]
        table = table.with_columns(absent)
        found = table.select(_column(table, name, type_) for name, type_ in schema.items())
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{file}: not an events table: {error}") from None
    if found.height > MAX_EVENTS:
        raise InputError(f"{file}: more than {MAX_EVENTS:,} events")
    if bad := found.filter(~_is_event()).height:
        raise InputError(f"{file}: {bad:,} rows are no events: machine, index and kind are needed")
    return found


def _known_clocks(table: pl.DataFrame) -> list[str]:
    """Return the clocks of a table's columns; columns of other programs' clocks are ignored."""
    known = list[str]()
    for column in table.columns:
        if column.startswith(CLOCK):
            with suppress(SpecError):
                known.append(full_name(column.removeprefix(CLOCK)))
    return [clock for clock in known if f"{CLOCK}{clock}" in table.columns]


def _is_event() -> pl.Expr:
    kinds = pl.col("kind").is_in(["send", "receive", "internal"])
    in_range = pl.col("index").is_between(0, MAX_EVENTS)
    return pl.all_horizontal(kinds, in_range, pl.col("machine").is_not_null()).fill_null(False)


def _column(table: pl.DataFrame, name: str, type_: Any) -> pl.Expr:
    """Read a column as its type: lists are separated by spaces, or in JSON; rows by semicolons."""
    if type_ == pl.List(pl.List(pl.Int64)) and table.schema[name] == pl.String:
        rows = pl.element().str.split(" ").cast(pl.List(pl.Int64))
        return pl.col(name).str.split(";").list.eval(rows)
    if isinstance(type_, pl.List) and table.schema[name] == pl.String:
        lists = [_names(text) for text in table[name].to_list()]
        return pl.lit(pl.Series(name, lists, pl.List(pl.String))).cast(type_).alias(name)
    return pl.col(name).cast(type_)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    try:
        found = json.loads(text) if text.startswith("[") else text.split()
    except (ValueError, RecursionError):
        found = text.split()
    return [str(name) for name in found]


def _runs(path: Path, name: str, table: pl.DataFrame) -> list[Run]:
    logged = table["machine"].unique(maintain_order=True).to_list()
    check_size(path, table.height, len(logged))
    named = {*table["sender"].drop_nulls(), *table["to"].explode().drop_nulls()} - {*logged}
    machines = [*logged, *sorted(named, key=natural_order)]
    has_vectors = "clock_vector" in table.columns and not table["clock_vector"].null_count()
    if has_vectors and (table["inferred"] == BY_VECTORS).any():
        return runs_of(path, NAME, {"1": _by_vectors(machines, table)})
    clocks = _clocks(path, table, len(machines))
    number = pl.Series([logged.index(machine) for machine in table["machine"]])
    table = table.with_columns(
        run=pl.lit(name), file=pl.col("file").fill_null(name), line=pl.col("line").fill_null(0)
    ).select(pl.col(*schema_of(clocks)).sort_by(number, "index"))
    # Machines of vklocks tick, and advance their clock before they stamp a message.
    is_other = table["tick"].is_null().all() and "lamport" in clocks
    lag = _lag(table) if is_other else 0
    return [
        Run(
            name=name,
            path=path,
            format=NAME,
            clocks=clocks,
            machines=tuple(machines),
            files=dict(table.select("machine", "file").unique("machine").iter_rows()),
            scan=table.lazy(),
            damage=(),
            absent=_absent(table),
            stamp_lag=lag,
            conventions=(STAMPED_BEFORE,) * lag,
        )
    ]


def _by_vectors(machines: Sequence[str], table: pl.DataFrame) -> Execution:
    """Return the events of a log that held vector clocks alone, to infer its messages again."""
    one = Execution()
    columns = table.select("machine", "clock_vector", "at_ns", "file", "line").iter_rows()
    for row, (machine, counts, at_ns, file, line) in enumerate(columns):
        clock = {name: n for name, n in zip(machines, counts, strict=False) if n}
        time = "" if at_ns is None else f"{at_ns:020}"
        one.add(HostEvent(machine, clock, str(row), time, file or "", line or 0))
    return one


def _clocks(path: Path, table: pl.DataFrame, machines: int) -> tuple[str, ...]:
    """Return the clocks of which every event has a timestamp, the main one first."""
    held = [name.removeprefix(CLOCK) for name in table.columns if name.startswith(CLOCK)]
    clocks = [clock for clock in held if not table[f"{CLOCK}{clock}"].null_count()]
    if not clocks:
        raise InputError(f"{path}: there is no clock of which every event has a timestamp")
    for clock in clocks:
        rules, column = clock_of(clock), table[f"{CLOCK}{clock}"]
        if not all(rules.is_timestamp(timestamp(value), machines) for value in column.to_list()):
            like = rules.timestamp(rules.initial(0, machines))
            raise InputError(f"{path}: {CLOCK}{clock}: a timestamp is not like {like!r}")
    main = table["main"].to_list()
    numbers = {c: [scalar(timestamp(v)) for v in table[f"{CLOCK}{c}"].to_list()] for c in clocks}
    return tuple(sorted(clocks, key=lambda clock: numbers[clock] != main))


def _absent(table: pl.DataFrame) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return by machine the ranges of events that others are numbered or received after."""
    received = dict(table.group_by("sender").agg(pl.max("cause")).drop_nulls().iter_rows())
    found = {}
    for machine, rows in table.group_by("machine", maintain_order=True):
        indexes = rows["index"].to_list()
        beyond = received.get(machine[0], -1) - indexes[-1]
        if gaps := tuple(absent(indexes, beyond)):
            found[str(machine[0])] = gaps
    return found


def _lag(table: pl.DataFrame) -> int:
    """Return by how much stamps lag behind the clocks of their sends: as most receives show."""
    sends = table.select(sender="machine", cause="index", stamp="clock_lamport")
    before = pl.col("clock_lamport").shift(1).over("machine").fill_null(0)
    receives = table.with_columns(before=before).filter(kind="receive")
    known = receives.join(sends, on=["sender", "cause"])
    due = (pl.max_horizontal("before", pl.col("stamp") - lag) + 1 for lag in (0, 1))
    after, early = known.select(
        (due_ == pl.col("clock_lamport")).sum().alias(str(n)) for n, due_ in enumerate(due)
    ).row(0)
    return int(early > after)
