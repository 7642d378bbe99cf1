"""Any clock over arrays of timestamps, one by one: for clocks without a vectorised twin."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.clocks.twin import Flags, Steps, Timestamps
from analysis.history.run import timestamp
from vm.clocks.clock import At, Clock


class PlainTwin:
    """The rules of a clock applied to each timestamp; `due` is for flat clocks."""

    def __init__(self, clock: Clock[Any]) -> None:
        self._clock = clock

    def read(self, column: pl.Series, machines: int) -> Timestamps:
        return _array([timestamp(value) for value in column.to_list()])

    def initial(self, machines: int, me: NDArray[np.int32]) -> Timestamps:
        clock = self._clock
        return _array([clock.timestamp(clock.initial(m, machines)) for m in me.tolist()])

    def due(self, own: Timestamps, stamp: Timestamps, steps: Steps) -> Timestamps:
        due = list[Any]()
        columns = (steps.me, steps.index, steps.sender, steps.physical_ns)
        of_each = zip(*(column.tolist() for column in columns), strict=True)
        for state, carried, (me, index, sender, physical_ns) in zip(
            own, stamp, of_each, strict=True
        ):
            at = At(me, "", index, physical_ns)
            clock = self._clock
            due.append(
                clock.advance(state, at)
                if sender < 0
                else clock.receive(state, carried, sender, at)
            )
        return _array(due)

    def precedes(self, a: Timestamps, b: Timestamps) -> Flags:
        return np.fromiter(map(self._clock.precedes, a, b), bool, len(a))

    def equal(self, a: Timestamps, b: Timestamps) -> Flags:
        return np.fromiter((x == y for x, y in zip(a, b, strict=True)), bool, len(a))

    def unordered(self, timestamps: Timestamps) -> int | None:
        return None


def _array(values: Sequence[Any]) -> Timestamps:
    """Return an array of objects, also if they are sequences."""
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array
