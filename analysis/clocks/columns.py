"""Clocks over whole columns of timestamps: what `vm.clocks` says of two, said of many at once.

A column of n timestamps is an array of n numbers, or of n rows with a number per machine. A
test holds every entry to the clock of the same name.
"""

from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

Stamps = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Columns(Protocol):
    """What every entry of STAMPS offers."""

    def read(self, column: pl.Series, machines: int) -> Stamps:
        """The timestamps of a column of the events table."""

    def initial(self, machines: int) -> Stamps:
        """The timestamp before the first event, alone in a column."""

    def due(self, own: Stamps, stamp: Stamps, me: NDArray[np.int32]) -> Stamps:
        """What the rules make of the machines' own last timestamps and those of the messages.

        Where there is no message its timestamp is the own one again.
        """

    def precedes(self, a: Stamps, b: Stamps) -> Flags:
        """Which of the timestamps `a` the clock claims to be earlier than those of `b`."""

    def equal(self, a: Stamps, b: Stamps) -> Flags:
        """Which of the timestamps are the same."""

    def unordered(self, stamps: Stamps) -> int | None:
        """How many pairs of these timestamps are in no order; None if that takes too long."""


class Numbers:
    """One number per event, which every event lets grow by one at least."""

    def read(self, column: pl.Series, machines: int) -> Stamps:
        return column.to_numpy()

    def initial(self, machines: int) -> Stamps:
        return np.zeros(1, np.int64)

    def due(self, own: Stamps, stamp: Stamps, me: NDArray[np.int32]) -> Stamps:
        return np.maximum(own, stamp) + 1

    def precedes(self, a: Stamps, b: Stamps) -> Flags:
        earlier: Flags = a < b
        return earlier

    def equal(self, a: Stamps, b: Stamps) -> Flags:
        same: Flags = a == b
        return same

    def unordered(self, stamps: Stamps) -> int | None:
        _, counts = np.unique(stamps, return_counts=True)
        return int((counts * (counts - 1) // 2).sum())


class Vectors:
    """A number per machine and event."""

    def read(self, column: pl.Series, machines: int) -> Stamps:
        return column.list.to_array(machines).to_numpy().reshape(len(column), machines)

    def initial(self, machines: int) -> Stamps:
        return np.zeros((1, machines), np.int64)

    def due(self, own: Stamps, stamp: Stamps, me: NDArray[np.int32]) -> Stamps:
        due = np.maximum(own, stamp)
        due[np.arange(len(due)), me] += 1
        return due

    def precedes(self, a: Stamps, b: Stamps) -> Flags:
        none_later, some_earlier = np.ones(len(a), bool), np.zeros(len(a), bool)
        for q in range(a.shape[1]):
            none_later &= a[:, q] <= b[:, q]
            some_earlier |= a[:, q] < b[:, q]
        return none_later & some_earlier

    def equal(self, a: Stamps, b: Stamps) -> Flags:
        same = np.ones(len(a), bool)
        for q in range(a.shape[1]):
            same &= a[:, q] == b[:, q]
        return same

    def unordered(self, stamps: Stamps) -> int | None:
        return None


def plain(stamp: Any) -> int | list[int]:
    """A timestamp of a column as a log writes it."""
    value: int | list[int] = stamp.tolist()
    return value


STAMPS: dict[str, Columns] = {
    "lamport": Numbers(),
    "vector": Vectors(),
}
