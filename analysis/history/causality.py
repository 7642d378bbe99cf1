"""Happened-before, rebuilt from program order and messages alone.

An event happened before another if it came earlier on the same machine, or if it sent the
message that the other received, or by any chain of the two (Lamport, Time, Clocks, and the
Ordering of Events in a Distributed System, CACM 1978). Clocks are not used.

The vector time V(f) of an event f counts, machine by machine, the events that happened
before or at f (Fidge 1988; Mattern, Virtual Time and Global States, 1989). So the past of f
on another machine q is always the first V(f)[q] events of q. Between two receives only the own
count grows, so vector times are stored for receives only.

Events are rows of the events table; `row` and `name` translate from and to (machine, index).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.arrays import column
from analysis.history.derived import derived
from analysis.history.kernels import Rows, fast, joint_vector_times, vector_times
from analysis.history.rows import RowIndex
from analysis.history.run import Run

Name = tuple[str, int]
Counts = NDArray[np.int64]

NONE_JOINED = np.zeros((0, 2), np.int32)
PROGRAM_ORDER = "program order"
MESSAGE = "message"


class Hop(NamedTuple):
    """One step of a causal path: `reason` is PROGRAM_ORDER (however much later) or MESSAGE."""

    before: Name
    after: Name
    reason: str


class Causality:
    """The happened-before relation of one history.

    By row, `send` is the row of a receive's send (-1: no receive, or no known send), and `depth`
    the length of the longest causal path that ends in the event. `joined` are the rows of further
    receives and sends, of events that received several messages at once.

    If `cycle` is not empty, the history is impossible: the send of each of these receives comes
    after the next receive, and the send of the last after the first. Other methods need a history
    without a cycle.
    """

    def __init__(
        self, machines: Sequence[str], row_index: RowIndex, send: Rows, joined: Rows = NONE_JOINED
    ) -> None:
        self.machines, self.row_index, self.send = tuple(machines), row_index, send
        self.joined = joined
        self.first, self.machine = row_index.first, row_index.machine
        # `past` holds a vector time of zeros, then one per receive in the order of the table. With
        # `_first_receive`, which numbers receives as `first` numbers events, those of machine m
        # are `past[_first_receive[m] + 1 : _first_receive[m + 1] + 1]`.
        received = np.concatenate((np.zeros(1, np.int32), np.cumsum(send >= 0, dtype=np.int32)))
        self._first_receive = received[self.first]
        has_received = received[1:] > self._first_receive[self.machine]
        self._latest = np.where(has_received, received[1:], np.int32(0))
        self._past = np.zeros((int(received[-1]) + 1, len(machines)), np.int32)
        self.depth = np.zeros(len(send), np.int32)
        done = self.first[:-1].copy()
        if len(joined):
            begin, sends = self._begin_of_sends()
            join = fast(joint_vector_times, len(send))
            join(
                self.first,
                sends,
                begin,
                self.machine,
                self._latest,
                self._past,
                self.depth,
                done,
            )
        else:
            walk = fast(vector_times, len(send))
            walk(self.first, send, self.machine, self._latest, self._past, self.depth, done)
        self.cycle = self._cycle(done)

    def _begin_of_sends(self) -> tuple[Rows, Rows]:
        """Return where the sends of each row begin, and all sends by their receives."""
        receives, sends = self.messages
        counts = np.bincount(receives, minlength=len(self.send))
        begin = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        return begin.astype(np.int32), sends

    @property
    def messages(self) -> tuple[Rows, Rows]:
        """The rows of receives and of their sends, message by message, in the order of receives."""
        receives = np.flatnonzero(self.send >= 0).astype(np.int32)
        if not len(self.joined):
            return receives, self.send[receives]
        receives = np.concatenate((receives, self.joined[:, 0]))
        sends = np.concatenate((self.send[self.send >= 0], self.joined[:, 1]))
        order = np.argsort(receives, kind="stable")
        return receives[order], sends[order]

    def _cycle(self, done: Rows) -> tuple[Name, ...]:
        stuck = np.flatnonzero(done < self.first[1:])
        if not len(stuck):
            return ()
        row, seen = int(done[stuck[0]]), list[int]()
        while row not in seen:
            seen.append(row)
            row = int(done[self.machine[self.send[row]]])
        return tuple(map(self.name, seen[seen.index(row) :]))

    def __len__(self) -> int:
        return len(self.send)

    def row(self, machine: str, index: int) -> int:
        """Return the row of an event; KeyError if there is none."""
        m = self.machines.index(machine) if machine in self.machines else -1
        row = int(self.row_index.rows(np.array([m], np.int32), np.array([index]))[0])
        if row < 0:
            raise KeyError((machine, index))
        return row

    def name(self, row: int) -> Name:
        return self.machines[self.machine[row]], int(self.row_index.index[row])

    def vector_time(self, row: int) -> Counts:
        """Return V(f): by machine, the number of events that happened before or at the row f."""
        counts: Counts = self._past[self._latest[row]].astype(np.int64)
        counts[self.machine[row]] = row - self.first[self.machine[row]] + 1
        return counts

    def known(self, rows: Rows, machines: Rows) -> Counts:
        """Return V(f)[q] for each f of `rows` and q of `machines`, pair by pair."""
        own = rows - self.first[self.machine[rows]] + 1
        others = self._past[self._latest[rows], machines]
        return np.where(self.machine[rows] == machines, own, others).astype(np.int64)

    def happened_before(self, a: int, b: int) -> bool:
        m = self.machine[a]
        return a != b and bool(a - self.first[m] < self.vector_time(b)[m])

    def concurrent(self, a: int, b: int) -> bool:
        return a != b and not self.happened_before(a, b) and not self.happened_before(b, a)

    def past(self, row: int) -> Rows:
        """Return the rows that happened before the given one, in the order of the table."""
        counts = self.vector_time(row)
        counts[self.machine[row]] -= 1
        return _ranges(self.first[:-1], self.first[:-1] + counts)

    def future(self, row: int) -> Rows:
        """Return the rows that the given one happened before, in the order of the table."""
        m = int(self.machine[row])
        rank = row - int(self.first[m])
        begins = [self._first_to_know(q, m, rank) for q in range(len(self.machines))]
        begins[m] = row + 1
        return _ranges(begins, self.first[1:])

    def _first_to_know(self, q: int, m: int, count: int) -> int:
        """Return the row of machine q's first receive with more than `count` events of machine m in
        its past; the end of q's rows if there is none."""
        low, high = self._first_receive[q], self._first_receive[q + 1]
        # Along a machine, each component of the vector time only grows.
        number = low + np.searchsorted(self._past[low + 1 : high + 1, m], count, side="right")
        return int(self._receives[number] if number < high else self.first[q + 1])

    @cached_property
    def _receives(self) -> Rows:
        """The rows of all receives with a known send."""
        return np.flatnonzero(self.send >= 0).astype(np.int32)

    def path(self, a: int, b: int) -> tuple[Hop, ...]:
        """Return a causal path from a to b with the fewest messages; () if there is none."""
        if not self.happened_before(a, b):
            return ()
        m, target = self.machine[a], self.machine[b]
        opened = {int(m): (a, int(self.first[m + 1]))}
        earliest = self.first[1:].astype(np.int64)
        earliest[m] = a
        levels = list[dict[int, int]]()
        while earliest[target] > b:
            levels.append(self._reached(opened, earliest))
            opened = {q: (receive, int(earliest[q])) for q, receive in levels[-1].items()}
            for q, receive in levels[-1].items():
                earliest[q] = receive
        return self._hops(a, b, levels)

    def _reached(self, opened: dict[int, tuple[int, int]], earliest: Counts) -> dict[int, int]:
        """Return by machine the first receive of a message from the opened rows, if it comes
        before the earliest event reached so far."""
        reached = dict[int, int]()
        for low, high in opened.values():
            among = slice(*np.searchsorted(self._sends, [low, high]))
            for receive in self._received[among]:
                q = int(self.machine[receive])
                if receive < min(earliest[q], reached.get(q, receive + 1)):
                    reached[q] = int(receive)
        return reached

    @cached_property
    def _received(self) -> Rows:
        """All receives in the order of their sends."""
        return self._receives[np.argsort(self.send[self._receives], kind="stable")]

    @cached_property
    def _sends(self) -> Rows:
        return self.send[self._received]

    def _hops(self, a: int, b: int, levels: list[dict[int, int]]) -> tuple[Hop, ...]:
        rows = [b]
        for level in reversed(levels):
            receive = level[int(self.machine[rows[-1]])]
            rows += [receive, int(self.send[receive])]
        rows.append(a)
        return tuple(
            Hop(self.name(x), self.name(y), MESSAGE if self.send[y] == x else PROGRAM_ORDER)
            for x, y in pairwise(reversed(rows))
            if x != y
        )

    def boundaries(self, block: int) -> Iterator[tuple[Rows, Rows]]:
        """Yield the boundaries of pasts as pairs of events e and f: e is the first event of another
        machine that is not in f's past. Of all f of one machine that share e, only the last is
        yielded. Each part covers `block` receives."""
        for low in range(0, len(self._receives), block):
            receives = self._receives[low : low + block]
            m = self.machine[receives]
            before = self._past[low : low + len(receives)].copy()
            before[self._latest[receives - 1] != np.arange(low, low + len(receives))] = 0
            news = self._past[low + 1 : low + 1 + len(receives)] > before
            news[np.arange(len(m)), m] = False
            news[receives == self.first[m]] = False
            at, q = np.nonzero(news)
            yield self.first[q] + before[at, q], receives[at] - 1
        last = self.first[1:][np.diff(self.first) > 0] - 1
        times = [self.vector_time(int(row)) for row in last]
        final = np.array(times).reshape(-1, len(self.machines))
        at, q = np.nonzero(final < np.diff(self.first))
        yield (self.first[q] + final[at, q]).astype(np.int32), last[at]

    @cached_property
    def ordered_pairs(self) -> int:
        """The number of causally ordered pairs of events."""
        others = self._past.sum(axis=1, dtype=np.int64)
        own = np.zeros(len(self._past), np.int64)
        own[1:] = self._past[np.arange(1, len(self._past)), self.machine[self._receives]]
        rank = np.arange(len(self)) - self.first[self.machine]
        return int((others - own)[self._latest].sum() + rank.sum())

    @property
    def concurrent_pairs(self) -> int:
        return len(self) * (len(self) - 1) // 2 - self.ordered_pairs


@derived
def causality(run: Run) -> Causality:
    """Return the causality of a run."""
    row_index = RowIndex(column(run, "machine"), column(run, "index"), len(run.machines))
    send = row_index.rows(column(run, "sender"), column(run, "cause"))
    # A cause that is not a send event counts as unknown.
    send[~column(run, "sends")[send]] = -1
    joined = np.array(run.joined, np.int32).reshape(-1, 2)
    return Causality(run.machines, row_index, send, joined)


def concurrency_share(run: Run) -> float | None:
    """What fraction of event pairs is concurrent?"""
    known = _complete(run)
    if known is None or len(known) < 2:
        return None
    return known.concurrent_pairs / (len(known) * (len(known) - 1) // 2)


def longest_causal_chain(run: Run) -> int | None:
    """How many events does the longest causal path have?"""
    known = _complete(run)
    return int(known.depth.max()) if known else None


@derived
def _complete(run: Run) -> Causality | None:
    """Return the causality of a run with events; None if its logs are incomplete."""
    known = causality(run)
    orphaned = bool(np.any(known.send[column(run, "receives")] < 0))
    return known if len(known) and not (run.missing or known.cycle or orphaned) else None


def _ranges(begins: Sequence[int] | Rows, ends: Rows) -> Rows:
    parts = [np.arange(b, e, dtype=np.int32) for b, e in zip(begins, ends, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
