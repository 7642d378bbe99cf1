"""The vectorised Lamport clock: one number per event."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.clocks.twin import Flags, Steps, Timestamps


class LamportTwin:
    """`vm.clocks.lamport` over arrays."""

    def read(self, column: pl.Series, machines: int) -> Timestamps:
        return column.to_numpy()

    def initial(self, machines: int, me: NDArray[np.int32]) -> Timestamps:
        return np.zeros(len(me), np.int64)

    def due(self, own: Timestamps, stamp: Timestamps, steps: Steps) -> Timestamps:
        due: Timestamps = np.maximum(own, stamp) + 1
        return due

    def precedes(self, a: Timestamps, b: Timestamps) -> Flags:
        earlier: Flags = a < b
        return earlier

    def equal(self, a: Timestamps, b: Timestamps) -> Flags:
        same: Flags = a == b
        return same

    def unordered(self, timestamps: Timestamps) -> int | None:
        _, counts = np.unique(timestamps, return_counts=True)
        return int((counts * (counts - 1) // 2).sum())
