"""Machines on loopback for tests: free ports, and the whole life of real hosts."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from proto import vm_pb2_grpc
from vm.host.journal import Journal
from vm.host.run import Host, Settings
from vm.host.wire import SERVER_OPTIONS
from vm.log import decode
from vm.records import Event, Record, Start, Stop
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
    server = grpc.aio.server(options=SERVER_OPTIONS)
    vm_pb2_grpc.add_MachineServicer_to_server(service, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)


async def live(settings: Settings) -> None:
    journal = Journal(settings.log, settings.name)
    try:
        await Host(settings, journal).run()
    finally:
        journal.close()


async def live_together(all_settings: list[Settings]) -> None:
    async with asyncio.TaskGroup() as group:
        for settings in all_settings:
            group.create_task(live(settings))


def read_log(path: Path) -> list[Record]:
    return [decode(line) for line in path.read_text().splitlines()]


def read_whole_log(path: Path) -> tuple[Start, list[Event], Stop]:
    """A log that begins with a start record, ends with a stop record and has events between."""
    start, *events, stop = read_log(path)
    assert isinstance(start, Start)
    assert isinstance(stop, Stop)
    assert all(isinstance(event, Event) for event in events)
    return start, events, stop  # type: ignore[return-value]


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
