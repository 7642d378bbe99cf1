"""Runs from logs with vector clocks that also name the kinds of events.

The logs name sends and receives, so the vectors are not the only evidence of a message: they can be
checked. A receive that names its sender belongs to the send with the sender's component; without a
name, to the one send that explains its new components.
"""

from collections import defaultdict

import numpy as np
import polars as pl

from analysis.history.run import NO_RECEIVER, NO_SEND_FITS, SEVERAL_FIT, Run, schema_of
from analysis.logs.conventions import layout
from analysis.logs.conventions.fitting import LAGS
from analysis.logs.conventions.words import STAMPED_BEFORE
from analysis.logs.foreign import Extract, check_size
from analysis.logs.vectors.messages import Vectors, conclude
from vm.quoting import counted

VECTOR = "vector"
BY_VECTORS = "vector clocks"
Row = int


def run_of_vectors(extract: Extract) -> Run:
    """Turn an extract whose events have a column `vector` into a run."""
    check_size(extract.path, extract.events.height, len(extract.machines))
    notes = list(extract.conventions)
    events = layout.without_own_receivers(extract.events, extract.machines, notes)
    events = layout.one_row_a_send(events, notes)
    events, resolution_ns = layout.dated(events, notes)
    received = (events["kind"] == "receive").sum()
    causes, methods, lag, matched = _likeliest(events, extract)
    if received:
        notes.append(f"{matched} of {received} receives are matched to their sends by {BY_VECTORS}")
    logged = {*events["machine"].unique()}
    return Run(
        name=extract.name,
        path=extract.path,
        format=extract.format,
        clocks=("vector",),
        machines=extract.machines,
        missing=tuple(machine for machine in extract.machines if machine not in logged),
        files=extract.files,
        scan=_table(extract, events, causes, methods).lazy(),
        damage=extract.damage,
        noise=extract.noise,
        resolution_ns=resolution_ns,
        stamp_lag=lag,
        conventions=tuple(notes),
        causes=(
            f"of {counted(matched, 'receive')} all lack the step of their send: {STAMPED_BEFORE}",
        )
        * lag,
    )


def _likeliest(
    events: pl.DataFrame, extract: Extract
) -> tuple[list[Row], list[str | None], int, int]:
    """Return causes and methods by the side of the send that explains more receives, whether this
    is before it, and how many are matched."""
    given = extract.given.stamp
    found = [
        (*_causes(events, extract.machines, lag), lag)
        for lag in ([LAGS[given]] if given else LAGS.values())
    ]
    matched = [sum(cause >= 0 for cause in causes) for causes, _, _ in found]
    best = max(range(len(found)), key=lambda n: matched[n])
    return *found[best], matched[best]


def _causes(
    events: pl.DataFrame, machines: tuple[str, ...], lag: int
) -> tuple[list[Row], list[str | None]]:
    """Return by row the row of the send (-1: none), and the method or the reason for none.

    With a `lag` of 1, messages carry the vector from before their send.
    """
    number = {machine: n for n, machine in enumerate(machines)}
    own = [number[m] for m in events["machine"]]
    vectors = np.array(events[VECTOR].to_list(), np.int64)
    sends = defaultdict[tuple[str, int], list[Row]](list)
    kinds, receivers = events["kind"].to_list(), events["to"].to_list()
    for row, (name, clock) in enumerate(events.select("machine", "clock").iter_rows()):
        if kinds[row] == "send":
            sends[name, clock - lag].append(row)
    concluded = _before_sends(kinds, own, vectors) if lag else _at_sends(kinds, own, vectors)
    causes, methods = [-1] * events.height, list[str | None]([None] * events.height)
    columns = events.select("kind", "machine", "sender", "stamp", "to")
    for row, (kind, machine, sender, stamp, to) in enumerate(columns.iter_rows()):
        if kind == "send" and not to:
            methods[row] = NO_RECEIVER
        if kind != "receive":
            continue
        found = sends.get((sender, stamp), []) if sender else concluded.get(row, [])
        fits = [send for send in found if machine in (receivers[send] or [machine])]
        causes[row] = fits[0] if len(fits) == 1 else -1
        methods[row] = BY_VECTORS if len(fits) == 1 else SEVERAL_FIT if fits else NO_SEND_FITS
    return causes, methods


def _at_sends(kinds: list[str], own: list[int], vectors: Vectors) -> dict[Row, list[Row]]:
    """Return the sends whose vectors explain what is new at each receive."""
    return {
        row: [send for send in one.sends if kinds[send] == "send"]
        for row, one in conclude(own, vectors).items()
    }


def _before_sends(kinds: list[str], own: list[int], vectors: Vectors) -> dict[Row, list[Row]]:
    """Return the sends that explain each receive if a message carries the vector from before.

    Where a message tells nothing new, these are the sends that no other receive of the machine has.
    """
    sends = np.array([row for row, kind in enumerate(kinds) if kind == "send"], np.int64)
    machine = np.array(own)
    stamps = vectors[sends]
    stamps[range(len(sends)), machine[sends]] -= 1
    found, taken = dict[Row, list[Row]](), defaultdict[int, set[Row]](set)
    quiet = list[Row]()
    for row in (row for row, kind in enumerate(kinds) if kind == "receive"):
        follows = row > 0 and own[row - 1] == own[row]
        before = vectors[row - 1] if follows else np.zeros_like(vectors[row])
        after = np.where(np.arange(len(before)) == own[row], before, vectors[row])
        is_new = after > before
        fits = (stamps <= after).all(axis=1) & (machine[sends] != own[row])
        fits &= (stamps == after)[:, is_new].all(axis=1)
        found[row] = sends[fits].tolist()
        if len(found[row]) == 1 and is_new.any():
            taken[own[row]].update(found[row])
        else:
            quiet.append(row)
    for row in quiet:
        found[row] = [send for send in found[row] if send not in taken[own[row]]]
        if len(found[row]) == 1:
            taken[own[row]].update(found[row])
    return found


def _table(
    extract: Extract, events: pl.DataFrame, causes: list[Row], methods: list[str | None]
) -> pl.DataFrame:
    """Build the events table; receivers that the log lacks come from the matches."""
    index = _index(extract, events)
    to = defaultdict[Row, list[str]](list)
    for row, send in enumerate(causes):
        if send >= 0:
            to[send].append(events["machine"][row])
    known = [list(names) if names else to.get(n) for n, names in enumerate(events["to"].to_list())]
    machine = events["machine"]
    senders = [
        machine[send] if send >= 0 else sender
        for send, sender in zip(causes, events["sender"], strict=True)
    ]
    table = events.with_columns(
        run=pl.lit(extract.name),
        index=pl.Series(index, dtype=pl.Int64),
        to=pl.Series(known, dtype=pl.List(pl.String)),
        sender=pl.Series(senders, dtype=pl.String),
        cause=pl.Series([index[send] if send >= 0 else None for send in causes], dtype=pl.Int64),
        inferred=pl.Series(methods, dtype=pl.String),
        main=pl.col(VECTOR).list.sum(),
        clock_vector=pl.col(VECTOR),
    )
    schema = schema_of(["vector"])
    absent = [pl.lit(None).alias(name) for name in schema if name not in table.columns]
    return table.with_columns(absent).select(pl.col(n).cast(type_) for n, type_ in schema.items())


def _index(extract: Extract, events: pl.DataFrame) -> list[int]:
    """Number the events of each machine; a damaged line takes a number."""
    damaged = defaultdict[str, list[int]](list)
    for one in extract.damage:
        if not one.is_torn:
            damaged[one.file].append(one.line)
    numbers, following = list[int](), dict[str, int]()
    for machine, file, line in events.select("machine", "file", "line").iter_rows():
        before = sum(at < line for at in damaged.get(file, ()))
        number = following.get(machine, 0)
        following[machine] = number + 1
        numbers.append(number + before)
    return numbers
