"""The messages of a history: each receiver of each send, and the ends of its copies.

A message is one send event to one receiver. It has one copy, two if a fault duplicated it, none
if a fault lost it.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from analysis.history.arrays import column, numbers_of
from analysis.history.causality import Causality, causality
from analysis.history.derived import derived
from analysis.history.kernels import Rows, addressed, fast
from analysis.history.run import Run

#: A message as sender, index of the send, receiver.
Named = tuple[str, int, str]


class Messages:
    """Arrays over all messages, in the order of the events table and of each send's receivers.

    `send` is the row of the send, `receiver` a machine's number (-1: there is no such machine).
    `copies` counts the copies made, `lost` those that a fault lost; `received`, `inbox` and
    `undelivered` count how often the logs list the message there. By row of the events table,
    `of_receive` is the received message, -1 if there is none. `struck` holds the receivers that
    sends list as `lost` or `duplicated`, pair by pair, whether they were sent to or not.
    """

    def __init__(self, run: Run, known: Causality) -> None:
        self._known = known
        self.send, self.receiver = listed(run, "to")
        counts = np.bincount(self.send, minlength=len(known))
        self._begin = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        self.struck = {how: listed(run, how) for how in ("lost", "duplicated")}
        # A receiver that is listed twice is a violation of its own (`unplanned_fault`).
        lost, doubled = (self._count(self.find(*self.struck[how])) for how in self.struck)
        self.lost, self.copies = np.minimum(lost, 1), 1 + np.minimum(doubled, 1)
        receives = np.flatnonzero(known.send >= 0).astype(np.int32)
        self.of_receive = np.full(len(known), -1, np.int32)
        self.of_receive[receives] = self.find(known.send[receives], known.machine[receives])
        further = self.find(known.joined[:, 1], known.machine[known.joined[:, 0]])
        self.received = self._count(np.concatenate((self.of_receive, further)))
        self.unsent: dict[str, list[Named]] = {}
        self.inbox = self._named("inbox", _inbox(run))
        self.undelivered = self._named("undelivered", _undelivered(run))

    def __len__(self) -> int:
        return len(self.send)

    def name(self, message: int) -> Named:
        sender, index = self._known.name(int(self.send[message]))
        receiver = self.receiver[message]
        name = self._known.machines[receiver] if receiver >= 0 else "an unknown machine"
        return sender, index, name

    def to(self, row: int) -> list[str]:
        """Return the receivers of the event at a row."""
        return [self.name(n)[2] for n in range(self._begin[row], self._begin[row + 1])]

    def find(self, sends: Rows, receivers: Rows) -> Rows:
        """Return the messages of these sends to these machines; -1 if there is none."""
        find = fast(addressed, len(self._known))
        return find(self._begin, self.receiver, sends, receivers)

    def _count(self, messages: Rows) -> Rows:
        found = messages[messages >= 0]
        return np.bincount(found, minlength=len(self)).astype(np.int32)

    def _named(self, end: str, messages: Iterable[Named]) -> Rows:
        """Count how often each message is listed; add entries that were never sent to `unsent`."""
        listed = list(messages)
        numbers = {machine: m for m, machine in enumerate(self._known.machines)}
        senders = np.array([numbers.get(sender, -1) for sender, _, _ in listed], np.int32)
        receivers = np.array([numbers.get(receiver, -1) for _, _, receiver in listed], np.int32)
        indexes = np.array([index for _, index, _ in listed], np.int64)
        rows = self._known.row_index.rows(senders, indexes)
        found = np.full(len(listed), -1, np.int32)
        there = np.flatnonzero(rows >= 0)
        found[there] = self.find(rows[there], receivers[there])
        self.unsent[end] = [listed[n] for n in np.flatnonzero(found < 0)]
        return self._count(found)


@derived
def messages(run: Run) -> Messages:
    """Return the messages of a run."""
    return Messages(run, causality(run))


def listed(run: Run, name: str) -> tuple[Rows, Rows]:
    """Flatten a column of lists of machines into rows and machines, pair by pair."""
    counts = column(run, name)
    rows = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    if not len(rows):
        return rows, rows
    lists = pl.col(name).filter(pl.col(name).list.len() > 0)
    machines = run.scan.select(numbers_of(lists.explode(), pl.Enum(run.machines))).collect()
    return rows, machines.to_series().to_numpy()


def _inbox(run: Run) -> Iterable[Named]:
    for machine, stop in run.stops.items():
        yield from ((unread.sender, unread.cause, machine) for unread in stop.inbox)
    for machine, unread in run.unread.items():
        yield from ((sender, cause, machine) for sender, cause in unread)


def _undelivered(run: Run) -> Iterable[Named]:
    return (
        (machine, left.index, left.to)
        for machine, stop in run.stops.items()
        for left in stop.undelivered
    )
