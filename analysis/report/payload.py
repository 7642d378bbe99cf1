"""A history as the page takes it: what is known once as JSON, events and messages as columns.

Events are numbered by their rows in the events table; a lane is the rows of one machine. A
message is one copy of a send for one receiver, with the `place` where it ended. The page draws
exactly these messages, so the counts by place are those of `analysis.checks.account`.
"""

from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from analysis.checks import MESSAGE, MESSAGE_SCHEMA, PLACES, Verdict, placed
from analysis.history import Run
from analysis.report.absences import absences, conditions
from analysis.report.columns import Column, pack, positions
from vm.records import Kind
from vm.schedule import SECOND_NS

VERSION = 1
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Vector clocks with more components than this, over all events, stay out of the page.
MAX_COMPONENTS = 24_000_000
MAX_VIOLATIONS = 2_000
CLAIMED = "claimed"
ENDS = [*PLACES, CLAIMED]


@dataclass(frozen=True)
class Payload:
    """`head` is for JSON, `body` is the base64 text of the columns that `head` describes."""

    head: dict[str, Any]
    body: str


def payload(run: Run, found: Verdict) -> Payload:
    """What the page of a run knows about its events."""
    names = _names(run)
    columns = {**_event_columns(run), **_message_columns(run, names)}
    heads, body = pack(columns)
    violations = [
        {"check": v.check, "machine": v.machine, "index": v.index, "because": v.because}
        for v in found.violations[:MAX_VIOLATIONS]
    ]
    head = {
        "version": VERSION,
        "run": run.name,
        "format": run.format,
        "main": run.main,
        "duration_s": next((start.duration_s for start in run.starts.values()), None),
        "machines": [_machine(run, name) for name in run.machines],
        "names": names,
        "kinds": KINDS,
        "places": ENDS,
        "clocks": [{"name": name, "width": width} for name, width in _widths(run).items()],
        "left_out": _left_out(run),
        "violations": violations,
        "violations_found": len(found.violations),
        "absences": absences(run),
        "conditions": conditions(run),
        "columns": heads,
    }
    return Payload(head, body)


def messages(run: Run) -> pl.DataFrame:
    """Every copy of every message: MESSAGE, `copy`, `place`, `send`, `receive`, `arrived_ns`.

    `send` and `receive` are rows. Sorted by channel and send, so that the rows of either end grow
    along a channel. `place` is where `checks.account` counts the copy, or CLAIMED for a receive
    that is counted nowhere but names an event that there is.
    """
    rows = run.events.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    events = rows.select(sender="machine", index="index", send="row").unique(
        ["sender", "index"], keep="first"
    )
    receives = _numbered(
        rows.filter(pl.col("kind") == "receive").select(
            sender="sender", index="cause", receiver="machine", receive="row", read_ns="arrived_ns"
        )
    )
    unread = _numbered(_unread(run))
    counts = placed(run)
    copies = pl.concat(_copies(counts, place) for place in PLACES)
    received = copies.filter(place="received").join(receives, on=[*MESSAGE, "copy"], how="left")
    inbox = copies.filter(place="inbox").join(unread, on=[*MESSAGE, "copy"], how="left")
    others = copies.filter(~pl.col("place").is_in(["received", "inbox"]))
    claimed = receives.join(received, on="receive", how="anti").with_columns(place=pl.lit(CLAIMED))
    whole = pl.concat([received, inbox, others, claimed], how="diagonal").join(
        events, on=["sender", "index"]
    )
    arrived_ns = pl.coalesce("read_ns", "unread_ns")
    return whole.select(*MESSAGE, "copy", "place", "send", "receive", arrived_ns=arrived_ns).sort(
        "sender", "receiver", "send", "receive"
    )


def _copies(counts: pl.DataFrame, place: str) -> pl.DataFrame:
    """A row for each copy that ended in a place, numbered by `copy` from 0."""
    ended = counts.filter(pl.col(place) > 0)
    numbers = pl.int_ranges(0, pl.col(place)).alias("copy")
    return ended.select(*MESSAGE, numbers, place=pl.lit(place)).explode("copy")


def _numbered(listed: pl.DataFrame) -> pl.DataFrame:
    """Entries of one and the same message numbered by `copy`, from 0, in their order."""
    return listed.with_columns(copy=pl.int_range(pl.len(), dtype=pl.Int64).over(MESSAGE))


def _unread(run: Run) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (message.sender, message.cause, machine, message.arrived_ns)
            for machine, stop in run.stops.items()
            for message in stop.inbox
        ],
        schema={**MESSAGE_SCHEMA, "unread_ns": pl.Int64},
        orient="row",
    )


def late(run: Run, sent: pl.DataFrame, flight_ns: pl.Series) -> pl.Series:
    """1 for each message that was on its way for longer than a tick of its receiver takes."""
    periods_ns = {name: SECOND_NS / rate for name, rate in run.tick_rates_hz.items()}
    ticks_ns = sent["receiver"].replace_strict(periods_ns, default=None, return_dtype=pl.Float64)
    return (flight_ns > ticks_ns).fill_null(False).cast(pl.Int64)


def _event_columns(run: Run) -> dict[str, Column]:
    events = run.events
    late_ns = events["at_ns"] - events["due_ns"].fill_null(0)
    return {
        "kind": Column(positions(KINDS, events["kind"]), order=0),
        "index": Column(events["index"]),
        "tick": Column(events["tick"]),
        "due_ns": Column(events["due_ns"], order=2),
        # The schedule is regular; what is late is small. Without a schedule it is the instant.
        "late_ns": Column(late_ns),
        "queue": Column(events["queue"]),
        "line": Column(events["line"], order=2),
        **_clock_columns(run),
    }


def _clock_columns(run: Run) -> dict[str, Column]:
    columns = {}
    left_out = _left_out(run)
    for clock, width in _widths(run).items():
        reading = run.events[f"clock_{clock}"]
        if width is None:
            columns[f"clock {clock}"] = Column(reading)
        elif clock not in left_out:
            for component in range(width):
                columns[f"clock {clock} {component}"] = Column(reading.list.get(component))
    if run.main in left_out:
        columns["main"] = Column(run.events["main"])
    return columns


def _message_columns(run: Run, names: list[str]) -> dict[str, Column]:
    sent = messages(run)
    at_ns = run.events["at_ns"]
    flight_ns = sent["arrived_ns"] - at_ns.gather(sent["send"])
    known = pl.col("kind") == "receive"
    rows = (
        run.events.with_row_index("row")
        .filter(known)
        .select(pl.col("row").cast(pl.Int64), "sender", "cause")
    )
    orphans = rows.join(sent.select(row="receive"), on="row", how="anti", maintain_order="left")
    return {
        "send": Column(sent["send"]),
        "receiver": Column(positions(names, sent["receiver"])),
        "copy": Column(sent["copy"], order=0),
        "place": Column(positions(ENDS, sent["place"]), order=0),
        "receive": Column(sent["receive"]),
        "flight_ns": Column(flight_ns, order=0),
        "late": Column(late(run, sent, flight_ns), order=0),
        "orphan": Column(orphans["row"]),
        "orphan sender": Column(positions(names, orphans["sender"]), order=0),
        "orphan cause": Column(orphans["cause"]),
    }


def _names(run: Run) -> list[str]:
    """The run's machines, and then whoever else its logs name."""
    receivers = run.events["to"].explode(empty_as_null=True).drop_nulls()
    named = pl.concat([receivers, run.events["sender"].drop_nulls()]).unique().to_list()
    return [*run.machines, *sorted(set(named).difference(run.machines))]


def _machine(run: Run, name: str) -> dict[str, Any]:
    log = run.events.filter(machine=name)
    return {
        "name": name,
        "rate_hz": run.tick_rates_hz.get(name),
        "events": log.height,
        "ended": _ended(run, name),
        "file": next(iter(log["file"]), None),
    }


def _ended(run: Run, name: str) -> str:
    if name in run.stops:
        return run.stops[name].reason
    if name in run.missing:
        return "missing"
    return "killed" if name in run.starts else "unknown"


def _widths(run: Run) -> dict[str, int | None]:
    """The clocks that the run carries, with the number of their components, None for a number."""
    clocks = {name[6:]: run.events[name] for name in run.events.columns if name[:6] == "clock_"}
    return {
        clock: None if column.dtype == pl.Int64 else int(column.list.len().max() or 0)  # type: ignore[arg-type]
        for clock, column in clocks.items()
        if column.null_count() < len(column)
    }


def _left_out(run: Run) -> list[str]:
    return [
        clock
        for clock, width in _widths(run).items()
        if width is not None and width * run.events.height > MAX_COMPONENTS
    ]
