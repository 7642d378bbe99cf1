"""Forged streams: all that a peer could say, with false proofs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from queue import Queue

import grpc

from stranger.ports import LIMIT_S, Port
from vm.host.generated import vm_pb2

CHANNEL = "/vklocks.v2.Machine/Channel"
#: Clocks and seed of the runs that are attacked.
CLOCKS, SEED = ("lamport",), 1

Prove = Callable[[vm_pb2.Hello, vm_pb2.Challenge], bytes]

#: Frames after a Hello; each would be accepted from a peer, at least at some time of a run.
FRAMES: dict[str, vm_pb2.Frame] = {
    "message": vm_pb2.Frame(message=vm_pb2.Message(sequence=1, index=0, stamps=[b"\1"])),
    "ready": vm_pb2.Frame(ready=vm_pb2.Ready(tick_rate_hz=9999)),
    "finish": vm_pb2.Frame(finish=vm_pb2.Finish(sent=0)),
    "leave": vm_pb2.Frame(leave=vm_pb2.Leave()),
    "start": vm_pb2.Frame(start=vm_pb2.Start(epoch_unix_ns=1, tick_rates_hz=[9999] * 3)),
}
#: False proofs; None leaves it out.
PROOFS: dict[str, Prove | None] = {
    "none": None,
    "empty": lambda hello, challenge: b"",
    "guess": lambda hello, challenge: bytes(32),
    "reflection": lambda hello, challenge: challenge.proof,
}


def hello(
    run: str, machines: Sequence[str], sender: str, receiver: str, seed: int = SEED
) -> vm_pb2.Frame:
    return vm_pb2.Frame(
        hello=vm_pb2.Hello(
            run=run,
            sender=sender,
            receiver=receiver,
            machines=machines,
            clocks=CLOCKS,
            seed=seed,
            nonce=bytes(32),
        )
    )


def code_of(
    channel: grpc.Channel,
    first: vm_pb2.Frame,
    frames: Sequence[bytes],
    prove: Prove | None,
    *,
    waits: bool = True,
) -> grpc.StatusCode:
    """Return how a stream ends that says a Hello, the answer to the challenge, and more.

    It `waits` for a connection, or ends with the first attempt to connect.
    """
    answers = Queue[vm_pb2.Progress | None]()

    def said() -> Iterator[bytes]:
        yield first.SerializeToString()
        if (answer := answers.get(timeout=LIMIT_S)) and prove:
            proof = prove(first.hello, answer.challenge)
            yield vm_pb2.Frame(proof=vm_pb2.Proof(proof=proof)).SerializeToString()
        yield from frames

    try:
        call = channel.stream_stream(CHANNEL)
        for progress in call(said(), timeout=LIMIT_S, wait_for_ready=waits):
            answers.put(vm_pb2.Progress.FromString(progress))
    except grpc.RpcError as error:
        return error.code()
    finally:
        answers.put(None)
    return grpc.StatusCode.OK


def forge(
    run: str, ports: Mapping[str, Port], receiver: str, sender: str, *, waits: bool = True
) -> Counter[str]:
    """Try each frame after each false proof, and Hello with another seed; count the statuses."""
    codes = Counter[str]()
    with ports[receiver].channel() as channel:
        for seed in (SEED, 99):
            first = hello(run, list(ports), sender, receiver, seed)
            for frame in FRAMES.values():
                for prove in PROOFS.values():
                    said = [frame.SerializeToString()]
                    codes[code_of(channel, first, said, prove, waits=waits).name] += 1
    return codes


def forge_all(
    run: str, ports: Mapping[str, Port], *, waits: bool = True
) -> dict[str, Counter[str]]:
    """Forge streams to each machine, in the name of each other one."""
    codes = {receiver: Counter[str]() for receiver in ports}
    for receiver, sender in permutations(ports, 2):
        codes[receiver] += forge(run, ports, receiver, sender, waits=waits)
    return codes
