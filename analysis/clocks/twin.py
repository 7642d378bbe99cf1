"""The interface of vectorised clocks: the rules of one clock in `vm.clocks`, over many timestamps.

n timestamps are an array of n numbers, or of n rows with a number per machine.
"""

from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

Timestamps = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Twin(Protocol):
    """A clock over arrays of timestamps."""

    def read(self, column: pl.Series, machines: int) -> Timestamps:
        """Return the timestamps in a column of the events table."""

    def initial(self, machines: int) -> Timestamps:
        """Return an array of one: the timestamp before the first event."""

    def due(self, own: Timestamps, stamp: Timestamps, me: NDArray[np.int32]) -> Timestamps:
        """Apply the clock's rules to each machine's last timestamp and its message's stamp.

        Without a message, the stamp is the machine's own timestamp.
        """

    def precedes(self, a: Timestamps, b: Timestamps) -> Flags:
        """Compare pair by pair: does the clock claim that `a` is earlier than `b`?"""

    def equal(self, a: Timestamps, b: Timestamps) -> Flags:
        """Compare pair by pair: are the timestamps the same?"""

    def unordered(self, timestamps: Timestamps) -> int | None:
        """Count the pairs without an order; None if that takes too long."""
