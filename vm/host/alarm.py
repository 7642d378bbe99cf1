"""Wakes the event loop at an exact instant.

asyncio rounds its timers up to whole milliseconds (epoll's unit), which alone would cost
the 99th percentile of tick lateness a millisecond. A thread that waits for the instant and
then calls into the loop is late by a tenth of that.
"""

import asyncio
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread


class Alarm:
    """One pending instant at a time: set it, be called, set it again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._instants: SimpleQueue[int | None] = SimpleQueue()
        self._closed = Event()
        self._thread = Thread(target=self._run, name="alarm", daemon=True)
        self._thread.start()

    def set(self, monotonic_ns: int) -> None:
        """Call back in the loop when `time.monotonic_ns()` gets there, or at once if it has."""
        self._instants.put(monotonic_ns)

    def close(self) -> None:
        """No further calls, except one that may already be on its way."""
        self._closed.set()
        self._instants.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (instant := self._instants.get()) is not None:
            if self._closed.wait(max(0, instant - time.monotonic_ns()) / 1e9):
                return
            self._loop.call_soon_threadsafe(self._callback)
