"""A machine's ticks in wall time."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from vm.host.alarm import Alarm
from vm.machine import Machine
from vm.records import Event, Message
from vm.schedule import Schedule


class Emit(Protocol):
    """Takes each event as it happens, with the messages that it sends."""

    def __call__(self, event: Event, messages: tuple[Message, ...]) -> None: ...


class Ticking:
    """Carries out the ticks that are due before `duration_ns`, skipping those it misses."""

    def __init__(
        self,
        machine: Machine,
        schedule: Schedule,
        duration_ns: int,
        epoch_unix_ns: int,
        emit: Emit,
        done: Callable[[], None],
    ) -> None:
        self.ticks_missed = 0
        self._machine = machine
        self._schedule = schedule
        self._ticks = schedule.ticks_before(duration_ns)
        self._next = 0
        # The wall clock is read once: from here on time cannot be set back.
        self._epoch_monotonic_ns = time.monotonic_ns() + epoch_unix_ns - time.time_ns()
        self._emit = emit
        self._done = done
        self._alarm = Alarm(asyncio.get_running_loop(), self._wake)

    @property
    def now_ns(self) -> int:
        """Time since the epoch."""
        return time.monotonic_ns() - self._epoch_monotonic_ns

    @property
    def over(self) -> bool:
        return self._next == self._ticks

    def begin(self) -> None:
        self._set_alarm()

    def end(self) -> None:
        """No tick from now on."""
        self._alarm.close()

    def deliver(self, message: Message) -> None:
        self._machine.deliver(message, self.now_ns)

    def _wake(self) -> None:
        now_ns = self.now_ns
        first = min(self._ticks, self._schedule.skip_missed(self._next, now_ns))
        self.ticks_missed += first - self._next
        self._next = first
        if not self.over and (due_ns := self._schedule.due_ns(first)) <= now_ns:
            self._emit(*self._machine.tick(first, due_ns, now_ns))
            self._next += 1
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self.over:
            self._done()
        else:
            self._alarm.set(self._epoch_monotonic_ns + self._schedule.due_ns(self._next))
