"""What waiting code is woken by."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes whoever waits for something to become true that peers, time or an operator decide."""

    def __init__(self) -> None:
        self.terminated = False
        self._event = asyncio.Event()

    def note(self) -> None:
        """Something has changed."""
        self._event.set()

    def terminate(self) -> None:
        """The operator wants the machine to end."""
        self.terminated = True
        self._event.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds` is true; it is asked again at every change."""
        while not holds():
            self._event.clear()
            await self._event.wait()
