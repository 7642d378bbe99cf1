"""The host of one machine: starts or recovers it, and runs it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from vm.host.changes import Changes
from vm.host.epoch import Epoch, WallClock
from vm.host.incarnation import Incarnation
from vm.host.log_writer import LogWriter
from vm.host.recovery import Past
from vm.host.settings import HostError, Settings
from vm.host.startup import Agreement, Startup
from vm.host.wire.frames import max_frame_bytes
from vm.host.wire.links import Links
from vm.host.wire.server import Health, serving
from vm.host.wire.service import Service
from vm.records import Event


class Host:
    """One machine in wall time. `run` it once; `terminate` ends it early, and cleanly.

    `wall_ns` reads the wall clock of the computer.
    """

    def __init__(
        self,
        settings: Settings,
        log_writer: LogWriter,
        past: Past | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings
        self._log_writer = log_writer
        self._past = past
        self._changes = Changes()
        machines = 1 + len(settings.peers) + len(settings.addresses)
        most_bytes = max_frame_bytes(settings.spec.clocks, machines)
        self._clock = WallClock(wall_ns)
        self._service = Service(
            settings.name, self._changes.note, most_bytes, self._clock.now_unix_ns
        )

    def terminate(self) -> None:
        """Stop ticking, and end when the channels are drained, or after a bounded time."""
        self._changes.terminate()

    async def run(self) -> None:
        """Run to the end. HostError if it cannot start, TerminatedEarly after an early signal."""
        async with AsyncExitStack() as stack:
            if self._past is None:
                incarnation = await self._begin(stack)
            else:
                incarnation = await self._come_back(stack, self._past)
            await incarnation.live()

    async def _begin(self, stack: AsyncExitStack) -> Incarnation:
        settings = self._settings
        health = await stack.enter_async_context(self._serving())
        startup = Startup(settings, self._service, self._changes, self._clock)
        try:
            async with asyncio.timeout(settings.startup_s):
                links = await startup.meet()
                self._say_waiting(links)
                await stack.enter_async_context(links.standing())
                await startup.connect()
                await health.say(is_serving=True)
                agreement = await startup.agree()
        except TimeoutError:
            raise HostError(startup.who_is_missing()) from None
        incarnation = self._incarnation(agreement, links)
        # No Start frame has left yet: when a peer gets one, the first machine has a log.
        incarnation.begin()
        return incarnation

    async def _come_back(self, stack: AsyncExitStack, past: Past) -> Incarnation:
        """Recover without waiting for peers, which may be down and connect when they can."""
        agreement = past.agreement
        membership, spec = agreement.membership, agreement.spec
        self._service.open(membership, spec, past.events)
        # So that a Start that the first machine resends is accepted long after the epoch.
        self._service.start = agreement.frame.start
        links = Links(
            self._settings.peers, membership, spec.seed, self._service, self._changes.note
        )
        if membership.me == membership.first:
            # A peer may have been killed before it got Start.
            links.say(agreement.frame)
        incarnation = self._incarnation(agreement, links, past.events)
        incarnation.come_back()
        health = await stack.enter_async_context(self._serving())
        await stack.enter_async_context(links.standing())
        await health.say(is_serving=True)
        return incarnation

    def _serving(self) -> AbstractAsyncContextManager[Health]:
        settings = self._settings
        return serving(self._service, settings.listen, settings.port, settings.key)

    def _incarnation(
        self, agreement: Agreement, links: Links, events: Sequence[Event] = ()
    ) -> Incarnation:
        epoch_ns = self._clock.monotonic_ns(agreement.my_epoch_unix_ns)
        return Incarnation(
            agreement,
            Epoch(epoch_ns, events[-1].at_ns if events else None),
            links,
            self._service,
            self._log_writer,
            self._changes,
            partitions=self._settings.partitions,
            events=events,
        )

    def _say_waiting(self, links: Links) -> None:
        settings = self._settings
        if links.outgoing:
            self._log_writer.say(
                f"{settings.name} listens on port {settings.port} and waits for"
                f" {', '.join(links.outgoing)} (at most {settings.startup_s:g} s)"
            )
