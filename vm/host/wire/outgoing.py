"""The sending end of a channel on the network."""

# The types of gRPC and of the generated code are generic only in their stubs.
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import grpc
from grpc import StatusCode

from vm.channel import SendingEnd
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.authentication import NotProven, channel_to, proof_of, with_nonce
from vm.host.wire.frames import MAX_REASON, message_frame
from vm.host.wire.key import NO_KEY, Key
from vm.host.wire.probing import ROUND_TRIPS, RoundTrip
from vm.quoting import plain
from vm.records import MAX_WALL_NS, Message

#: Status codes of streams ended by a cut, a restart or a frozen peer, or begun while the peer has
#: not noticed yet that the last one was cut; all others are refusals.
CUT = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.CANCELLED,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.ALREADY_EXISTS,
    }
)
PROBE = vm_pb2.Frame(probe=vm_pb2.Probe())
#: The pause after a stream on which the peer has not proven itself: another program that ends each
#: stream at once would otherwise keep this machine busy.
STRANGER_PAUSE_S = 0.05

Call: TypeAlias = "grpc.aio.StreamStreamCall[vm_pb2.Frame, vm_pb2.Progress]"


class Outgoing:
    """Keeps a stream to one peer, across cuts, until this machine leaves or the peer refuses.

    On each connection both ends prove that they have the key of the run. The peer then acknowledges
    the messages it has; all others are resent, after the frames that go before all messages.
    `finished` means that the current incarnation of the peer has all messages and has got Finish.
    Another program at the peer's address can refuse only until the peer was first connected.
    `trips` are by the monotonic clock here.
    """

    def __init__(
        self,
        address: str,
        hello: vm_pb2.Frame,
        changed: Callable[[], None],
        key: Key = NO_KEY,
    ) -> None:
        self.end = SendingEnd()
        self.connected = False
        self.finished = False
        self.refusal = ""
        self.trips: list[RoundTrip] = []
        #: The reason why the peer does not accept this machine yet.
        self.obstacle = ""
        self._address = address
        self._hello = hello
        self._key = key
        #: The peer has proven itself: on the current stream, on any stream so far.
        self._is_proven = self._was_proven = False
        self._changed = changed
        self._measuring = False
        self._answer: asyncio.Future[tuple[int, int]] | None = None
        self._before: list[vm_pb2.Frame] = []
        self._finish: vm_pb2.Frame | None = None
        self._leaving = False
        self._news = asyncio.Event()

    @property
    def is_measured(self) -> bool:
        return len(self.trips) >= ROUND_TRIPS

    def measure(self) -> None:
        """Ask for the peer's wall clock until it `is_measured`."""
        self._measuring = True
        self._news.set()

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
        async with channel_to(self._address, self._key) as channel:
            stub: vm_pb2_grpc.MachineAsyncStub = vm_pb2_grpc.MachineStub(channel)
            while not (self.refusal or self._leaving):
                refusal = await self._refusal(stub)
                is_proven, self._is_proven = self._is_proven, False
                # Later, another program may have taken the address, to which the peer comes back.
                if is_proven or not self._was_proven:
                    self.refusal = refusal
                self.connected = self.finished = False
                self._changed()
                if not is_proven:
                    await asyncio.sleep(STRANGER_PAUSE_S)

    async def _refusal(self, stub: vm_pb2_grpc.MachineAsyncStub) -> str:
        """Carry frames until the stream ends; return the reason, or "" after a cut."""
        try:
            await self._connection(stub)
        except grpc.aio.AioRpcError as error:
            details = plain(error.details() or "", MAX_REASON)
            if error.code() not in CUT:
                return f"{error.code().name}: {details}"
            if error.code() is StatusCode.ALREADY_EXISTS:
                self.obstacle = details
        except (NotProven, ValueError) as error:
            return str(error)
        return ""

    async def _connection(self, stub: vm_pb2_grpc.MachineAsyncStub) -> None:
        call = stub.Channel(wait_for_ready=True)
        writer: asyncio.Task[None] | None = None
        try:
            hello = with_nonce(self._hello)
            await call.write(hello)
            async for progress in call:
                if not self._is_proven:
                    proof = proof_of(hello.hello, progress.challenge, self._key)
                    self._is_proven = self._was_proven = True
                    # If the stream has ended already, its reader gets the reason.
                    with suppress(asyncio.InvalidStateError):
                        await call.write(proof)
                    continue
                self.end.acknowledge(progress.received, progress.logged)
                self.finished = progress.finished
                if progress.unix_ns:
                    self._note_answer(progress.unix_ns)
                if writer is None:
                    writer = asyncio.create_task(self._write(call, progress.received))
                self.connected = True
                self._changed()
        finally:
            if writer is not None:
                writer.cancel()
            call.cancel()

    async def _probe(self, call: Call) -> None:
        """Ask for the peer's wall clock, and wait for the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        asked_ns = time.monotonic_ns()
        await call.write(PROBE)
        peer_ns, answered_ns = await self._answer
        self.trips.append(RoundTrip(asked_ns, peer_ns, answered_ns))
        self._changed()

    def _note_answer(self, peer_ns: int) -> None:
        """Take an answer; ValueError if no wall clock reads it."""
        if not 0 < peer_ns < MAX_WALL_NS:
            raise ValueError(f"its wall clock reads {peer_ns} ns")
        if self._answer and not self._answer.done():
            self._answer.set_result((peer_ns, time.monotonic_ns()))

    async def _write(self, call: Call, sequence: int) -> None:
        """Send all frames that the peer lacks; it has messages 1..sequence."""
        said, finished = 0, False
        try:
            while True:
                self._news.clear()
                while self._measuring and not self.is_measured:
                    await self._probe(call)
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
