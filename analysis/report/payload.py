"""The data of a run's page: a head as JSON, events and messages as packed columns.

Events are numbered by their rows in the events table; a lane is the rows of one machine. A
message is one copy of a send to one receiver, and `end` is its end. The page draws exactly
these messages, so the counts by end equal those of `analysis.checks.account`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from analysis.checks.account import ENDS as ACCOUNT_ENDS
from analysis.checks.account import ended
from analysis.checks.evidence import Evidence
from analysis.evaluation import Evaluation
from analysis.history.derived import derived
from analysis.history.run import Run
from analysis.report.absences import absences, conditions
from analysis.report.encoding import Column, pack, positions
from analysis.report.timestamps import clocks_of, left_out, timestamp_columns
from vm.records import Kind
from vm.schedule import SECOND_NS

VERSION = 1
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_VIOLATIONS = 2_000
MESSAGE = ["sender", "index", "receiver"]
CLAIMED = "claimed"
ENDS = [*ACCOUNT_ENDS, CLAIMED]


@dataclass(frozen=True)
class Payload:
    """The data of a page: `head` for JSON, and `body`, its columns as base64 text."""

    head: dict[str, Any]
    body: str


def payload(evaluation: Evaluation) -> Payload:
    """Return the data of a run for its page."""
    run, found = evaluation.run, evaluation.verdict
    names = _names(run)
    columns = {**_event_columns(run), **_message_columns(evaluation.evidence, names)}
    heads, body = pack(columns)
    violations = [
        {"check": v.check, "machine": v.shown[0], "index": v.shown[1], "because": v.because}
        for v in found.violations[:MAX_VIOLATIONS]
    ]
    events = dict(run.events.group_by("machine").len().iter_rows())
    head = {
        "version": VERSION,
        "run": run.name,
        "format": run.format,
        "main": run.main,
        "duration_s": next((start.spec.duration_s for start in run.starts.values()), None),
        "machines": [_machine(run, name, events) for name in run.machines],
        "names": names,
        "kinds": KINDS,
        "ends": ENDS,
        "clocks": clocks_of(run),
        "left_out": left_out(run),
        "violations": violations,
        "violations_found": len(found.violations),
        "absences": absences(run),
        "conditions": conditions(run),
        "columns": heads,
    }
    return Payload(head, body)


@derived
def copies(seen: Evidence) -> pl.DataFrame:
    """Return all copies of messages: MESSAGE, `copy`, `end`, `send`, `receive`, `arrived_ns`.

    `send` and `receive` are rows, sorted by channel and send, so that rows of sends and of receives
    increase along a channel. `end` is the end under which `checks.account` counts the copy, or
    CLAIMED for a receive outside of the account that names an existing event as its send.
    """
    run, sent, receives = seen.run, _sent(seen), _receives(seen)
    ended = pl.concat(_copies(sent, end) for end in ACCOUNT_ENDS)
    received = ended.filter(end="received").join(receives, on=["message", "copy"], how="left")
    inbox = ended.filter(end="inbox").join(_unread(run, sent), on=["message", "copy"], how="left")
    others = ended.filter(~pl.col("end").is_in(["received", "inbox"]))
    claimed = receives.join(received, on="receive", how="anti").with_columns(end=pl.lit(CLAIMED))
    whole = pl.concat([received, inbox, others], how="diagonal")
    columns = [*MESSAGE, "copy", "end", "send", "receive", "arrived_ns"]
    named = whole.join(sent.select("message", *MESSAGE, "send"), on="message").select(columns)
    return pl.concat([named, _named(run, claimed).select(columns)]).sort(
        "sender", "receiver", "send", "receive"
    )


def _sent(seen: Evidence) -> pl.DataFrame:
    """Return the messages, numbered as in `history.messages`, with the number of copies by end."""
    sends = seen.run.events.with_row_index("send").filter(pl.col("to").list.len() > 0)
    named = sends.select(
        pl.col("send").cast(pl.Int64), "index", sender="machine", receiver="to"
    ).explode("receiver")
    counts = {end: pl.Series(copies, dtype=pl.Int64) for end, copies in ended(seen).items()}
    return named.with_columns(**counts, message=pl.int_range(pl.len(), dtype=pl.Int64))


def _receives(seen: Evidence) -> pl.DataFrame:
    """Return all receives with a known send: `message` (-1: not sent to this machine), `copy`."""
    known = seen.causality
    rows, sends = known.messages
    of_receive = seen.messages.find(sends, known.machine[rows])
    receives = pl.DataFrame({"receive": rows, "message": of_receive, "cause": sends})
    return receives.select(
        pl.col("receive", "message", "cause").cast(pl.Int64),
        copy=pl.int_range(pl.len(), dtype=pl.Int64).over("message"),
        arrived_ns=seen.run.events["arrived_ns"].gather(rows),
    )


def _named(run: Run, claimed: pl.DataFrame) -> pl.DataFrame:
    """Return the receives outside of the account, with the sends that they name."""
    events = run.events
    return claimed.with_columns(
        copy=pl.lit(0, pl.Int64),
        send="cause",
        sender=events["machine"].gather(claimed["cause"]),
        index=events["index"].gather(claimed["cause"]),
        receiver=events["machine"].gather(claimed["receive"]),
    )


def _copies(sent: pl.DataFrame, end: str) -> pl.DataFrame:
    """Return a row for each copy with this end: `message`, and `copy` from 0."""
    ended = sent.filter(pl.col(end) > 0)
    numbers = pl.int_ranges(0, pl.col(end)).alias("copy")
    return ended.select("message", numbers, end=pl.lit(end)).explode("copy")


def _unread(run: Run, sent: pl.DataFrame) -> pl.DataFrame:
    """Return the messages left in inboxes: `message`, `copy`, `arrived_ns`."""
    unread = pl.DataFrame(
        [
            (message.sender, message.cause, machine, message.arrived_ns)
            for machine, stop in run.stops.items()
            for message in stop.inbox
        ],
        schema={**{name: sent.schema[name] for name in MESSAGE}, "arrived_ns": pl.Int64},
        orient="row",
    )
    named = unread.join(sent.unique(MESSAGE, keep="first"), on=MESSAGE)
    return named.select(
        "message", "arrived_ns", copy=pl.int_range(pl.len(), dtype=pl.Int64).over("message")
    )


def late_messages(seen: Evidence) -> int:
    """Count the messages in flight for longer than a tick of their receiver."""
    return int(_late(seen.run, copies(seen)).sum())


def _late(run: Run, sent: pl.DataFrame) -> pl.Series:
    """Return 1 for each message in flight for longer than a tick of its receiver, else 0."""
    periods_ns = {name: SECOND_NS / rate for name, rate in run.tick_rates_hz.items()}
    ticks_ns = sent["receiver"].replace_strict(periods_ns, default=None, return_dtype=pl.Float64)
    return (_flight_ns(run, sent) > ticks_ns).fill_null(False).cast(pl.Int64)


def _flight_ns(run: Run, sent: pl.DataFrame) -> pl.Series:
    return sent["arrived_ns"] - run.events["at_ns"].gather(sent["send"])


def _event_columns(run: Run) -> dict[str, Column]:
    events = run.events
    late_ns = events["at_ns"] - events["due_ns"].fill_null(0)
    return {
        "kind": Column(positions(KINDS, events["kind"]), order=0),
        "index": Column(events["index"]),
        "tick": Column(events["tick"]),
        "due_ns": Column(events["due_ns"], order=2),
        # Small, because the schedule is regular; without a schedule, the instant itself.
        "late_ns": Column(late_ns),
        "queue": Column(events["queue"]),
        "line": Column(events["line"], order=2),
        **timestamp_columns(run),
    }


def _message_columns(seen: Evidence, names: list[str]) -> dict[str, Column]:
    run, sent = seen.run, copies(seen)
    receives = run.events.with_row_index("row").filter(kind="receive")
    rows = receives.select(pl.col("row").cast(pl.Int64), "sender", "cause")
    orphans = rows.join(sent.select(row="receive"), on="row", how="anti", maintain_order="left")
    return {
        "send": Column(sent["send"]),
        "receiver": Column(positions(names, sent["receiver"])),
        "copy": Column(sent["copy"], order=0),
        "end": Column(positions(ENDS, sent["end"]), order=0),
        "receive": Column(sent["receive"]),
        "flight_ns": Column(_flight_ns(run, sent), order=0),
        "late": Column(_late(run, sent), order=0),
        "orphan": Column(orphans["row"]),
        "orphan sender": Column(positions(names, orphans["sender"]), order=0),
        "orphan cause": Column(orphans["cause"]),
    }


def _names(run: Run) -> list[str]:
    """Return the run's machines, followed by other machines named in its logs."""
    receivers = run.events["to"].explode(empty_as_null=True).drop_nulls()
    named = pl.concat([receivers, run.events["sender"].drop_nulls()]).unique().to_list()
    return [*run.machines, *sorted(set(named).difference(run.machines))]


def _machine(run: Run, name: str, events: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "rate_hz": run.tick_rates_hz.get(name),
        "events": events.get(name, 0),
        "ended": _ended(run, name),
        "file": run.files.get(name),
    }


def _ended(run: Run, name: str) -> str:
    if name in run.stops:
        return run.stops[name].reason
    if name in run.missing:
        return "missing"
    return "killed" if name in run.starts else "unknown"
