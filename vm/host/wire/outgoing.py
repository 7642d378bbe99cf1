"""The sending end of a channel on the network."""

# The types of gRPC and of the generated code are generic only in their stubs.
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

#: Status codes of streams ended by a cut, a restart or a frozen peer; all others are refusals.
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

    On each connection the peer first acknowledges the messages it has; all others are resent,
    after the frames that go before all messages. `finished` means that the current incarnation
    of the peer has all messages and has got Finish.
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
        """Send Leave if the stream is open, and do not reconnect."""
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
        """Send all frames that the peer lacks; it has messages 1..sequence."""
        said, finished = 0, False
        try:
            while True:
                self._news.clear()
                for frame in self._before[said:]:
                    await call.write(frame)
                    said += 1
                # Messages of an earlier connection may have arrived since.
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
            # The stream has ended: `_connection`, its reader, gets the reason, `run` reconnects.
            return
