"""Time since the epoch of a run."""

import time


class Epoch:
    """The epoch of a run; on this computer the time since never jumps or runs backwards.

    `past_ns` is a time since the epoch that has passed already, by a restarted machine's log.
    """

    def __init__(self, unix_ns: int, past_ns: int | None = None) -> None:
        now_ns = time.monotonic_ns()
        # The wall clock is read once: setting it back later has no effect.
        self._monotonic_ns = now_ns + unix_ns - time.time_ns()
        if past_ns is not None:
            self._monotonic_ns = min(self._monotonic_ns, now_ns - past_ns)

    @property
    def now_ns(self) -> int:
        """The time since the epoch; below 0 before it."""
        return time.monotonic_ns() - self._monotonic_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """Return the value of `time.monotonic_ns()` at a time since the epoch."""
        return self._monotonic_ns + at_ns
