"""Machines on loopback for tests: free ports, and the whole life of real hosts."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import grpc

from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.lifecycle import Host
from vm.host.log_writer import LogWriter
from vm.host.settings import Settings
from vm.host.wire.accepting import registered_server
from vm.host.wire.authentication import with_nonce
from vm.host.wire.frames import CLIENT_OPTIONS, MAX_FRAME_BYTES, server_options
from vm.host.wire.key import NO_KEY, Key, Meeting
from vm.log import decode
from vm.records import Event, Record, Recovery, Start, Stop
from vm.spec import Spec


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, from below the range that connections are given."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def own_address() -> str:
    """An address of this computer beside loopback, or ""; no packet is sent."""
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(one.getsockname()[0])


def settings_of(spec: Spec, log: Path, **changes: object) -> list[Settings]:
    """Settings for every machine of a spec, all on this computer."""
    ports = dict(zip(spec.machines, free_ports(len(spec.machines)), strict=True))
    common = {"run": "test", "log": log, "spec": spec, "seed": spec.seed, "startup_s": 10.0}
    return [
        Settings(
            name=name,
            port=ports[name],
            peers={peer: f"localhost:{ports[peer]}" for peer in spec.machines if peer != name},
            **(common | changes),  # type: ignore[arg-type]
        )
        for name in spec.machines
    ]


@asynccontextmanager
async def served(service: vm_pb2_grpc.MachineServicer, port: int) -> AsyncIterator[None]:
    """A machine's service, without the machine."""
    server = registered_server(server_options(MAX_FRAME_BYTES))
    vm_pb2_grpc.add_MachineServicer_to_server(service, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", CLIENT_OPTIONS) as channel:
        yield channel


def proof_after(hello: vm_pb2.Hello, challenge: vm_pb2.Challenge, key: Key) -> vm_pb2.Frame:
    """The proof of a sender that does not ask for the receiver's."""
    meeting = Meeting(hello.run, hello.sender, hello.receiver, hello.nonce, challenge.nonce)
    return vm_pb2.Frame(proof=vm_pb2.Proof(proof=key.proof("sender", meeting)))


async def speak(
    channel: grpc.aio.Channel, frames: Sequence[vm_pb2.Frame], key: Key = NO_KEY
) -> tuple[grpc.StatusCode, list[vm_pb2.Progress]]:
    """Send frames on one stream, and after a Hello the proof; the status that the stream ends with,
    and the progress until then. The receiver's proof is not looked at."""
    loop = asyncio.get_running_loop()
    challenged, entered = loop.create_future(), loop.create_future()

    async def said() -> AsyncIterator[vm_pb2.Frame]:
        first, *others = frames
        if not first.HasField("hello"):
            yield first
        else:
            yield (hello := with_nonce(first))
            yield proof_after(hello.hello, await challenged, key)
            # As gRPC takes a write after the end of a stream for an error of its own.
            await entered
        for frame in others:
            yield frame

    call = vm_pb2_grpc.MachineStub(channel).Channel(said())
    heard = []
    try:
        async for progress in call:
            if progress.HasField("challenge"):
                challenged.set_result(progress.challenge)
            else:
                heard.append(progress)
                if not entered.done():
                    entered.set_result(None)
    except grpc.aio.AioRpcError as error:
        return error.code(), heard
    return await call.code(), heard


async def live(settings: Settings, ahead_ns: int = 0) -> None:
    """The whole life of a host on a computer whose wall clock is ahead of this one's."""
    log_writer = LogWriter(settings.log, settings.name)
    try:
        await Host(settings, log_writer, wall_ns=lambda: time.time_ns() + ahead_ns).run()
    finally:
        log_writer.close()


async def live_together(
    all_settings: list[Settings], ahead_ns: Mapping[str, int] = MappingProxyType({})
) -> None:
    async with asyncio.TaskGroup() as group:
        for settings in all_settings:
            group.create_task(live(settings, ahead_ns.get(settings.name, 0)))


def read_log(path: Path) -> list[Record]:
    return [decode(line) for line in path.read_text().splitlines()]


def read_whole_log(path: Path) -> tuple[Start, list[Event], Stop]:
    """A log that begins with a start record, ends with a stop record and has events between."""
    start, *events, stop = read_log(path)
    assert isinstance(start, Start)
    assert isinstance(stop, Stop)
    assert all(isinstance(event, Event) for event in events)
    return start, events, stop  # type: ignore[return-value]


class Log(NamedTuple):
    """What one machine left; without a stop record it was killed for good."""

    start: Start
    events: list[Event]
    recoveries: list[Recovery]
    stop: Stop | None


def read_logs(folder: Path, machines: Iterable[str]) -> dict[str, Log]:
    logs = {}
    for name in machines:
        start, *records = read_log(folder / f"{name}.jsonl")
        assert isinstance(start, Start)
        stop = records.pop() if isinstance(records[-1], Stop) else None
        events = [record for record in records if isinstance(record, Event)]
        restarts = [record for record in records if isinstance(record, Recovery)]
        assert len(events) + len(restarts) == len(records)
        logs[name] = Log(start, events, restarts, stop)
    return logs


def check_whole(spec: Spec, logs: dict[str, Log]) -> None:
    """All machines lived to their end: no copy of a message is lost but by a fault, or doubled
    but by one; time goes on and every tick is counted."""
    sent: Counter[tuple[str, int, str]] = Counter()
    ended: Counter[tuple[str, int, str]] = Counter()
    for name, log in logs.items():
        assert log.stop is not None
        for event in log.events:
            sent.update((name, event.index, to) for to in (*event.to, *event.duplicated))
            sent.subtract((name, event.index, to) for to in event.lost)
            ended.update([(event.sender, event.cause, name)] * (event.kind == "receive"))
        ended.update((unread.sender, unread.cause, name) for unread in log.stop.inbox)
        ended.update((name, left.index, left.to) for left in log.stop.undelivered)
        assert log.stop.events == len(log.events)
        ticks = spec.schedule(name).ticks_before(spec.duration_ns)
        assert log.stop.events + log.stop.ticks_missed == ticks
        for before, after in pairwise(log.events):
            assert before.tick < after.tick
            assert before.at_ns < after.at_ns
            assert before.clock["lamport"] < after.clock["lamport"]
    assert +sent == ended


def where_messages_ended(logs: dict[str, tuple[Start, list[Event], Stop]]) -> dict[str, list]:
    """All messages (sender, index, receiver) of a run by where the logs say that they are."""
    places: dict[str, list] = {"sent": [], "received": [], "inbox": [], "undelivered": []}
    for name, (_, events, stop) in logs.items():
        for event in events:
            places["sent"] += [(name, event.index, receiver) for receiver in event.to]
            if event.kind == "receive":
                places["received"].append((event.sender, event.cause, name))
        places["inbox"] += [(unread.sender, unread.cause, name) for unread in stop.inbox]
        places["undelivered"] += [(name, left.index, left.to) for left in stop.undelivered]
    return places
