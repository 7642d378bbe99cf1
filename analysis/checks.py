"""What must not be: each check answers with the rows of a run that must not exist.

A message is one copy of a send for one receiver. It ends in exactly one place: received, left
in the receiver's inbox, undelivered (never acknowledged), or died with a machine that was
killed. A message may be undelivered at its sender and yet have arrived: then only its
acknowledgement was lost, and it counts where it arrived.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from analysis.history import Run

MESSAGE = ["sender", "index", "receiver"]
MESSAGE_SCHEMA = {"sender": pl.String, "index": pl.Int64, "receiver": pl.String}


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
    """Where the messages of a run ended; `unaccounted` is 0 unless a check is violated."""

    sent: int
    received: int
    inbox: int
    undelivered: int
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
    places = dict(_placed(run).group_by("place").len().iter_rows())
    return Account(
        sent=sum(places.values()),
        received=places.get("received", 0),
        inbox=places.get("inbox", 0),
        undelivered=places.get("undelivered", 0),
        died=places.get("died", 0),
        unaccounted=places.get("unaccounted", 0),
    )


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
    """Was any message received more than once?"""
    message = ["sender", "cause", "machine"]
    again = _received(run).filter(pl.struct(message).is_first_distinct().not_())
    for sender, cause, machine, index in again.iter_rows():
        because = f"received event {cause} of {sender} before"
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
    places = _placed(run).filter(pl.col("place") == "unaccounted")
    for sender, index, receiver, _ in places.iter_rows():
        because = f"its message to {receiver} is nowhere: not received, not left, not undelivered"
        yield Violation("accounting", run.name, sender, index, because)
    yield from _two_places(run)
    for place, entries in {"inbox": _inbox(run), "undelivered": _undelivered(run)}.items():
        yield from _misplaced(run, place, entries)


def _two_places(run: Run) -> Iterator[Violation]:
    read = _placed(run).filter(pl.col("place") == "received")
    for sender, index, receiver in _inbox(run).join(read, on=MESSAGE, how="semi").iter_rows():
        because = f"its message to {receiver} was received and is in the inbox as well"
        yield Violation("accounting", run.name, sender, index, because)


def _misplaced(run: Run, place: str, entries: pl.DataFrame) -> Iterator[Violation]:
    for sender, index, receiver in entries.join(_messages(run), on=MESSAGE, how="anti").iter_rows():
        because = f"a message to {receiver} is listed as {place} but was never sent"
        yield Violation("accounting", run.name, sender, index, because)
    for sender, index, receiver in entries.filter(
        pl.struct(MESSAGE).is_first_distinct().not_()
    ).iter_rows():
        because = f"its message to {receiver} is listed as {place} more than once"
        yield Violation("accounting", run.name, sender, index, because)


def _placed(run: Run) -> pl.DataFrame:
    """Every message with the one `place` where it ended."""
    killed = [machine for machine in run.machines if machine not in run.stops]
    received = _received(run).select(
        sender="sender", index="cause", receiver="machine", received=pl.lit(True)
    )
    placed = _messages(run)
    for frame in (
        received.unique(MESSAGE),
        _inbox(run).unique().with_columns(inbox=pl.lit(True)),
        _undelivered(run).unique().with_columns(undelivered=pl.lit(True)),
    ):
        placed = placed.join(frame, on=MESSAGE, how="left", maintain_order="left")
    died = pl.col("sender").is_in(killed) | pl.col("receiver").is_in(killed)
    place = (
        pl.when(pl.col("received"))
        .then(pl.lit("received"))
        .when(pl.col("inbox"))
        .then(pl.lit("inbox"))
        .when(pl.col("undelivered"))
        .then(pl.lit("undelivered"))
        .when(died)
        .then(pl.lit("died"))
        .otherwise(pl.lit("unaccounted"))
    )
    return placed.select(*MESSAGE, place=place)


def _messages(run: Run) -> pl.DataFrame:
    """Every message that was sent, by MESSAGE."""
    sends = run.events.filter(pl.col("kind") == "send").explode("to")
    messages = sends.select(sender="machine", index="index", receiver="to").drop_nulls()
    return messages.unique(maintain_order=True)


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
