"""The interface of vectorised clocks: the rules of one clock in `vm.clocks`, over many timestamps.

n timestamps are an array of n numbers, of n rows with a number per machine, or of n objects.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

Timestamps = NDArray[Any]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Steps:
    """Events: the positions of their machines, their indexes, the positions of the senders of the
    received messages (-1 for other events), and their physical times."""

    me: NDArray[np.int32]
    index: NDArray[np.int64]
    sender: NDArray[np.int32]
    physical_ns: NDArray[np.int64]


class Twin(Protocol):
    """A clock over arrays of timestamps."""

    def read(self, column: pl.Series, machines: int) -> Timestamps:
        """Return the timestamps in a column of the events table."""

    def initial(self, machines: int, me: NDArray[np.int32]) -> Timestamps:
        """Return the timestamps of these machines before their first events."""

    def due(self, own: Timestamps, stamp: Timestamps, steps: Steps) -> Timestamps:
        """Apply the clock's rules to each machine's last timestamp and its message's stamp.

        Without a message, the stamp is the machine's own timestamp.
        """

    def precedes(self, a: Timestamps, b: Timestamps) -> Flags:
        """Compare pair by pair: does the clock claim that `a` is earlier than `b`?"""

    def equal(self, a: Timestamps, b: Timestamps) -> Flags:
        """Compare pair by pair: are the timestamps the same?"""

    def unordered(self, timestamps: Timestamps) -> int | None:
        """Count the pairs without an order; None if that takes too long."""
