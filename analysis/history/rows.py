"""Find the row of an event in the events table by its name, (machine, index)."""

import numpy as np
from numpy.typing import NDArray

from analysis.history.kernels import Rows


class RowIndex:
    """An index of the events table by machine and number of the event.

    `first[m]` is the row of machine m's first event, `first[-1]` the number of all events;
    `machine` and `index` are by row. `whole` is True if each log numbers its events 0, 1, 2, ...
    """

    def __init__(self, machine: Rows, index: NDArray[np.int64], machines: int) -> None:
        self.machine, self.index = machine, index
        self.first = np.searchsorted(machine, np.arange(machines + 1)).astype(np.int32)
        # A log that misses no event needs no search.
        rank = np.arange(len(index)) - self.first[machine]
        self.whole = bool(np.array_equal(rank, index))

    def rows(self, machine: Rows, index: NDArray[np.int64]) -> Rows:
        """Return the rows of named events; -1 for an unknown event, or if the machine is -1."""
        if self.whole:
            begins, ends = self.first[machine], self.first[machine + 1]
            there = (machine >= 0) & (index >= 0) & (index < ends - begins)
            return np.where(there, begins + index, -1).astype(np.int32)
        found = np.full(len(index), -1, np.int32)
        for m in range(len(self.first) - 1):
            own = np.flatnonzero(machine == m)
            found[own] = self._search(m, index[own])
        return found

    def _search(self, m: int, index: NDArray[np.int64]) -> Rows:
        own = self.index[self.first[m] : self.first[m + 1]]
        if not len(own):
            return np.full(len(index), -1, np.int32)
        order = np.argsort(own, kind="stable")
        at = order[np.minimum(np.searchsorted(own[order], index), len(own) - 1)]
        return np.where(own[at] == index, self.first[m] + at, -1).astype(np.int32)
