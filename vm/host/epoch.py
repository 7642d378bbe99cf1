"""The wall clock of this computer, and the time since the epoch of a run."""

import time
from collections.abc import Callable

#: A reading is as exact as the shortest time between two readings of the monotonic clock around it.
READINGS = 5


class WallClock:
    """The wall clock as it is now; from here on it goes with the monotonic clock.

    So all uses of one machine agree, and setting the wall clock later has no effect.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        before = [(time.monotonic_ns(), wall_ns(), time.monotonic_ns()) for _ in range(READINGS)]
        begun_ns, unix_ns, ended_ns = min(before, key=lambda reading: reading[2] - reading[0])
        self._ahead_ns = unix_ns - (begun_ns + ended_ns) // 2

    def now_unix_ns(self) -> int:
        return self.unix_ns(time.monotonic_ns())

    def unix_ns(self, monotonic_ns: int) -> int:
        """Return the wall time at a value of `time.monotonic_ns()`."""
        return monotonic_ns + self._ahead_ns

    def monotonic_ns(self, unix_ns: int) -> int:
        """Return the value of `time.monotonic_ns()` at a wall time."""
        return unix_ns - self._ahead_ns


class Epoch:
    """The epoch of a run at a value of `time.monotonic_ns()`: the time since never jumps.

    `past_ns` is a time since the epoch that has passed already, by a restarted machine's log.
    """

    def __init__(self, monotonic_ns: int, past_ns: int | None = None) -> None:
        self._monotonic_ns = monotonic_ns
        if past_ns is not None:
            self._monotonic_ns = min(monotonic_ns, time.monotonic_ns() - past_ns)

    @property
    def now_ns(self) -> int:
        """The time since the epoch; below 0 before it."""
        return time.monotonic_ns() - self._monotonic_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """Return the value of `time.monotonic_ns()` at a time since the epoch."""
        return self._monotonic_ns + at_ns
