"""A machine's ticks in wall time."""

import asyncio
from collections.abc import Callable, Sequence

from vm.host.alarm import Alarm
from vm.host.epoch import Epoch
from vm.machine import Machine
from vm.records import Event, Message
from vm.schedule import Schedule

#: Called with each event and the messages that it sends.
Emit = Callable[[Event, tuple[Message, ...]], None]


class Ticking:
    """Runs the ticks that are due before `duration_ns`, and skips the missed ones."""

    def __init__(
        self,
        machine: Machine,
        schedule: Schedule,
        duration_ns: int,
        epoch: Epoch,
        emit: Emit,
        done: Callable[[], None],
    ) -> None:
        self.ticks_missed = 0
        self._machine = machine
        self._schedule = schedule
        self._ticks = schedule.ticks_before(duration_ns)
        self._next = 0
        self._epoch = epoch
        self._emit = emit
        self._done = done
        self._alarm = Alarm(asyncio.get_running_loop(), self._wake)

    @property
    def over(self) -> bool:
        return self._next == self._ticks

    def go_on_after(self, events: Sequence[Event]) -> None:
        """Continue after these events (at least one); earlier ticks without an event are missed."""
        self._next = events[-1].tick + 1
        self.ticks_missed = self._next - len(events)

    def begin(self) -> None:
        self._set_alarm()

    def end(self) -> None:
        """Stop ticking."""
        self._alarm.close()

    def deliver(self, message: Message) -> None:
        self._machine.deliver(message, self._epoch.now_ns)

    def _wake(self) -> None:
        now_ns = self._epoch.now_ns
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
            self._alarm.set(self._epoch.monotonic_ns(self._schedule.due_ns(self._next)))
