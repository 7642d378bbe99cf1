"""What must not be: each check answers with the rows of a run that must not exist.

A message is what a send says to one receiver: one copy of it, or two if a fault duplicated it.
Each copy ends in exactly one place: received, left in the receiver's inbox, undelivered (never
acknowledged), lost to a fault, or died with a machine that was killed. A copy may be
undelivered at its sender and yet have arrived: then only its acknowledgement was lost, and it
counts where it arrived.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from analysis.history import Run

MESSAGE = ["sender", "index", "receiver"]
MESSAGE_SCHEMA = {"sender": pl.String, "index": pl.Int64, "receiver": pl.String}

#: Where a copy can end; of several that are possible the first one counts.
PLACES = ["received", "inbox", "undelivered", "lost", "died", "unaccounted"]


@dataclass(frozen=True)
class Violation:
    """A row that must not exist, named by the event that it is about."""

    check: str
    run: str
    machine: str
    index: int
    because: str


@dataclass(frozen=True)
class Account:
    """Where the copies of a run's messages ended; `unaccounted` is 0 unless a check is violated."""

    sent: int
    received: int
    inbox: int
    undelivered: int
    lost: int
    died: int
    unaccounted: int


@dataclass(frozen=True)
class Verdict:
    """What the checks found; `unchecked` says why something could not be checked."""

    run: str
    account: Account | None
    violations: tuple[Violation, ...]
    unchecked: tuple[str, ...]


def verdict(run: Run) -> Verdict:
    """The violations of a run, and what keeps a run without any from being called fine."""
    if impossible := _uncheckable(run):
        return Verdict(run.name, None, (), impossible)
    found = tuple(violation for check in CHECKS.values() for violation in check(run))
    lost = tuple(
        f"{damage.file}:{damage.line} could not be used: {damage.reason}"
        for damage in run.damage
        if not damage.reason.startswith("torn last line")
    )
    return Verdict(run.name, account(run), found, lost)


def _uncheckable(run: Run) -> tuple[str, ...]:
    """Why none of the checks can be made; empty if they can.

    A torn last line keeps nobody from it: an event is in the log before its messages leave.
    """
    if run.format != "jsonl":
        return (f"logs in the format {run.format} do not say which send a receive belongs to",)
    return tuple(f"there is no log of {machine}" for machine in run.missing)


def account(run: Run) -> Account:
    """Where the messages went. Meaningful if the run can be checked: all logs, causes known."""
    places = _placed(run).select(pl.col("copies", *PLACES).sum()).row(0, named=True)
    return Account(sent=places.pop("copies"), **places)


def receive_without_send(run: Run) -> Iterator[Violation]:
    """Was anything received that was not sent?"""
    for sender, cause, machine, index in (
        _received(run)
        .join(
            _messages(run),
            left_on=["sender", "cause", "machine"],
            right_on=MESSAGE,
            how="anti",
            maintain_order="left",
        )
        .iter_rows()
    ):
        because = f"received event {cause} of {sender}, which sent it nothing"
        yield Violation("receive_without_send", run.name, machine, index, because)


def received_twice(run: Run) -> Iterator[Violation]:
    """Was any message received more often than it had copies?"""
    message = ["sender", "cause", "machine"]
    counted = _received(run).with_columns(times=pl.int_range(1, pl.len() + 1).over(message))
    arriving = _messages(run).select(*MESSAGE, arriving=pl.col("copies") - pl.col("lost"))
    for sender, cause, machine, index, times, most in (
        counted.join(arriving, left_on=message, right_on=MESSAGE, how="left", maintain_order="left")
        .filter(pl.col("times") > pl.col("arriving").fill_null(1))
        .iter_rows()
    ):
        because = f"received event {cause} of {sender} before"
        if most == 0:
            because = f"received event {cause} of {sender}, which says that it was lost"
        elif times > 2:
            because = f"received event {cause} of {sender} {times - 1} times before"
        yield Violation("received_twice", run.name, machine, index, because)


def index_gap(run: Run) -> Iterator[Violation]:
    """Does each log number its events 0, 1, 2, ... up to what its stop record says?"""
    expected = pl.col("index").shift(1, fill_value=-1).over("machine") + 1
    rows = run.events.select("machine", "index", expected=expected)
    for machine, index, due in rows.filter(pl.col("index") != pl.col("expected")).iter_rows():
        yield Violation("index_gap", run.name, machine, index, f"event {due} was to be next")
    last = dict(rows.group_by("machine").agg(pl.col("index").last()).iter_rows())
    for machine, stop in run.stops.items():
        if (index := last.get(machine, -1)) != stop.events - 1:
            because = f"its log ends with event {index}, its stop record says {stop.events} events"
            yield Violation("index_gap", run.name, machine, index, because)


def accounting(run: Run) -> Iterator[Violation]:
    """Does every message end in exactly one place?"""
    places = _placed(run)
    for sender, index, receiver in _rows(places.filter(pl.col("unaccounted") > 0)):
        because = f"its message to {receiver} is nowhere: not received, not left, not undelivered"
        yield Violation("accounting", run.name, sender, index, because)
    for sender, index, receiver in _rows(places.filter(pl.col("arrived") > pl.col("arriving"))):
        because = f"its message to {receiver} was received and is in the inbox as well"
        yield Violation("accounting", run.name, sender, index, because)
    for place, entries in {"inbox": _inbox(run), "undelivered": _undelivered(run)}.items():
        for sender, index, receiver in _rows(entries.join(places, on=MESSAGE, how="anti")):
            because = f"a message to {receiver} is listed as {place} but was never sent"
            yield Violation("accounting", run.name, sender, index, because)
        often = places.filter(pl.col(f"{place}_listed") > pl.col("copies"))
        for sender, index, receiver in _rows(often):
            because = f"its message to {receiver} is listed as {place} more than once"
            yield Violation("accounting", run.name, sender, index, because)


def _rows(messages: pl.DataFrame) -> Iterator[tuple[str, int, str]]:
    return messages.select(MESSAGE).iter_rows()


def _placed(run: Run) -> pl.DataFrame:
    """Every message with the number of its `copies`, and of those that ended in each place."""
    killed = [machine for machine in run.machines if machine not in run.stops]
    received = _received(run).select(sender="sender", index="cause", receiver="machine")
    placed = _messages(run)
    for place, entries in {
        "received_listed": received,
        "inbox_listed": _inbox(run),
        "undelivered_listed": _undelivered(run),
    }.items():
        counts = entries.group_by(MESSAGE).agg(pl.len().cast(pl.Int64).alias(place))
        placed = placed.join(counts, on=MESSAGE, how="left", maintain_order="left")
        placed = placed.with_columns(pl.col(place).fill_null(0))
    placed = placed.with_columns(
        arriving=pl.col("copies") - pl.col("lost"),
        arrived=pl.col("received_listed") + pl.col("inbox_listed"),
    ).with_columns(left=pl.col("arriving"))
    for place in ("received", "inbox", "undelivered"):
        taken = pl.min_horizontal("left", f"{place}_listed")
        placed = placed.with_columns(taken.alias(place), left=pl.col("left") - taken)
    died = pl.col("sender").is_in(killed) | pl.col("receiver").is_in(killed)
    return placed.with_columns(
        died=pl.when(died).then("left").otherwise(0),
        unaccounted=pl.when(died).then(0).otherwise("left"),
    )


def _messages(run: Run) -> pl.DataFrame:
    """Every message that was sent, by MESSAGE, its `copies`, and how many of them were `lost`."""
    sends = run.events.filter(pl.col("kind") == "send").explode("to").drop_nulls("to")
    messages = sends.select(
        sender="machine",
        index="index",
        receiver="to",
        copies=1 + pl.col("to").is_in(pl.col("duplicated")).cast(pl.Int64),
        lost=pl.col("to").is_in(pl.col("lost")).cast(pl.Int64),
    )
    return messages.unique(MESSAGE, maintain_order=True)


def _received(run: Run) -> pl.DataFrame:
    receives = run.events.filter(pl.col("kind") == "receive")
    return receives.select("sender", "cause", "machine", "index")


def _inbox(run: Run) -> pl.DataFrame:
    return _message_frame(
        (unread.sender, unread.cause, machine)
        for machine, stop in run.stops.items()
        for unread in stop.inbox
    )


def _undelivered(run: Run) -> pl.DataFrame:
    return _message_frame(
        (machine, left.index, left.to)
        for machine, stop in run.stops.items()
        for left in stop.undelivered
    )


def _message_frame(messages: Iterable[tuple[str, int, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(messages), schema=MESSAGE_SCHEMA, orient="row")


CHECKS: dict[str, Callable[[Run], Iterator[Violation]]] = {
    "receive_without_send": receive_without_send,
    "received_twice": received_twice,
    "index_gap": index_gap,
    "accounting": accounting,
}
