"""Wakes the event loop at an exact instant.

asyncio rounds its timers up to whole milliseconds (epoll's unit), which alone would add a
millisecond to the 99th percentile of tick lateness. A thread that waits for the instant and
then calls into the loop is late by a tenth of that.
"""

import asyncio
import time
from collections.abc import Callable
from threading import Condition, Thread


class Alarm:
    """A timer with one pending instant at a time; `set` it again after each call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._instant_ns: int | None = None
        self._closed = False
        self._news = Condition()
        self._thread = Thread(target=self._run, name="alarm", daemon=True)
        self._thread.start()

    def set(self, monotonic_ns: int) -> None:
        """Call back in the loop when `time.monotonic_ns()` reaches this, at once if it has passed.

        It replaces an instant that was set before and has not come yet.
        """
        with self._news:
            self._instant_ns = monotonic_ns
            self._news.notify()

    def close(self) -> None:
        """Make no further calls, except one that may already be scheduled."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._news:
            while not self._closed:
                if self._instant_ns is None:
                    self._news.wait()
                elif (left_ns := self._instant_ns - time.monotonic_ns()) > 0:
                    self._news.wait(left_ns / 1e9)
                else:
                    self._instant_ns = None
                    self._loop.call_soon_threadsafe(self._callback)
