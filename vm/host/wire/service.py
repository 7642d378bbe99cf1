"""The receiving ends of a machine's channels, and the answers to peers that connect."""

# The types of gRPC and of the generated code are generic only in their stubs.
from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode

from vm.channel import ReceivingEnd, SequenceGap
from vm.faults import Duplication
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.authentication import challenge, check_address, check_proof
from vm.host.wire.frames import (
    MAX_EPOCH_DISTANCE_NS,
    MAX_REASON,
    STRANGER_S,
    TAKEN_S,
    Limits,
    Membership,
    Refusal,
    check_size,
    read_message,
    read_wall_offsets,
)
from vm.records import Event, Message
from vm.schedule import SECOND_NS
from vm.spec import MAX_SEED, MAX_TICK_RATE_HZ, Spec


@dataclass
class Incoming:
    """The receiving end of the channel from one peer, and the peer's state."""

    end: ReceivingEnd
    #: Held by the stream of the peer, of which there is one at a time.
    place: asyncio.Lock = field(default_factory=asyncio.Lock)
    seed: int = 0
    tick_rate_hz: int = 0
    finished: bool = False
    left: bool = False

    @property
    def connected(self) -> bool:
        return self.place.locked()


class Service(vm_pb2_grpc.MachineServicer):
    """Accepts frames from peers; a refused frame changes nothing except the count `rejected`.

    `open` admits peers, `admit` admits messages; until then they wait. A stream that does not prove
    the key of the run has no effect. Frames have at most `most_bytes`. `now_unix_ns` reads the
    machine's wall clock.
    """

    def __init__(
        self,
        name: str,
        changed: Callable[[], None],
        most_bytes: int,
        now_unix_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.most_bytes = most_bytes
        self.membership: Membership | None = None
        self.incoming: dict[str, Incoming] = {}
        self.start: vm_pb2.Start | None = None
        self.rejected = 0
        self._name = name
        self._changed = changed
        self._now_unix_ns = now_unix_ns
        self._closed = False
        self._admitted = asyncio.Event()

    def open(self, membership: Membership, spec: Spec, events: Sequence[Event] = ()) -> None:
        """Admit the peers, now that all names are known; `events` are those in the log already."""
        is_ordered = spec.fifo and not any(isinstance(f, Duplication) for f in spec.faults)
        logged = Counter(event.sender for event in events)
        last_index = {event.sender: event.cause for event in events}
        for peer in membership.peers:
            end = ReceivingEnd(
                is_ordered=is_ordered, logged=logged[peer], last_index=last_index.get(peer, -1)
            )
            self.incoming[peer] = Incoming(end)
        self.membership = membership

    def admit(self, limits: Callable[[], Limits], deliver: Callable[[Message], None]) -> None:
        """Admit messages. `deliver` gets each once, in the order of its channel; `limits` returns
        those of a message that arrives now."""
        self._limits, self._deliver = limits, deliver
        self._admitted.set()

    def close(self) -> None:
        """Accept no more messages: the inbox is final."""
        self._closed = True

    async def Identify(  # noqa: N802
        self,
        request: vm_pb2.IdentifyRequest,
        context: grpc.aio.ServicerContext[vm_pb2.IdentifyRequest, vm_pb2.Identity],
    ) -> vm_pb2.Identity:
        return vm_pb2.Identity(machine=self._name)

    async def Channel(  # noqa: N802
        self,
        frames: AsyncIterator[vm_pb2.Frame],
        context: grpc.aio.ServicerContext[vm_pb2.Frame, vm_pb2.Progress],
    ) -> AsyncIterator[vm_pb2.Progress]:
        try:
            async for progress in self._channel(_checked(frames, self.most_bytes), context):
                yield progress
        except Refusal as refusal:
            if refusal.status is not StatusCode.UNAVAILABLE:
                self.rejected += 1
            await context.abort(refusal.status, refusal.reason[:MAX_REASON])

    async def _channel(
        self,
        frames: AsyncIterator[vm_pb2.Frame],
        context: grpc.aio.ServicerContext[vm_pb2.Frame, vm_pb2.Progress],
    ) -> AsyncIterator[vm_pb2.Progress]:
        if (first := await anext(frames, None)) is None:
            return
        membership, hello = self._membership(), first.hello
        check_address(context.peer(), membership.key)
        if not first.HasField("hello"):
            raise Refusal("the first frame must be Hello")
        challenged = challenge(hello, membership.key)
        yield vm_pb2.Progress(challenge=challenged)
        check_proof(await anext(frames, None), hello, challenged, membership.key)
        incoming = await self._enter(hello, self._membership())
        yield _progress(incoming)
        async for frame in frames:
            await self._take(frame, hello.sender, self._membership())
            yield _progress(incoming, self._now_unix_ns() if frame.HasField("probe") else 0)
            if incoming.left:
                return

    def _membership(self) -> Membership:
        if self._closed or self.membership is None:
            raise Refusal(f"{self._name} is not running", StatusCode.UNAVAILABLE)
        return self.membership

    async def _enter(self, hello: vm_pb2.Hello, membership: Membership) -> Incoming:
        """Let a stream take its peer's place, which it gives back when it ends."""
        membership.check_hello(hello)
        if not 0 <= hello.seed <= MAX_SEED:
            raise Refusal(f"seed {hello.seed}")
        incoming = self.incoming[hello.sender]
        try:
            async with asyncio.timeout(TAKEN_S):
                await incoming.place.acquire()
        except TimeoutError:
            problem = f"{hello.sender} is connected to {self._name} already"
            raise Refusal(problem, StatusCode.ALREADY_EXISTS) from None
        stream = asyncio.current_task()
        assert stream is not None
        stream.add_done_callback(lambda _: incoming.place.release())
        incoming.seed = hello.seed
        self._changed()
        return incoming

    async def _take(self, frame: vm_pb2.Frame, sender: str, membership: Membership) -> None:
        match frame.WhichOneof("frame"):
            case "message":
                await self._admitted.wait()
                self._message(frame.message, sender, membership)
            case "ready" if membership.me == membership.first:
                self._ready(frame.ready, sender)
            case "probe" if sender == membership.first:
                # Progress has the answer.
                pass
            case "start" if sender == membership.first:
                self._start(frame.start, membership)
            case "finish":
                self._finish(frame.finish, sender)
            case "leave":
                self.incoming[sender].left = True
                self._changed()
            case other:
                raise Refusal(f"{sender} must not send {other} here")

    def _message(self, frame: vm_pb2.Message, sender: str, membership: Membership) -> None:
        if self._closed:
            raise Refusal(f"{self._name} is not running", StatusCode.UNAVAILABLE)
        message = read_message(frame, sender, membership, self._limits())
        incoming = self.incoming[sender]
        if frame.sequence < 1:
            raise Refusal(f"sequence {frame.sequence} is not 1 or more")
        if incoming.finished and frame.sequence > incoming.end.received:
            raise Refusal(f"{sender} has finished already")
        try:
            if incoming.end.accept(frame.sequence, frame.index):
                self._deliver(message)
        except SequenceGap as gap:
            raise Refusal(str(gap), StatusCode.OUT_OF_RANGE) from None
        except ValueError as error:
            raise Refusal(str(error)) from None

    def _ready(self, ready: vm_pb2.Ready, sender: str) -> None:
        if not 1 <= ready.tick_rate_hz <= MAX_TICK_RATE_HZ:
            raise Refusal(f"tick rate {ready.tick_rate_hz} of {sender}")
        self.incoming[sender].tick_rate_hz = ready.tick_rate_hz
        self._changed()

    def _start(self, start: vm_pb2.Start, membership: Membership) -> None:
        if start == self.start:
            return
        if self.start is not None:
            raise Refusal("the run has begun already", StatusCode.FAILED_PRECONDITION)
        rates = start.tick_rates_hz
        if len(rates) != len(membership.machines) or not all(
            1 <= rate <= MAX_TICK_RATE_HZ for rate in rates
        ):
            raise Refusal(f"tick rates {list(rates)}")
        offset_ns = read_wall_offsets(start, membership)[membership.me].offset_ns
        distance_ns = start.epoch_unix_ns + offset_ns - self._now_unix_ns()
        if abs(distance_ns) > MAX_EPOCH_DISTANCE_NS:
            raise Refusal(
                f"the epoch is {distance_ns / SECOND_NS:.1f} s away by the clock of {self._name};"
                " start all machines again",
                StatusCode.FAILED_PRECONDITION,
            )
        self.start = start
        self._changed()

    def _finish(self, finish: vm_pb2.Finish, sender: str) -> None:
        incoming = self.incoming[sender]
        if finish.sent != incoming.end.received:
            raise Refusal(
                f"{sender} finished after {finish.sent} messages, but {incoming.end.received} came",
                StatusCode.OUT_OF_RANGE,
            )
        incoming.finished = True
        self._changed()


def _progress(incoming: Incoming, unix_ns: int = 0) -> vm_pb2.Progress:
    return vm_pb2.Progress(
        received=incoming.end.received,
        logged=incoming.end.logged,
        finished=incoming.finished,
        unix_ns=unix_ns,
    )


async def _checked(
    frames: AsyncIterator[vm_pb2.Frame], most_bytes: int
) -> AsyncIterator[vm_pb2.Frame]:
    """Yield the frames of a stream; Refusal if one of the first two, Hello and Proof, is late, or
    if one is invalid or too large."""
    for limit_s in chain((STRANGER_S, STRANGER_S), repeat(None)):
        try:
            async with asyncio.timeout(limit_s):
                frame = await anext(frames)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refusal(f"no frame came in {limit_s} s", StatusCode.UNAVAILABLE) from None
        except DecodeError:
            raise Refusal("this is no frame") from None
        check_size(frame, most_bytes)
        yield frame
