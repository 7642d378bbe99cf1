"""A channel over a network that is cut again and again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from random import Random

import pytest

from loopback import free_ports, served
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.authentication import challenge
from vm.host.wire.frames import MAX_FRAME_BYTES, Limits, Membership
from vm.host.wire.key import NO_KEY
from vm.host.wire.outgoing import Outgoing
from vm.host.wire.probing import ROUND_TRIPS
from vm.host.wire.service import Service
from vm.records import Message
from vm.spec import Spec

CLOCKS = ("lamport",)
MACHINES = ("vm1", "vm2")
MESSAGES = 400


class Wire:
    """Carries bytes from one port to another, until it is cut; counts connections."""

    def __init__(self, target: int) -> None:
        self.connections = 0
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def laid(self, port: int) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, there}
        await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(700):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@pytest.mark.parametrize("seed", range(3))
def test_cuts_lose_nothing_double_nothing_and_overtake_nothing(seed: int) -> None:
    delivered: list[int] = []
    changed = asyncio.Event()
    random = Random(seed)

    async def until(holds: Callable[[], bool]) -> None:
        while not holds():
            changed.clear()
            await changed.wait()

    async def scenario() -> int:
        service = Service("vm2", changed.set, MAX_FRAME_BYTES)
        service.open(Membership("test", "vm2", MACHINES, CLOCKS), Spec())
        limits = Limits((MESSAGES, MESSAGES), 0)
        service.admit(lambda: limits, lambda message: delivered.append(message.index))
        port, wire_port = free_ports(2)
        wire = Wire(port)
        async with served(service, port), wire.laid(wire_port):
            hello = Membership("test", "vm1", MACHINES, CLOCKS).hello("vm2", 0)
            outgoing = Outgoing(f"127.0.0.1:{wire_port}", hello, changed.set)
            carrier = asyncio.create_task(outgoing.run())
            for index in range(MESSAGES):
                outgoing.send(Message("vm1", "vm2", index, {"lamport": index + 1}))
                if index % 20 == 10:
                    await until(lambda: outgoing.connected)
                    # Somewhere within the twenty messages: as far as they come in some turns
                    # of the loop.
                    for _ in range(int(random.random() * 40)):
                        await asyncio.sleep(0)
                    wire.cut()
                    await until(lambda: not outgoing.connected)
            outgoing.finish()
            await until(lambda: outgoing.finished)
            outgoing.leave()
            await carrier
        assert not outgoing.refusal
        assert service.incoming["vm1"].left
        assert not outgoing.end.undelivered()
        assert service.rejected == 0
        return wire.connections

    assert asyncio.run(scenario()) == 1 + MESSAGES // 20
    assert delivered == list(range(MESSAGES))


def test_a_wall_clock_is_measured_across_cuts() -> None:
    changed = asyncio.Event()

    async def until(holds: Callable[[], bool]) -> None:
        while not holds():
            changed.clear()
            await changed.wait()

    async def scenario() -> tuple[int, Outgoing]:
        # A clock whose readings show that each round trip has its own.
        readings = count(1)
        service = Service("vm2", changed.set, MAX_FRAME_BYTES, lambda: next(readings))
        service.open(Membership("test", "vm2", MACHINES, CLOCKS), Spec())
        port, wire_port = free_ports(2)
        wire = Wire(port)
        async with served(service, port), wire.laid(wire_port):
            hello = Membership("test", "vm1", MACHINES, CLOCKS).hello("vm2", 0)
            outgoing = Outgoing(f"127.0.0.1:{wire_port}", hello, changed.set)
            carrier = asyncio.create_task(outgoing.run())
            await until(lambda: outgoing.connected)
            assert outgoing.trips == []
            outgoing.measure()
            await until(lambda: len(outgoing.trips) >= 3)
            wire.cut()
            await until(lambda: outgoing.is_measured)
            outgoing.leave()
            await carrier
        return wire.connections, outgoing

    connections, outgoing = asyncio.run(scenario())
    assert connections == 2
    assert outgoing.refusal == ""
    read = [trip.peer_ns for trip in outgoing.trips]
    assert len(read) == ROUND_TRIPS
    assert read == sorted(set(read))
    assert all(trip.asked_ns < trip.answered_ns for trip in outgoing.trips)


def test_a_quiet_channel_stays_up() -> None:
    """For longer than it takes a server to call keepalive pings too many."""

    async def scenario() -> int:
        service = Service("vm2", lambda: None, MAX_FRAME_BYTES)
        service.open(Membership("test", "vm2", MACHINES, CLOCKS), Spec())
        port, wire_port = free_ports(2)
        wire = Wire(port)
        async with served(service, port), wire.laid(wire_port):
            hello = Membership("test", "vm1", MACHINES, CLOCKS).hello("vm2", 0)
            outgoing = Outgoing(f"127.0.0.1:{wire_port}", hello, lambda: None)
            carrier = asyncio.create_task(outgoing.run())
            await asyncio.wait([carrier], timeout=5)
            outgoing.leave()
            await carrier
        return wire.connections

    assert asyncio.run(scenario()) == 1


def test_a_refusal_ends_the_channel() -> None:
    async def scenario() -> str:
        service = Service("vm2", lambda: None, MAX_FRAME_BYTES)
        service.open(Membership("test", "vm2", MACHINES, CLOCKS), Spec())
        (port,) = free_ports(1)
        hello = Membership("other", "vm1", MACHINES, CLOCKS).hello("vm2", 0)
        outgoing = Outgoing(f"127.0.0.1:{port}", hello, lambda: None)
        async with served(service, port):
            await outgoing.run()
        return outgoing.refusal

    assert asyncio.run(scenario()) == "FAILED_PRECONDITION: this is run test, not 'other'"


class Boaster(vm_pb2_grpc.MachineServicer):
    """A peer whose progress cannot be."""

    def __init__(self, **progress: int) -> None:
        self._progress = progress

    async def Channel(  # noqa: N802
        self, frames: AsyncIterator[vm_pb2.Frame], context: object
    ) -> AsyncIterator[vm_pb2.Progress]:
        hello = await anext(frames)
        yield vm_pb2.Progress(challenge=challenge(hello.hello, NO_KEY))
        async for _ in frames:
            yield vm_pb2.Progress(**self._progress)


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        ({"received": 1}, "1 messages received and 0 of them logged"),
        ({"unix_ns": 2**63 - 1}, f"its wall clock reads {2**63 - 1} ns"),
        ({"unix_ns": -1}, "its wall clock reads -1 ns"),
    ],
)
def test_a_peer_that_says_what_cannot_be_is_not_talked_to(
    progress: dict[str, int], says: str
) -> None:
    async def scenario() -> str:
        (port,) = free_ports(1)
        hello = Membership("test", "vm1", MACHINES, CLOCKS).hello("vm2", 0)
        outgoing = Outgoing(f"127.0.0.1:{port}", hello, lambda: None)
        async with served(Boaster(**progress), port):
            await outgoing.run()
        return outgoing.refusal

    assert asyncio.run(scenario()).startswith(says)
