"""The sending end of a channel on the network."""

# The types of gRPC and of the generated code take parameters only in their stubs.
from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
from grpc import StatusCode

from vm.channel import SendingEnd
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.frames import CLIENT_OPTIONS, MAX_REASON, message_frame
from vm.quoting import plain
from vm.records import Message

#: What a cut, a restart or a frozen peer ends a stream with; anything else is a refusal.
CUT = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.CANCELLED,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.DEADLINE_EXCEEDED,
    }
)


class Outgoing:
    """Keeps a stream to one peer, across cuts, until this machine leaves or the peer refuses.

    After each connection the peer says how many messages it has; the rest is sent again,
    with whatever else has been said on the channel before. `finished` means that the peer, as
    it is now, has everything and knows that nothing more will come.
    """

    def __init__(self, address: str, hello: vm_pb2.Frame, changed: Callable[[], None]) -> None:
        self.end = SendingEnd()
        self.connected = False
        self.finished = False
        self.refusal = ""
        self._address = address
        self._hello = hello
        self._changed = changed
        self._before: list[vm_pb2.Frame] = []
        self._finish: vm_pb2.Frame | None = None
        self._leaving = False
        self._news = asyncio.Event()

    def say(self, frame: vm_pb2.Frame) -> None:
        """Send a frame (Ready, Start) that goes before all messages."""
        assert not self.end.sent
        self._before.append(frame)
        self._news.set()

    def send(self, message: Message) -> None:
        self.end.send(message)
        self._news.set()

    def finish(self) -> None:
        """Send Finish after the last message."""
        self._finish = vm_pb2.Frame(finish=vm_pb2.Finish(sent=self.end.sent))
        self._news.set()

    def leave(self) -> None:
        """Say Leave if the stream stands, and do not connect again."""
        self._leaving = True
        self._news.set()

    async def run(self) -> None:
        async with grpc.aio.insecure_channel(self._address, options=CLIENT_OPTIONS) as channel:
            stub: vm_pb2_grpc.MachineAsyncStub = vm_pb2_grpc.MachineStub(channel)
            while not (self.refusal or self._leaving):
                try:
                    await self._connection(stub)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in CUT:
                        details = plain(error.details() or "", MAX_REASON)
                        self.refusal = f"{error.code().name}: {details}"
                except ValueError as error:
                    self.refusal = str(error)
                self.connected = self.finished = False
                self._changed()

    async def _connection(self, stub: vm_pb2_grpc.MachineAsyncStub) -> None:
        call = stub.Channel(wait_for_ready=True)
        writer: asyncio.Task[None] | None = None
        try:
            await call.write(self._hello)
            async for progress in call:
                self.end.acknowledge(progress.received, progress.logged)
                self.finished = progress.finished
                if writer is None:
                    writer = asyncio.create_task(self._write(call, progress.received))
                self.connected = True
                self._changed()
        finally:
            if writer is not None:
                writer.cancel()
            call.cancel()

    async def _write(
        self, call: grpc.aio.StreamStreamCall[vm_pb2.Frame, vm_pb2.Progress], sequence: int
    ) -> None:
        """Say everything that the peer, which has messages 1..sequence, has not heard."""
        said, finished = 0, False
        try:
            while True:
                self._news.clear()
                for frame in self._before[said:]:
                    await call.write(frame)
                    said += 1
                # What an earlier connection carried may have arrived since.
                sequence = max(sequence, self.end.received)
                while message := self.end.after(sequence):
                    sequence += 1
                    await call.write(message_frame(sequence, message))
                    sequence = max(sequence, self.end.received)
                if self._finish and not finished:
                    await call.write(self._finish)
                    finished = True
                if self._leaving:
                    await call.write(vm_pb2.Frame(leave=vm_pb2.Leave()))
                    await call.done_writing()
                    return
                await self._news.wait()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream has ended; whoever reads it learns why, and connects again.
            return
