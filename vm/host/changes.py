"""Wake-ups of waiting coroutines."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes coroutines that wait for a change by peers, time or the operator."""

    def __init__(self) -> None:
        self.terminated = False
        self._event = asyncio.Event()

    def note(self) -> None:
        """Wake waiting coroutines after a change."""
        self._event.set()

    def terminate(self) -> None:
        """Request the end of the machine."""
        self.terminated = True
        self._event.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds()` is true; it is evaluated again at every change."""
        while not holds():
            self._event.clear()
            await self._event.wait()
