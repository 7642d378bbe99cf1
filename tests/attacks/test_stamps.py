"""Forged stamps of every clock, on a machine's port: refused and counted, or right."""

import asyncio
from collections.abc import Callable
from random import Random

import grpc

from loopback import connected, free_ports, served, speak
from orchestrator.virtual.simulation import simulate
from vm.clocks import CLOCKS, clock_of
from vm.host.generated import vm_pb2
from vm.host.wire.frames import Limits, Membership, max_frame_bytes, message_frame
from vm.host.wire.service import Service
from vm.machine import fresh_machine
from vm.records import Event, Message
from vm.spec import Spec

SPEC = Spec.parse({"clocks": list(CLOCKS), "duration_s": 20, "seed": 5, "workload": "tight"})
MEMBERSHIP = Membership("test", "vm1", SPEC.machines, SPEC.clocks)
LIMITS = Limits(SPEC.most_events(), SPEC.duration_ns)


def sent_messages() -> list[Message]:
    """Return the messages of vm2 to vm1 in a run."""
    events = [event for event in simulate(SPEC, "test")["vm2"] if isinstance(event, Event)]
    recovered = fresh_machine(SPEC, "vm2").recover(events)
    return [m for _, messages in recovered for m in messages if m.receiver == "vm1"]


def forged(random: Random, message: Message) -> vm_pb2.Message:
    """Change the stamp of one clock of a message."""
    frame = message_frame(1, message).message
    place = random.randrange(len(frame.stamps))
    frame.stamps[place] = _changed(random, frame.stamps[place])
    return frame


def _changed(random: Random, stamp: bytes) -> bytes:
    at = random.randrange(len(stamp) + 1)
    match random.randrange(5):
        case 0:
            return random.randbytes(random.randint(0, 24))
        case 1:
            return stamp[:at]
        case 2:
            return stamp[:at] + random.randbytes(1) + stamp[at:]
        case 3:
            return stamp[:at] + bytes([random.choice((0, 1, 0x7F, 0x80, 0xFF))]) + stamp[at + 1 :]
        case _:
            return stamp[:at] + random.randbytes(3) + stamp[at + 3 :]


def test_fuzzed_stamps(attack_seed: int, attacks: Callable[[int, int], int]) -> None:
    random, messages = Random(attack_seed), sent_messages()
    frames = [forged(random, random.choice(messages)) for _ in range(attacks(300, 10_000))]
    asyncio.run(_attack(frames))


async def _attack(frames: list[vm_pb2.Message]) -> None:
    delivered = list[Message]()
    limit = max_frame_bytes(SPEC.clocks, len(SPEC.machines))
    service = Service("vm1", lambda: None, limit)
    # Without an order of events, as the frames are of any.
    service.open(MEMBERSHIP, Spec(machines=SPEC.machines, fifo=False))
    service.admit(lambda: LIMITS, delivered.append)
    hello = vm_pb2.Frame(
        hello=vm_pb2.Hello(
            run="test",
            sender="vm2",
            receiver="vm1",
            machines=SPEC.machines,
            clocks=SPEC.clocks,
        )
    )
    (port,) = free_ports(1)
    async with served(service, port), connected(port) as channel:
        for frame in frames:
            before, rejected = len(delivered), service.rejected
            frame.sequence = before + 1
            status, heard = await speak(channel, [hello, vm_pb2.Frame(message=frame)])
            received = [progress.received for progress in heard]
            assert received[0] == before
            if status is grpc.StatusCode.OK:
                assert received[1:] == [before + 1]
                stamps = delivered[before].stamps.items()
                assert [clock_of(name).encode(s) for name, s in stamps] == [*frame.stamps]
            else:
                assert status is grpc.StatusCode.INVALID_ARGUMENT
                assert received[1:] == []
                assert (len(delivered), service.rejected) == (before, rejected + 1)
    assert service.rejected > len(frames) // 3
    _live_on(delivered)


def _live_on(delivered: list[Message]) -> None:
    """Let a machine receive the accepted stamps, which it cannot tell from right ones."""
    for message in delivered:
        machine = fresh_machine(SPEC, "vm1")
        machine.deliver(message, 0)
        event, _ = machine.tick(0, 0, 0)
        assert event.kind == "receive"
