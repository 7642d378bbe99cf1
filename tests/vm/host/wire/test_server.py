"""The server of a machine: methods that it does not have, and strangers that say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from loopback import free_ports
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire import service as service_module
from vm.host.wire.frames import CLIENT_OPTIONS, MAX_FRAME_BYTES, MAX_STREAMS
from vm.host.wire.key import NO_KEY
from vm.host.wire.server import serving
from vm.host.wire.service import Service


@asynccontextmanager
async def connected() -> AsyncIterator[grpc.aio.Channel]:
    (port,) = free_ports(1)
    async with (
        serving(Service("vm1", lambda: None, MAX_FRAME_BYTES), "127.0.0.1", port, NO_KEY),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", CLIENT_OPTIONS) as channel,
    ):
        yield channel


async def name_of(channel: grpc.aio.Channel) -> str:
    identity = await vm_pb2_grpc.MachineStub(channel).Identify(vm_pb2.IdentifyRequest())
    return identity.machine


@pytest.mark.parametrize("method", [b"/no/such", b"/\x91", b"/vklocks.v2.Machine/\xff", b"/"])
def test_a_method_that_is_not_there_is_refused_whatever_its_name(method: bytes) -> None:
    async def scenario() -> tuple[grpc.StatusCode, str]:
        async with connected() as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary(method)(b"")
            return refused.value.code(), await name_of(channel)

    assert asyncio.run(scenario()) == (grpc.StatusCode.UNIMPLEMENTED, "vm1")


def test_what_is_no_frame_is_refused() -> None:
    async def scenario() -> tuple[grpc.StatusCode, str]:
        async with connected() as channel:
            call = channel.stream_stream("/vklocks.v2.Machine/Channel")(iter([b"\xff"]))
            return await call.code(), await name_of(channel)

    assert asyncio.run(scenario()) == (grpc.StatusCode.INVALID_ARGUMENT, "vm1")


def test_streams_that_say_nothing_end_and_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "STRANGER_S", 0.1)

    async def scenario() -> tuple[set[grpc.StatusCode], str]:
        async with connected() as channel:
            open_streams = channel.stream_stream("/vklocks.v2.Machine/Channel")
            calls = [open_streams() for _ in range(2 * MAX_STREAMS)]
            codes = {await call.code() for call in calls}
            return codes, await name_of(channel)

    assert asyncio.run(scenario()) == ({grpc.StatusCode.UNAVAILABLE}, "vm1")
