"""The run's own time."""

import time


class Epoch:
    """When the run began, and the time since: on this computer it neither jumps nor runs back.

    `past_ns` is a time since the epoch that has been before now, by the log of a machine that
    comes back.
    """

    def __init__(self, unix_ns: int, past_ns: int | None = None) -> None:
        now_ns = time.monotonic_ns()
        # The wall clock is read once: from here on time cannot be set back.
        self._monotonic_ns = now_ns + unix_ns - time.time_ns()
        if past_ns is not None:
            self._monotonic_ns = min(self._monotonic_ns, now_ns - past_ns)

    @property
    def now_ns(self) -> int:
        """Time since the epoch; below 0 before it."""
        return time.monotonic_ns() - self._monotonic_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """What `time.monotonic_ns()` says at a time since the epoch."""
        return self._monotonic_ns + at_ns
