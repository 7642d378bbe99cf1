"""Streams without the run's key: refused, counted, without effect; and streams with encryption."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from grpc import StatusCode

from loopback import connected, free_ports, own_address, served, speak
from orchestrator.keys import new_certificate, new_secret
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire import service as service_module
from vm.host.wire.authentication import challenge, channel_to, check_address, proof_of, with_nonce
from vm.host.wire.frames import MAX_FRAME_BYTES, Limits, Membership, Refusal, message_frame
from vm.host.wire.key import NO_KEY, Key
from vm.host.wire.outgoing import Outgoing
from vm.host.wire.server import serving
from vm.host.wire.service import Service
from vm.records import Message
from vm.spec import Spec

KEY, OTHER = Key(new_secret()), Key(new_secret())
LIMIT_S = 20
MACHINES, CLOCKS = ("vm1", "vm2"), ("lamport",)
HELLO = Membership("test", "vm2", MACHINES, CLOCKS).hello("vm1", seed=1)


def message(sequence: int) -> vm_pb2.Frame:
    index = sequence - 1
    return message_frame(sequence, Message("vm2", "vm1", index, {"lamport": sequence}))


FORGED = {
    "message": message(1),
    "ready": vm_pb2.Frame(ready=vm_pb2.Ready(tick_rate_hz=9999)),
    "start": vm_pb2.Frame(start=vm_pb2.Start(tick_rates_hz=[1, 1])),
    "finish": vm_pb2.Frame(finish=vm_pb2.Finish(sent=0)),
    "leave": vm_pb2.Frame(leave=vm_pb2.Leave()),
    "hello": HELLO,
    "no proof": vm_pb2.Frame(proof=vm_pb2.Proof()),
    "a guess": vm_pb2.Frame(proof=vm_pb2.Proof(proof=bytes(32))),
}


class Receiver:
    """vm1 as its peers see it, and the messages that it took."""

    def __init__(self, key: Key = KEY) -> None:
        self.delivered: list[int] = []
        self.key = key
        self.service = Service("vm1", lambda: None, MAX_FRAME_BYTES)
        self.service.open(Membership("test", "vm1", MACHINES, CLOCKS, key), Spec())
        self.service.admit(lambda: Limits((9, 9), 0), lambda one: self.delivered.append(one.index))

    @property
    def state(self) -> tuple[object, ...]:
        """All that frames of a peer can change, but the count of refusals."""
        peer = self.service.incoming["vm2"]
        here = (peer.connected, peer.seed, peer.tick_rate_hz, peer.finished, peer.left)
        return (*here, peer.end.received, self.service.start, tuple(self.delivered))

    @asynccontextmanager
    async def there(self) -> AsyncIterator[grpc.aio.Channel]:
        (port,) = free_ports(1)
        async with served(self.service, port), connected(port) as channel:
            yield channel


async def code_of(channel: grpc.aio.Channel, frames: Iterable[vm_pb2.Frame]) -> StatusCode:
    """Return the status of a stream of just these frames."""
    call = vm_pb2_grpc.MachineStub(channel).Channel(iter(frames))
    return await code_after(call)


async def code_after(call: grpc.aio.StreamStreamCall) -> StatusCode:
    """Return the status of a stream; it is known when all answers are read."""
    with suppress(grpc.aio.AioRpcError):
        while await call.read() is not grpc.aio.EOF:
            pass
    return await call.code()


@pytest.mark.parametrize("frame", FORGED.values(), ids=list(FORGED))
def test_a_frame_in_place_of_the_proof_is_refused_and_counted(frame: vm_pb2.Frame) -> None:
    async def scenario() -> None:
        receiver = Receiver()
        before = receiver.state
        async with receiver.there() as channel:
            assert await code_of(channel, [HELLO, frame]) is StatusCode.UNAUTHENTICATED
            # gRPC may take the third frame, written after the end of the stream, for an error.
            await code_of(channel, [HELLO, frame, message(1)])
            assert (receiver.state, receiver.service.rejected) == (before, 2)

    asyncio.run(scenario())


def test_a_hello_alone_has_no_effect() -> None:
    async def scenario() -> None:
        receiver = Receiver()
        before = receiver.state
        async with receiver.there() as channel:
            assert await code_of(channel, [HELLO]) is StatusCode.UNAUTHENTICATED
            call = vm_pb2_grpc.MachineStub(channel).Channel()
            await call.write(HELLO)
            assert (await call.read()).HasField("challenge")
            assert (receiver.state, receiver.service.rejected) == (before, 1)
            call.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize("ours", [KEY, OTHER, NO_KEY], ids=["same", "other", "none"])
@pytest.mark.parametrize("theirs", [KEY, NO_KEY], ids=["key", "no key"])
def test_the_key_has_to_be_the_same(ours: Key, theirs: Key) -> None:
    async def scenario() -> None:
        receiver = Receiver(theirs)
        async with receiver.there() as channel:
            status, heard = await speak(channel, [HELLO, message(1)], ours)
        if ours == theirs:
            assert (status, receiver.delivered) == (StatusCode.OK, [0])
        else:
            assert (status, heard) == (StatusCode.UNAUTHENTICATED, [])
            assert (receiver.service.rejected, receiver.delivered) == (1, [])

    asyncio.run(scenario())


def test_the_answer_of_the_receiver_is_not_the_proof_of_a_sender() -> None:
    async def scenario() -> None:
        receiver = Receiver()
        async with receiver.there() as channel:
            call = vm_pb2_grpc.MachineStub(channel).Channel()
            await call.write(with_nonce(HELLO))
            proof = (await call.read()).challenge.proof
            await call.write(vm_pb2.Frame(proof=vm_pb2.Proof(proof=proof)))
            assert await code_after(call) is StatusCode.UNAUTHENTICATED

    asyncio.run(scenario())


def test_a_recorded_stream_proves_nothing_when_it_is_repeated() -> None:
    async def scenario() -> None:
        receiver, recorded = Receiver(), list[vm_pb2.Frame]()
        async with receiver.there() as channel:
            call = vm_pb2_grpc.MachineStub(channel).Channel()
            recorded.append(hello := with_nonce(HELLO))
            await call.write(hello)
            recorded.append(proof_of(hello.hello, (await call.read()).challenge, KEY))
            recorded += [message(1), message(2)]
            for frame in recorded[1:]:
                await call.write(frame)
            await call.done_writing()
            assert await code_after(call) is StatusCode.OK
            # Without the first entry: the receiver may note the end of the stream later.
            before = receiver.state[1:]
            assert receiver.delivered == [0, 1]
            assert await code_of(channel, recorded[:2]) is StatusCode.UNAUTHENTICATED
            await code_of(channel, [*recorded, message(3)])
            assert (receiver.state[1:], receiver.service.rejected) == (before, 2)

    asyncio.run(scenario())


async def opened(channel: grpc.aio.Channel) -> grpc.aio.StreamStreamCall:
    """Open a stream of vm2, which has its place when this returns."""
    call = vm_pb2_grpc.MachineStub(channel).Channel()
    await call.write(hello := with_nonce(HELLO))
    await call.write(proof_of(hello.hello, (await call.read()).challenge, KEY))
    assert not (await call.read()).HasField("challenge")
    return call


def test_a_second_stream_does_not_displace_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "TAKEN_S", 0.1)

    async def scenario() -> None:
        receiver = Receiver()
        async with receiver.there() as channel:
            first = await opened(channel)
            status, heard = await speak(channel, [HELLO, message(1)], KEY)
            assert (status, heard) == (StatusCode.ALREADY_EXISTS, [])
            assert (receiver.delivered, receiver.service.rejected) == ([], 1)
            await first.write(message(1))
            assert (await first.read()).received == 1
            first.cancel()

    asyncio.run(scenario())


def test_a_second_stream_takes_the_place_when_the_first_is_cut() -> None:
    async def scenario() -> None:
        receiver = Receiver()
        async with receiver.there() as channel:
            first = await opened(channel)
            second = asyncio.create_task(speak(channel, [HELLO, message(1)], KEY))
            await asyncio.wait([second], timeout=0.2)
            assert not second.done()
            first.cancel()
            status, heard = await second
            assert (status, [progress.received for progress in heard]) == (StatusCode.OK, [0, 1])
            assert receiver.service.rejected == 0

    asyncio.run(scenario())


class Impostor(vm_pb2_grpc.MachineServicer):
    """A program at a peer's address, with another key; notes what it gets."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.heard: list[str] = []

    async def Channel(  # noqa: N802
        self, frames: AsyncIterator[vm_pb2.Frame], context: object
    ) -> AsyncIterator[vm_pb2.Progress]:
        async for frame in frames:
            self.heard.append(frame.WhichOneof("frame") or "")
            if frame.HasField("hello"):
                yield vm_pb2.Progress(challenge=challenge(frame.hello, self.key))
            else:
                yield vm_pb2.Progress()


@pytest.mark.parametrize("theirs", [OTHER, NO_KEY], ids=["other key", "no key"])
def test_a_program_at_the_address_of_a_peer_gets_no_message(theirs: Key) -> None:
    impostor = Impostor(theirs)

    async def scenario() -> str:
        (port,) = free_ports(1)
        outgoing = Outgoing(f"127.0.0.1:{port}", HELLO, lambda: None, KEY)
        outgoing.send(Message("vm2", "vm1", 0, {"lamport": 1}))
        async with asyncio.timeout(LIMIT_S), served(impostor, port):
            await outgoing.run()
        assert not outgoing.connected
        return outgoing.refusal

    refusal = "it does not prove that it has the key of this run; give all machines of the run"
    assert asyncio.run(scenario()) == f"{refusal} the same --key FILE"
    assert impostor.heard == ["hello"]


def test_a_program_at_the_address_of_a_lost_peer_does_not_end_the_channel() -> None:
    receiver, impostor = Receiver(), Impostor(OTHER)
    changed = asyncio.Event()

    async def scenario() -> None:
        (port,) = free_ports(1)
        outgoing = Outgoing(f"127.0.0.1:{port}", HELLO, changed.set, KEY)
        async with served(receiver.service, port):
            carrier = asyncio.create_task(outgoing.run())
            while not outgoing.connected:
                changed.clear()
                await changed.wait()
        async with served(impostor, port):
            while not impostor.heard:
                changed.clear()
                await changed.wait()
        outgoing.send(Message("vm2", "vm1", 0, {"lamport": 1}))
        async with served(receiver.service, port):
            while outgoing.end.received < 1:
                changed.clear()
                await changed.wait()
            outgoing.leave()
            await carrier
        assert outgoing.refusal == ""

    asyncio.run(asyncio.wait_for(scenario(), LIMIT_S))
    assert receiver.delivered == [0]
    assert set(impostor.heard) == {"hello"}


@pytest.mark.parametrize(
    ("peer", "key", "is_accepted"),
    [
        ("ipv4:127.0.0.1:50123", NO_KEY, True),
        ("ipv4:127.8.8.8:50123", NO_KEY, True),
        ("ipv6:%5B::1%5D:50123", NO_KEY, True),
        ("ipv6:%5B::ffff:127.0.0.1%5D:50123", NO_KEY, True),
        ("ipv4:10.0.0.1:50123", NO_KEY, False),
        ("ipv6:%5B::ffff:10.0.0.1%5D:50123", NO_KEY, False),
        ("ipv6:%5Bfe80::1%25eth0%5D:50123", NO_KEY, False),
        ("unknown", NO_KEY, False),
        ("ipv4:10.0.0.1:50123", KEY, True),
    ],
)
def test_without_a_key_only_this_computer_connects(peer: str, key: Key, is_accepted: bool) -> None:
    if is_accepted:
        check_address(peer, key)
        return
    with pytest.raises(Refusal, match=r"`vklocks key FILE` makes one; .* the same --key FILE$"):
        check_address(peer, key)


def test_a_machine_without_a_key_accepts_this_computer_only() -> None:
    if not (address := own_address()):
        pytest.skip("this computer has loopback only")

    async def scenario() -> None:
        receiver = Receiver(NO_KEY)
        (port,) = free_ports(1)
        async with serving(receiver.service, "[::]", port, NO_KEY):
            async with channel_to(f"{address}:{port}", NO_KEY) as channel:
                status, heard = await speak(channel, [HELLO, message(1)])
            assert (status, heard) == (StatusCode.UNAUTHENTICATED, [])
            assert (receiver.delivered, receiver.service.rejected) == ([], 1)
            async with channel_to(f"localhost:{port}", NO_KEY) as channel:
                assert (await speak(channel, [HELLO, message(1)]))[0] is StatusCode.OK
        assert receiver.delivered == [0]

    asyncio.run(scenario())


def test_a_certificate_encrypts_and_others_are_not_connected() -> None:
    key, other = Key(new_certificate()), Key(new_certificate())

    async def scenario() -> None:
        receiver = Receiver(key)
        (port,) = free_ports(1)
        address = f"127.0.0.1:{port}"
        async with serving(receiver.service, "127.0.0.1", port, key):
            async with channel_to(address, key) as channel:
                assert (await speak(channel, [HELLO, message(1)], key))[0] is StatusCode.OK
            for wrong in (other, NO_KEY):
                async with channel_to(address, wrong) as channel:
                    status, heard = await speak(channel, [HELLO, message(2)], wrong)
                    assert (status, heard) == (StatusCode.UNAVAILABLE, [])
            # Encrypted by a program that knows the certificate, but no private key.
            async with channel_to(address, key) as channel:
                assert (await speak(channel, [HELLO], other))[0] is StatusCode.UNAUTHENTICATED
        assert receiver.delivered == [0]

    asyncio.run(scenario())
