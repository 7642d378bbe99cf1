"""The life of one machine: start-up, ticks, drain, stop record."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from proto import vm_pb2, vm_pb2_grpc
from vm.host.journal import Journal
from vm.host.outgoing import Outgoing
from vm.host.service import Service
from vm.host.ticking import Ticking
from vm.host.wire import CLIENT_OPTIONS, MAX_CLOCK_OFFSET_NS, SERVER_OPTIONS, Membership
from vm.machine import Machine, fresh_machine
from vm.records import Event, Message, Stop, Undelivered, Unread
from vm.schedule import SECOND_NS
from vm.spec import Spec, natural_order
from vm.start import start_of

SERVICE = vm_pb2.DESCRIPTOR.services_by_name["Machine"].full_name
#: How long a machine waits, after the run or after SIGTERM, for its peers to have everything.
DRAIN_S = 2.0
DRAIN_TERMINATED_S = 0.5
#: How long open streams may go on when the server stops; enough to flush acknowledgements.
GRACE_S = 0.2
#: How far in the future the epoch is set, so that Start reaches everybody before it.
EPOCH_MARGIN_NS = 50_000_000
EPOCH_MARGIN_PER_MACHINE_NS = 5_000_000


class HostError(Exception):
    """The machine cannot run here; says what is missing."""


class Interrupted(Exception):
    """The machine was told to end before its run began."""


@dataclass(frozen=True)
class Settings:
    """What one host is told. `spec.machines` does not count: they follow from the peers.

    `peers` maps names to addresses; the names of `addresses` are asked for. Without a `seed`
    the first machine draws one and the others take it over.
    """

    name: str
    port: int
    run: str
    log: Path
    spec: Spec
    seed: int | None = None
    peers: dict[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    startup_s: float = 30


class Host:
    """One machine in wall time. `run` it once; `terminate` ends it early, and cleanly."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._peers = dict(settings.peers)
        self._spec = settings.spec
        self._changed = asyncio.Event()
        self._terminated = False
        self._service = Service(settings.name, self._changed.set)
        self._outgoing: dict[str, Outgoing] = {}

    def terminate(self) -> None:
        """Tick no more, and end as soon as messages are where they belong."""
        self._terminated = True
        self._changed.set()

    async def run(self) -> None:
        """The whole life. HostError if it cannot begin, Interrupted if it was not let."""
        async with AsyncExitStack() as stack:
            status = await stack.enter_async_context(self._server())
            try:
                async with asyncio.timeout(self._settings.startup_s):
                    await self._identify_peers()
                    membership = self._membership()
                    await stack.enter_async_context(self._streams(membership))
                    await self._until(self._is_connected)
                    await status.set("", health_pb2.HealthCheckResponse.SERVING)
                    await status.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
                    start = await self._agree(membership)
            except TimeoutError:
                raise HostError(self._who_is_missing()) from None
            await self._carry_out(membership, start)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait until something that peers say, or SIGTERM, makes `holds` true."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    # --- start-up ---

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[health.aio.HealthServicer]:
        server = grpc.aio.server(options=SERVER_OPTIONS)
        vm_pb2_grpc.add_MachineServicer_to_server(self._service, server)
        status = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(status, server)
        await status.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        await status.set(SERVICE, health_pb2.HealthCheckResponse.NOT_SERVING)
        reflection.enable_server_reflection(
            (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        port = self._settings.port
        try:
            server.add_insecure_port(f"[::]:{port}")
        except RuntimeError:
            raise HostError(
                f"port {port} is taken: stop what listens there, or choose another port"
            ) from None
        await server.start()
        try:
            yield status
        finally:
            await server.stop(GRACE_S)

    async def _identify_peers(self) -> None:
        for address in self._settings.addresses:
            self._unnamed = address
            async with grpc.aio.insecure_channel(address, options=CLIENT_OPTIONS) as channel:
                stub: vm_pb2_grpc.MachineAsyncStub = vm_pb2_grpc.MachineStub(channel)
                identity = await stub.Identify(vm_pb2.IdentifyRequest(), wait_for_ready=True)
            if identity.machine in (self._settings.name, *self._peers):
                raise HostError(f"two machines are called {identity.machine!r}: rename one of them")
            self._peers[identity.machine] = address

    def _membership(self) -> Membership:
        me = self._settings.name
        machines = tuple(sorted((me, *self._peers), key=natural_order))
        membership = Membership(self._settings.run, me, machines, self._spec.clocks)
        seed = self._settings.seed
        if seed is None:
            seed = SystemRandom().randrange(2**31) if me == membership.first else 0
        self._spec = replace(self._spec, machines=machines, seed=seed)
        return membership

    @asynccontextmanager
    async def _streams(self, membership: Membership) -> AsyncIterator[None]:
        self._service.open(membership)
        self._outgoing = {
            peer: Outgoing(
                self._peers[peer], membership.hello(peer, self._spec.seed), self._changed.set
            )
            for peer in membership.peers
        }
        tasks = [asyncio.create_task(outgoing.run()) for outgoing in self._outgoing.values()]
        if tasks:
            self._journal.say(
                f"{membership.me} listens on port {self._settings.port} and waits for"
                f" {', '.join(membership.peers)} (at most {self._settings.startup_s:g} s)"
            )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _is_connected(self) -> bool:
        self._check_startup()
        return not self._unconnected()

    def _check_startup(self) -> None:
        if self._terminated:
            raise Interrupted
        for peer, outgoing in self._outgoing.items():
            if outgoing.refusal:
                raise HostError(f"{peer} at {self._peers[peer]} refuses: {outgoing.refusal}")

    def _unconnected(self) -> list[str]:
        return [
            peer
            for peer, outgoing in self._outgoing.items()
            if not (outgoing.connected and self._service.incoming[peer].connected)
        ]

    def _who_is_missing(self) -> str:
        missing = [f"{peer} at {self._peers[peer]}" for peer in self._unconnected()]
        if len(self._peers) < len(self._settings.addresses):
            missing = [f"the machine at {self._unnamed}"]
        what = (
            f"is not there: {', '.join(missing)}; start it, or mend --peers"
            if missing
            else "is there, but the start was not agreed"
        )
        return f"after {self._settings.startup_s:g} s not every peer {what}"

    async def _agree(self, membership: Membership) -> vm_pb2.Start:
        """Get the run's start from the first machine, or make it and tell the others."""
        me, first = membership.me, membership.first
        if me != first:
            if self._settings.seed is None:
                self._spec = replace(self._spec, seed=self._service.incoming[first].seed)
            self._outgoing[first].say(
                vm_pb2.Frame(ready=vm_pb2.Ready(tick_rate_hz=self._spec.tick_rate_hz(me)))
            )
            await self._until(self._is_started)
            assert self._service.start is not None
            return self._service.start
        await self._until(self._is_ready)
        rates = {peer: incoming.tick_rate_hz for peer, incoming in self._service.incoming.items()}
        rates[me] = self._spec.tick_rate_hz(me)
        margin_ns = EPOCH_MARGIN_NS + EPOCH_MARGIN_PER_MACHINE_NS * len(membership.machines)
        start = vm_pb2.Start(
            epoch_unix_ns=time.time_ns() + margin_ns,
            tick_rates_hz=[rates[machine] for machine in membership.machines],
        )
        for outgoing in self._outgoing.values():
            outgoing.say(vm_pb2.Frame(start=start))
        return start

    def _is_started(self) -> bool:
        self._check_startup()
        return self._service.start is not None

    def _is_ready(self) -> bool:
        self._check_startup()
        return all(incoming.tick_rate_hz for incoming in self._service.incoming.values())

    # --- the run ---

    async def _carry_out(self, membership: Membership, start: vm_pb2.Start) -> None:
        me, spec = membership.me, self._spec
        machine = fresh_machine(spec, me)
        rates_hz = dict(zip(spec.machines, start.tick_rates_hz, strict=True))
        self._journal.begin(
            start_of(replace(spec, tick_rates_hz=rates_hz), me, membership.run, start.epoch_unix_ns)
        )
        ticking = Ticking(
            machine,
            spec.schedule(me),
            spec.duration_ns,
            start.epoch_unix_ns,
            self._emit,
            self._changed.set,
        )

        def events_by_now() -> list[int]:
            until_ns = min(ticking.now_ns + MAX_CLOCK_OFFSET_NS, spec.duration_ns)
            bounds = [max(0, until_ns) * rate // SECOND_NS + 1 for rate in start.tick_rates_hz]
            bounds[spec.machines.index(me)] = machine.events
            return bounds

        self._service.admit(events_by_now, ticking.deliver)
        # What start-up has made stays; the collector need not look at it between ticks.
        gc.collect()
        gc.freeze()
        ticking.begin()
        await self._until(lambda: ticking.over or self._terminated)
        ticking.end()
        await self._drain(spec.duration_ns - ticking.now_ns)
        self._service.close()
        self._journal.write(self._stop(machine, ticking))

    def _emit(self, event: Event, messages: tuple[Message, ...]) -> None:
        self._journal.write(event)
        for message in messages:
            self._outgoing[message.receiver].send(message)

    async def _drain(self, remaining_ns: int) -> None:
        """Wait, within bounds, until every message of this machine and of its peers is there."""
        for outgoing in self._outgoing.values():
            outgoing.finish()
        limit_s = DRAIN_S + max(0, remaining_ns) / SECOND_NS
        try:
            async with asyncio.timeout(limit_s):
                await self._until(lambda: self._is_drained() or self._terminated)
            async with asyncio.timeout(DRAIN_TERMINATED_S):
                await self._until(self._is_drained)
        except TimeoutError:
            self._journal.say(f"{self._settings.name} could not drain all of its channels in time")

    def _is_drained(self) -> bool:
        return all(
            (outgoing.finished or outgoing.refusal or not outgoing.connected)
            if self._service.incoming[peer].finished
            else False
            for peer, outgoing in self._outgoing.items()
        )

    def _stop(self, machine: Machine, ticking: Ticking) -> Stop:
        return Stop(
            reason="terminated" if self._terminated else "finished",
            events=machine.events,
            ticks_missed=ticking.ticks_missed,
            rejected=self._service.rejected,
            inbox=tuple(
                Unread(message.sender, message.index, arrived_ns)
                for message, arrived_ns in machine.inbox
            ),
            undelivered=tuple(
                Undelivered(peer, message.index)
                for peer, outgoing in self._outgoing.items()
                for message in outgoing.end.unacknowledged
            ),
        )
