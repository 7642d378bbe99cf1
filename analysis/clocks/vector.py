"""The vectorised vector clock: one number per machine and event."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.clocks.twin import Flags, Steps, Timestamps


class VectorTwin:
    """`vm.clocks.exact.vector` over arrays."""

    def read(self, column: pl.Series, machines: int) -> Timestamps:
        return column.list.to_array(machines).to_numpy().reshape(len(column), machines)

    def initial(self, machines: int, me: NDArray[np.int32]) -> Timestamps:
        return np.zeros((len(me), machines), np.int64)

    def due(self, own: Timestamps, stamp: Timestamps, steps: Steps) -> Timestamps:
        due: Timestamps = np.maximum(own, stamp)
        due[np.arange(len(due)), steps.me] += 1
        return due

    def precedes(self, a: Timestamps, b: Timestamps) -> Flags:
        none_later, some_earlier = np.ones(len(a), bool), np.zeros(len(a), bool)
        for q in range(a.shape[1]):
            none_later &= a[:, q] <= b[:, q]
            some_earlier |= a[:, q] < b[:, q]
        return none_later & some_earlier

    def equal(self, a: Timestamps, b: Timestamps) -> Flags:
        same = np.ones(len(a), bool)
        for q in range(a.shape[1]):
            same &= a[:, q] == b[:, q]
        return same

    def unordered(self, timestamps: Timestamps) -> int | None:
        return None
