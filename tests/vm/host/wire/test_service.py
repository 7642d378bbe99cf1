"""What is refused on the wire, with which status, and that it changes nothing."""

import asyncio

import grpc
import pytest

from loopback import connected, free_ports, served, speak
from vm.clocks.encoding import encode_numbers
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.authentication import proof_of, with_nonce
from vm.host.wire.frames import (
    MAX_FRAME_BYTES,
    WIRE_MARGIN_BYTES,
    Limits,
    Membership,
    message_frame,
)
from vm.host.wire.key import NO_KEY
from vm.host.wire.outgoing import PROBE
from vm.host.wire.service import Service
from vm.records import Message
from vm.spec import MAX_SEED, Spec

MEMBERSHIP = Membership("test", "vm1", ("vm1", "vm2", "vm3"), ("lamport", "vector"))
#: As if vm1 had had 5 events, and vm2 and vm3 at most 10 and 20.
LIMITS = Limits((5, 10, 20), physical_ns=10**9)


def hello(**changes: object) -> vm_pb2.Frame:
    fields = {
        "run": "test",
        "sender": "vm2",
        "receiver": "vm1",
        "machines": MEMBERSHIP.machines,
        "clocks": MEMBERSHIP.clocks,
        "seed": 1,
    }
    return vm_pb2.Frame(hello=vm_pb2.Hello(**(fields | changes)))


def message(
    sequence: int = 1,
    index: int = 0,
    lamport: tuple[int, ...] = (1,),
    vector: tuple[int, ...] = (0, 1, 0),
    stamps: tuple[bytes, ...] = (),
) -> vm_pb2.Frame:
    stamps = stamps or (encode_numbers(lamport), encode_numbers(vector))
    return vm_pb2.Frame(message=vm_pb2.Message(sequence=sequence, index=index, stamps=stamps))


def ready(tick_rate_hz: int) -> vm_pb2.Frame:
    return vm_pb2.Frame(ready=vm_pb2.Ready(tick_rate_hz=tick_rate_hz))


def start(**changes: object) -> vm_pb2.Frame:
    return vm_pb2.Frame(start=vm_pb2.Start(**changes))


def finish(sent: int) -> vm_pb2.Frame:
    return vm_pb2.Frame(finish=vm_pb2.Finish(sent=sent))


def oversized(size: int) -> vm_pb2.Frame:
    return hello(run="x" * size)


class Receiver:
    """vm1 as its peers see it, with all that it took."""

    def __init__(self, membership: Membership = MEMBERSHIP) -> None:
        self.delivered: list[Message] = []
        self.service = Service("vm1", lambda: None, MAX_FRAME_BYTES, lambda: NOW_NS)
        self.service.open(membership, Spec())
        self.service.admit(lambda: LIMITS, self.delivered.append)

    async def take(self, *frames: vm_pb2.Frame) -> tuple[grpc.StatusCode, list[int]]:
        """Send frames on one stream; the status it ends with, and the progress until then."""
        status, answers = await self.answer(*frames)
        return status, [progress.received for progress in answers]

    async def unix_ns(self, *frames: vm_pb2.Frame) -> list[int]:
        return [progress.unix_ns for progress in (await self.answer(*frames))[1]]

    async def answer(self, *frames: vm_pb2.Frame) -> tuple[grpc.StatusCode, list[vm_pb2.Progress]]:
        (port,) = free_ports(1)
        async with served(self.service, port), connected(port) as channel:
            return await speak(channel, frames)


def test_messages_are_taken_once_and_in_order() -> None:
    receiver = Receiver()
    first, second = message(1, 0), message(2, 3, (4,), (0, 4, 0))
    status, received = asyncio.run(receiver.take(hello(), first, second, first, second))
    assert (status, received) == (grpc.StatusCode.OK, [0, 1, 2, 2, 2])
    assert receiver.delivered == [
        Message("vm2", "vm1", 0, {"lamport": 1, "vector": (0, 1, 0)}),
        Message("vm2", "vm1", 3, {"lamport": 4, "vector": (0, 4, 0)}),
    ]
    status, received = asyncio.run(
        receiver.take(hello(), message(3, 9, (35,), (5, 10, 20)), finish(3))
    )
    assert (status, received) == (grpc.StatusCode.OK, [2, 3, 3])
    assert receiver.service.incoming["vm2"].finished
    assert receiver.service.rejected == 0


def test_a_peer_is_told_what_has_arrived_and_what_is_logged() -> None:
    async def scenario() -> list[tuple[int, int]]:
        receiver = Receiver()
        (port,) = free_ports(1)
        async with served(receiver.service, port), connected(port) as channel:
            call = vm_pb2_grpc.MachineStub(channel).Channel()
            heard = []
            await call.write(said := with_nonce(hello()))
            proof = proof_of(said.hello, (await call.read()).challenge, NO_KEY)
            frames = [proof, message(1, 0), message(2, 3, (4,), (0, 4, 0)), message(2, 3)]
            for frame in frames:
                await call.write(frame)
                progress = await call.read()
                heard.append((progress.received, progress.logged))
                if progress.received == 2:
                    receiver.service.incoming["vm2"].end.log()
        return heard

    assert asyncio.run(scenario()) == [(0, 0), (1, 0), (2, 0), (2, 1)]


def test_who_leaves_is_let_go() -> None:
    receiver = Receiver()
    leave = vm_pb2.Frame(leave=vm_pb2.Leave())
    status, received = asyncio.run(receiver.take(hello(), message(), finish(1), leave))
    assert (status, received) == (grpc.StatusCode.OK, [0, 1, 1, 1])
    assert receiver.service.incoming["vm2"].left


CODE = grpc.StatusCode
REFUSED: dict[str, tuple[grpc.StatusCode, list[vm_pb2.Frame]]] = {
    "unknown sender": (CODE.PERMISSION_DENIED, [hello(sender="vm4")]),
    "itself as sender": (CODE.PERMISSION_DENIED, [hello(sender="vm1")]),
    "wrong receiver": (CODE.NOT_FOUND, [hello(receiver="vm3")]),
    "another run": (CODE.FAILED_PRECONDITION, [hello(run="other")]),
    "other machines": (CODE.FAILED_PRECONDITION, [hello(machines=["vm1", "vm2"])]),
    "other clocks": (CODE.FAILED_PRECONDITION, [hello(clocks=["lamport"])]),
    "negative seed": (CODE.INVALID_ARGUMENT, [hello(seed=-1)]),
    "no hello": (CODE.INVALID_ARGUMENT, [message()]),
    "empty frame": (CODE.INVALID_ARGUMENT, [vm_pb2.Frame()]),
    "second hello": (CODE.INVALID_ARGUMENT, [hello(), hello()]),
    "empty frame later": (CODE.INVALID_ARGUMENT, [hello(), vm_pb2.Frame()]),
    "sequence gap": (CODE.OUT_OF_RANGE, [hello(), message(2)]),
    "sequence zero": (CODE.INVALID_ARGUMENT, [hello(), message(0)]),
    "negative sequence": (CODE.INVALID_ARGUMENT, [hello(), message(-1)]),
    "negative index": (CODE.INVALID_ARGUMENT, [hello(), message(index=-1)]),
    "index from the future": (CODE.INVALID_ARGUMENT, [hello(), message(index=10)]),
    "torn stamp": (CODE.INVALID_ARGUMENT, [hello(), message(stamps=(b"\x80", b"\0\1\0"))]),
    "timestamp zero": (CODE.INVALID_ARGUMENT, [hello(), message(lamport=(0,))]),
    "two numbers for one": (CODE.INVALID_ARGUMENT, [hello(), message(lamport=(1, 1))]),
    "no number": (CODE.INVALID_ARGUMENT, [hello(), message(lamport=())]),
    "lamport beyond all ticks": (CODE.INVALID_ARGUMENT, [hello(), message(lamport=(36,))]),
    "largest number": (CODE.INVALID_ARGUMENT, [hello(), message(lamport=(2**63 - 1,))]),
    "vector too short": (CODE.INVALID_ARGUMENT, [hello(), message(vector=(0, 1))]),
    "no component of the sender": (CODE.INVALID_ARGUMENT, [hello(), message(vector=(1, 0, 0))]),
    "receiver's own future": (CODE.INVALID_ARGUMENT, [hello(), message(vector=(6, 1, 0))]),
    "third machine's future": (CODE.INVALID_ARGUMENT, [hello(), message(vector=(0, 1, 21))]),
    "a clock is missing": (
        CODE.INVALID_ARGUMENT,
        [
            hello(),
            vm_pb2.Frame(message=vm_pb2.Message(sequence=1, stamps=[encode_numbers([1])])),
        ],
    ),
    "oversized": (CODE.RESOURCE_EXHAUSTED, [oversized(MAX_FRAME_BYTES)]),
    "oversized later": (
        CODE.RESOURCE_EXHAUSTED,
        [hello(), oversized(MAX_FRAME_BYTES + WIRE_MARGIN_BYTES - 100)],
    ),
    "finish before its messages": (CODE.OUT_OF_RANGE, [hello(), finish(1)]),
    "negative finish": (CODE.OUT_OF_RANGE, [hello(), finish(-1)]),
    "message after finish": (CODE.INVALID_ARGUMENT, [hello(), finish(0), message()]),
    "start from another than the first": (CODE.INVALID_ARGUMENT, [hello(), start()]),
    "tick rate zero": (CODE.INVALID_ARGUMENT, [hello(), ready(0)]),
    "tick rate absurd": (CODE.INVALID_ARGUMENT, [hello(), ready(1_000_000)]),
}


@pytest.mark.parametrize(("status", "frames"), REFUSED.values(), ids=list(REFUSED))
def test_refused(status: grpc.StatusCode, frames: list[vm_pb2.Frame]) -> None:
    receiver = Receiver()
    assert asyncio.run(receiver.take(*frames))[0] == status
    assert receiver.service.rejected == 1
    assert receiver.delivered == []
    assert receiver.service.incoming["vm2"].end.received == 0
    # The channel goes on as if nothing had been.
    if not receiver.service.incoming["vm2"].finished:
        assert asyncio.run(receiver.take(hello(), message()))[0] == grpc.StatusCode.OK
        assert len(receiver.delivered) == 1


def test_an_event_that_is_not_later_than_the_last_is_refused() -> None:
    receiver = Receiver()
    frames = (hello(), message(1, 3, (4,), (0, 4, 0)), message(2, 3, (4,), (0, 4, 0)))
    status, received = asyncio.run(receiver.take(*frames))
    assert (status, received) == (grpc.StatusCode.INVALID_ARGUMENT, [0, 1])
    assert len(receiver.delivered) == receiver.service.rejected == 1


#: The wall clock of vm1 in the tests below, and an epoch that is near by it.
NOW_NS = 10**18
NEAR: dict[str, object] = {
    "epoch_unix_ns": NOW_NS,
    "tick_rates_hz": [1, 1, 1],
    "wall_offsets_ns": [0, 0, 0],
    "wall_bounds_ns": [0, 0, 0],
}
DAY_NS = 24 * 3600 * 10**9
STARTS: dict[str, dict[str, object]] = {
    "epoch far away": {"epoch_unix_ns": NOW_NS + 40 * 10**9},
    "epoch far away by its own clock": {"wall_offsets_ns": [0, 40 * 10**9, 0]},
    "epoch near by the clock of another": {
        "epoch_unix_ns": NOW_NS - DAY_NS,
        "wall_offsets_ns": [0, 0, DAY_NS],
    },
    "no epoch": {"epoch_unix_ns": 0, "wall_offsets_ns": [0, NOW_NS, 0]},
    "a rate is missing": {"tick_rates_hz": [1, 1]},
    "rate zero": {"tick_rates_hz": [1, 0, 1]},
    "an offset is missing": {"wall_offsets_ns": [0, 0]},
    "a bound is missing": {"wall_bounds_ns": [0, 0]},
    "absurd offset": {"wall_offsets_ns": [0, 0, -(2**63)]},
    "negative bound": {"wall_bounds_ns": [0, 0, -1]},
    "nothing": dict.fromkeys(NEAR),
}


def not_the_first() -> Receiver:
    return Receiver(Membership("test", "vm1", ("vm0", "vm1", "vm3"), MEMBERSHIP.clocks))


def by_the_first(*frames: vm_pb2.Frame) -> tuple[vm_pb2.Frame, ...]:
    return hello(sender="vm0", machines=["vm0", "vm1", "vm3"], seed=MAX_SEED), *frames


@pytest.mark.parametrize("changes", STARTS.values(), ids=list(STARTS))
def test_a_start_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    receiver = not_the_first()
    status, _ = asyncio.run(receiver.take(*by_the_first(start(**(NEAR | changes)))))
    assert status in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
    assert receiver.service.start is None
    assert receiver.service.rejected == 1


@pytest.mark.parametrize("ahead_ns", [0, 3 * 10**9, DAY_NS, -DAY_NS])
def test_a_start_is_accepted_by_the_machines_own_clock(ahead_ns: int) -> None:
    receiver = not_the_first()
    there = NEAR | {"epoch_unix_ns": NOW_NS - ahead_ns, "wall_offsets_ns": [0, ahead_ns, 0]}
    frame = start(**there)
    assert asyncio.run(receiver.take(*by_the_first(frame, frame)))[0] == grpc.StatusCode.OK
    assert receiver.service.start == frame.start


def test_only_the_first_machine_is_answered_with_the_wall_clock() -> None:
    assert asyncio.run(not_the_first().unix_ns(*by_the_first(PROBE, start(**NEAR)))) == [
        0,
        NOW_NS,
        0,
    ]
    receiver = Receiver()
    assert asyncio.run(receiver.take(hello(), PROBE))[0] == grpc.StatusCode.INVALID_ARGUMENT
    assert receiver.service.rejected == 1


def test_a_closed_inbox_takes_nothing_and_blames_nobody() -> None:
    receiver = Receiver()
    receiver.service.close()
    assert asyncio.run(receiver.take(hello()))[0] == grpc.StatusCode.UNAVAILABLE
    assert receiver.delivered == []
    assert receiver.service.rejected == 0


def test_what_is_sent_is_what_is_taken() -> None:
    receiver = Receiver()
    sent = Message("vm2", "vm1", 7, {"lamport": 9, "vector": (5, 8, 20)})
    asyncio.run(receiver.take(hello(), message_frame(1, sent)))
    assert receiver.delivered == [sent]
