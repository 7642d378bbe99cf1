"""One incarnation of a machine: from the epoch, or from a restart, to the stop record."""

import asyncio
import gc
from collections.abc import Callable, Sequence
from functools import partial

from vm.channel import DRAIN_NS, last_departure_ns
from vm.clocks.reading import check_limits
from vm.faults import Crash, MachineFault, Partition, Pause, Restart, end_ns
from vm.host.changes import Changes
from vm.host.departures import DepartureQueue
from vm.host.epoch import Epoch
from vm.host.log_writer import LogWriter
from vm.host.settings import HostError
from vm.host.startup import Agreement
from vm.host.ticking import Ticking
from vm.host.wire.frames import MAX_CLOCK_OFFSET_NS, Limits
from vm.host.wire.links import Links
from vm.host.wire.service import Service
from vm.machine import fresh_machine
from vm.records import Event, Message, Recovery, Start, Stop
from vm.schedule import SECOND_NS
from vm.spec import Spec, SpecError

#: How long a machine waits after SIGTERM until all messages have arrived.
DRAIN_TERMINATED_NS = SECOND_NS // 2
#: How long a machine that was killed, frozen or cut off may take to reconnect.
RETURN_NS = 10 * SECOND_NS


class Incarnation:
    """A machine, its ticks and its outgoing messages.

    `events` are those in the log of a restarted machine, which is restored to its state after
    them; `live` continues from there.
    """

    def __init__(
        self,
        agreement: Agreement,
        epoch: Epoch,
        links: Links,
        service: Service,
        log_writer: LogWriter,
        changes: Changes,
        *,
        partitions: bool,
        events: Sequence[Event] = (),
    ) -> None:
        self._agreement = agreement
        self._links = links
        self._service = service
        self._log_writer = log_writer
        self._changes = changes
        me, spec = agreement.membership.me, agreement.spec
        self._most_events = spec.most_events()
        try:
            # The tick rates that machines started by hand were given are known only now.
            check_limits(spec.clocks, lambda: self._most_events)
        except SpecError as error:
            raise HostError(str(error)) from None
        self._epoch = epoch
        self._machine = fresh_machine(spec, me)
        try:
            recovered = self._machine.recover(events)
        except ValueError as error:
            raise HostError(f"--recover: {error}") from None
        self._departures = DepartureQueue(
            spec, me, links.outgoing, epoch, changes.note, partitions=partitions
        )
        self._departures.recover(recovered, epoch.now_ns)
        self._ticking = Ticking(
            self._machine, spec.schedule(me), spec.duration_ns, epoch, self._emit, changes.note
        )
        if events:
            self._ticking.go_on_after(events)
        service.admit(self._limits_by_now, self._ticking.deliver)

    def begin(self) -> None:
        """Write the first record of the log."""
        agreed = self._agreement
        me, run = agreed.membership.me, agreed.membership.run
        epoch_unix_ns, offsets = agreed.my_epoch_unix_ns, agreed.wall_offsets
        start = Start(me, run, epoch_unix_ns, agreed.spec, wall_offsets=offsets)
        self._log_writer.begin(start)

    def come_back(self) -> None:
        """Write a recovery record."""
        self._log_writer.begin(Recovery(self._epoch.now_ns, self._machine.events))

    async def live(self) -> None:
        """Tick, drain, and write the last record."""
        # Objects made at start-up stay; the collector need not scan them between ticks.
        gc.freeze()
        gc.enable()
        self._ticking.begin()
        await self._changes.until(lambda: self._ticking.over or self._changes.terminated)
        self._ticking.end()
        await self._drain()
        self._service.close()
        self._log_writer.write(self._stop())

    def _emit(self, event: Event, messages: tuple[Message, ...]) -> None:
        departures = self._departures.decide(event, messages)
        self._log_writer.write(event)
        if event.kind == "receive":
            self._service.incoming[event.sender].end.log()
        self._departures.hold(departures, event.at_ns)

    def _limits_by_now(self) -> Limits:
        spec = self._agreement.spec
        latest_ns = max(0, self._epoch.now_ns + MAX_CLOCK_OFFSET_NS)
        until_ns = min(latest_ns, spec.duration_ns)
        events = [
            min(until_ns * spec.tick_rate_hz(machine) // SECOND_NS + 1, most)
            for machine, most in zip(spec.machines, self._most_events, strict=True)
        ]
        events[spec.machines.index(self._machine.name)] = self._machine.events
        # No physical clock is further from the true time, which reads the origin at the epoch.
        return Limits(events, latest_ns + 2 * spec.physical_origin_ns)

    async def _drain(self) -> None:
        """Wait, within bounds, until the messages of this machine and its peers have arrived."""
        spec = self._agreement.spec
        # Every held message leaves at its departure time.
        await self._changes.until(lambda: self._departures.is_empty or self._changes.terminated)
        self._departures.close()
        self._links.finish()
        # A peer that is killed until then needs its messages again.
        await self._within(_last_down_ns(spec), lambda: self._changes.terminated)
        crashed = {fault.machine for fault in spec.faults if isinstance(fault, Crash)}
        done, limit_ns = partial(self._links.are_done, crashed), _last_word_ns(spec) + DRAIN_NS
        await self._within(limit_ns, lambda: done() or self._changes.terminated)
        if self._changes.terminated:
            await self._within(self._epoch.now_ns + DRAIN_TERMINATED_NS, done)
        if not done():
            self._log_writer.say(
                f"{self._machine.name} could not drain all of its channels in time"
            )

    async def _within(self, limit_ns: int, holds: Callable[[], bool]) -> bool:
        """Wait until `holds()`; return False if it does not by `limit_ns` since the epoch."""
        try:
            async with asyncio.timeout((limit_ns - self._epoch.now_ns) / SECOND_NS):
                await self._changes.until(holds)
        except TimeoutError:
            return False
        return True

    def _stop(self) -> Stop:
        return Stop(
            reason="terminated" if self._changes.terminated else "finished",
            events=self._machine.events,
            ticks_missed=self._ticking.ticks_missed,
            rejected=self._service.rejected,
            inbox=self._machine.unread(),
            undelivered=tuple(self._departures.undelivered()),
        )


def _last_down_ns(spec: Spec) -> int:
    """Return when the last fault of a machine ends."""
    return max((end_ns(f) for f in spec.faults if isinstance(f, MachineFault)), default=0)


def _last_word_ns(spec: Spec) -> int:
    """Return when all messages can have left and all machines can have reconnected."""
    cuts = (fault for fault in spec.faults if isinstance(fault, Pause | Restart | Partition))
    return max(last_departure_ns(spec), *(cut.until_ns + RETURN_NS for cut in cuts), 0)
