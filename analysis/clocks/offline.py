"""A clock computed on a history by its own rules, event by event, with the sizes of its stamps."""

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from time import thread_time_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.clocks.walk import NOTHING, Walk
from analysis.history.kernels import Rows
from vm.clocks import clock_of
from vm.clocks.clock import At, Clock, Overflow

Numbers = NDArray[np.int64]
#: Events that are computed before the sizes of their stamps are.
BLOCK = 1 << 14
#: Numbers in all timestamps together: a clock with more of them stops before.
MAX_NUMBERS = 100_000_000
#: The number of numbers that a text stands for.
TEXT = 100
#: As in a log.
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
TENS = 10 ** np.arange(1, 19)


@dataclass(frozen=True, eq=False)
class Computed:
    """A clock on a history, with the timestamps of the events at `rows`.

    `stamp_bytes` are the sizes of all stamps, one for each message. `rules_ns` is the time of all
    rules together. `stopped` is the reason why the clock has no more timestamps, "" if it has all.
    """

    name: str
    clock: Clock[Any]
    walk: Walk
    rows: Rows
    timestamps: Sequence[Any]
    stamp_bytes: Numbers
    rules_ns: int
    stopped: str = ""

    @cached_property
    def ends(self) -> Rows:
        """By machine, the number of events with a timestamp."""
        known = self.walk.known
        return np.bincount(known.machine[self.rows], minlength=len(known.machines)).astype(np.int32)

    @cached_property
    def table(self) -> Numbers | None:
        """The timestamps by row as one array with all their numbers; None if they are texts, or
        lists of several lengths."""
        column = self.clock.column
        if column == "text" or not len(self.rows):
            return None
        shape = _shape(self.timestamps[0])
        if column != "number" and any(_shape(one) != shape for one in self.timestamps):
            return None
        numbers: Iterable[Any] = self.timestamps
        for _ in range(("number", "list", "lists").index(column)):
            numbers = chain.from_iterable(numbers)
        table = np.zeros((len(self.walk), _width(shape)), np.int64)
        count = len(self.rows) * table.shape[1]
        table[self.rows] = np.fromiter(numbers, np.int64, count).reshape(len(self.rows), -1)
        return table

    @cached_property
    def by_row(self) -> list[Any]:
        """The timestamps by row; None where there is none."""
        values = np.full(len(self.walk), None)
        for row, value in zip(self.rows.tolist(), self.timestamps, strict=True):
            values[row] = value
        return values.tolist()

    @cached_property
    def log_bytes(self) -> float:
        """The mean size of what a log holds for an event: the timestamp, and the received stamps
        of a clock whose state a timestamp does not give."""
        if not len(self.rows):
            return 0.0
        return (self._timestamp_bytes + self._logged_stamp_bytes) / len(self.rows)

    @property
    def _timestamp_bytes(self) -> int:
        if self.table is None:
            return sum(len(_JSON.encode(one).encode()) for one in self.timestamps)
        # All have as many commas and brackets as the first one.
        marks = len(_JSON.encode(self.timestamps[0])) - _digits(self.table[self.rows[:1]])
        return _digits(self.table[self.rows]) + marks * len(self.rows)

    @property
    def _logged_stamp_bytes(self) -> int:
        if self.clock.is_flat:
            return 0
        walk, is_there = self.walk, np.zeros(len(self.walk), bool)
        is_there[self.rows] = True
        received = walk.received[is_there[walk.receives]]
        # Two digits for a byte, in quotes.
        return int((2 * self.stamp_bytes[received] + 2).sum())


class _Drive:
    """The machines of a history, with the states of one clock."""

    def __init__(self, clock: Clock[Any], walk: Walk) -> None:
        machines = walk.known.machines
        self.clock = clock
        self.ats = [At(me, name) for me, name in enumerate(machines)]
        self.states = [clock.initial(me, len(machines)) for me in range(len(machines))]
        self.receiver = walk.receiver.tolist()
        self.sender = walk.known.machine[walk.send].tolist()
        self.uses = walk.uses.tolist()
        #: The stamps of messages that will be received (again).
        self.stamps: dict[int, Any] = {}
        self.timestamps: list[Any] = []
        #: The messages of the last steps with their stamps.
        self.made: list[tuple[int, Any]] = []

    def apply(self, steps: Sequence[Sequence[int]], joint: list[list[int]]) -> None:
        """Apply some steps; Overflow if the clock has no timestamp for one of them."""
        advance, stamp_of, timestamp = self.clock.advance, self.clock.stamp, self.clock.timestamp
        timestamps, made = self.timestamps, self.made
        made.clear()
        for me, index, physical_ns, received, begin, end in zip(*steps, strict=True):
            at = self.ats[me]
            at.index, at.physical_ns = index, physical_ns
            state = self.states[me]
            if received == NOTHING:
                state = advance(state, at)
            else:
                messages = (received,) if received >= 0 else joint[NOTHING - 1 - received]
                state = self._receive(state, messages, at)
            timestamps.append(timestamp(state))
            for message in range(begin, end):
                state, stamp = stamp_of(state, self.receiver[message])
                made.append((message, stamp))
                if self.uses[message]:
                    self.stamps[message] = stamp
            self.states[me] = state

    def _receive(self, state: Any, messages: Sequence[int], at: At) -> Any:
        """Apply the receive of messages; of several at once, one after the other."""
        for message in messages:
            stamp = self.stamps[message]
            self.uses[message] -= 1
            if not self.uses[message]:
                del self.stamps[message]
            state = self.clock.receive(state, stamp, self.sender[message], at)
        return state


def compute(name: str, walk: Walk) -> Computed:
    """Compute the clock of this name on a history."""
    clock = clock_of(name)
    columns, joint = walk.steps()
    drive = _Drive(clock, walk)
    stamp_bytes, rules_ns = np.zeros(len(walk.send), np.int64), 0
    width = size_of(clock, len(walk.known.machines))
    end, stopped = min(len(walk), MAX_NUMBERS // width), ""
    if end < len(walk):
        size = "as texts" if clock.column == "text" else f"of {width:,} numbers"
        stopped = f"only {end:,} timestamps {size} are kept"
    with _without_collector():
        for low in range(0, end, BLOCK):
            begun_ns = thread_time_ns()
            try:
                drive.apply([one[low : min(low + BLOCK, end)] for one in columns], joint)
            except Overflow as overflow:
                stopped = str(overflow).removeprefix(f"{name.partition(':')[0]}: ")
            rules_ns += thread_time_ns() - begun_ns
            _measure(clock, drive.made, stamp_bytes)
            if len(drive.timestamps) < min(low + BLOCK, end):
                break
    rows = walk.order[: len(drive.timestamps)]
    return Computed(name, clock, walk, rows, drive.timestamps, stamp_bytes, rules_ns, stopped)


def size_of(clock: Clock[Any], machines: int) -> int:
    """Return how many numbers a timestamp has; a text counts as TEXT."""
    if clock.column == "text":
        return TEXT
    return _width(_shape(clock.timestamp(clock.initial(0, machines))))


def _shape(timestamp: Any) -> Any:
    """Return the length of a list of numbers, or the lengths of several; 1 for a number."""
    if not isinstance(timestamp, tuple):
        return 1
    return tuple(map(len, timestamp)) if isinstance(timestamp[0], tuple) else len(timestamp)


def _width(shape: Any) -> int:
    """Return how many numbers a timestamp of this shape has."""
    return sum(shape) if isinstance(shape, tuple) else int(shape)


def _digits(numbers: Numbers) -> int:
    """Return how many characters numbers have in all."""
    sizes = np.abs(numbers)
    reached = TENS[: np.searchsorted(TENS, sizes.max(initial=0), side="right")]
    digits = numbers.size + sum(np.count_nonzero(sizes >= ten) for ten in reached)
    return int(digits + np.count_nonzero(numbers < 0))


def _measure(clock: Clock[Any], made: Sequence[tuple[int, Any]], stamp_bytes: Numbers) -> None:
    """Write the sizes of encoded stamps; the messages of one send often have the same."""
    last, size = None, 0
    for message, stamp in made:
        if stamp is not last:
            last, size = stamp, len(clock.encode(stamp))
        stamp_bytes[message] = size


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python from searching millions of timestamps for garbage again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
