"""Wakes the event loop at an exact instant.

asyncio rounds its timers up to whole milliseconds (epoll's unit), which alone would cost
the 99th percentile of tick lateness a millisecond. A thread that waits for the instant and
then calls into the loop is late by a tenth of that.
"""

import asyncio
import time
from collections.abc import Callable
from threading import Condition, Thread


class Alarm:
    """One pending instant at a time: set it, be called, set it again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._instant_ns: int | None = None
        self._closed = False
        self._news = Condition()
        self._thread = Thread(target=self._run, name="alarm", daemon=True)
        self._thread.start()

    def set(self, monotonic_ns: int) -> None:
        """Call back in the loop when `time.monotonic_ns()` gets there, or at once if it has.

        An instant that was set before and has not come yet is given up.
        """
        with self._news:
            self._instant_ns = monotonic_ns
            self._news.notify()

    def close(self) -> None:
        """No further calls, except one that may already be on its way."""
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
