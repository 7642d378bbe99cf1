"""Attacks on the port of a machine, during a run that must then be exact.

Three machines run as processes on loopback. Strangers send bytes, HTTP/2 frames and messages to
them, forge and repeat streams, open thousands of them and do not read. They know all but the run's
key; the frames of one that knows it, too, could not be of the run.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Thread

import grpc
import pytest
from google.protobuf.message import DecodeError

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from loopback import free_ports, proof_after, read_log
from orchestrator.keys import new_secret
from relay import LOOPBACK, Relay
from stranger.flooding import fuzz, mutated, say, unfinished
from stranger.forging import FRAMES, PROOFS, code_of, forge, forge_all
from stranger.http2 import (
    CHANNEL,
    DATA,
    PATHS,
    PING,
    PREFACE,
    RST,
    SETTINGS,
    call,
    frame,
    length_prefixed,
)
from stranger.ports import Port, identities
from vm.host.generated import vm_pb2
from vm.host.wire.key import Key
from vm.records import Stop

ROOT = Path(__file__).parents[2]
NAMES = ("vm1", "vm2", "vm3")
MAX_MEMORY_KB = 100 * 1000
LIMIT_S = 60
RUN = "attacked"
#: Of one sender to one receiver, with two seeds.
FORGERIES = 2 * len(FRAMES) * len(PROOFS)
REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED)


@dataclass
class Attacked:
    """Three machines that run until `end`, and their ports.

    The connection from vm2 to vm1 leads through the relay.
    """

    log: Path
    key: Key
    relay: Relay
    ports: dict[str, Port]
    processes: dict[str, subprocess.Popen[str]]
    receives: dict[str, SimpleQueue[str]]

    def goes_on(self) -> None:
        """Assert that each machine receives another message."""
        for lines in self.receives.values():
            for _ in range(lines.qsize() + 1):
                lines.get(timeout=LIMIT_S)

    def answers(self) -> None:
        """Assert that every port still serves calls."""
        assert identities(self.ports.values()) == list(NAMES)

    def prove(self, hello: vm_pb2.Hello, challenge: vm_pb2.Challenge) -> bytes:
        """Return the proof of a stranger that has the key."""
        return proof_after(hello, challenge, self.key).proof.proof

    def rejected(self) -> dict[str, int]:
        """Return the refused frames that the machines counted, after the end."""
        stops = {name: read_log(self.log / f"{name}.jsonl")[-1] for name in NAMES}
        return {name: stop.rejected for name, stop in stops.items() if isinstance(stop, Stop)}

    def end(self) -> None:
        """Assert that the run ends in time, is exact, and that nothing was printed about it."""
        self.answers()
        self.goes_on()
        peaks_kb = {name: _peak_kb(process.pid) for name, process in self.processes.items()}
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(LIMIT_S)
        errors = {
            name: process.stderr.read()
            for name, process in self.processes.items()
            if process.stderr
        }
        assert {name: error for name, error in errors.items() if error} == {}
        assert [process.returncode for process in self.processes.values()] == [0, 0, 0]
        assert max(peaks_kb.values()) < MAX_MEMORY_KB, peaks_kb
        verdict = evaluate(load(self.log)).verdict
        assert verdict.state == "holds", verdict
        assert verdict.account
        assert verdict.account.received > 0
        assert verdict.account.undelivered == 0


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[Attacked]:
    with _begun(tmp_path) as (started, start):
        for name in NAMES:
            start(name)
        started.goes_on()
        yield started


@contextmanager
def _begun(log: Path) -> Iterator[tuple[Attacked, Callable[[str], None]]]:
    """Yield a run, and the function that starts one of its machines."""
    *ports, relay_port = free_ports(len(NAMES) + 1)
    key = Key(new_secret())
    (log / "key").write_bytes(key.content)
    with ExitStack() as stack:
        relay = stack.enter_context(Relay(relay_port, ports[0]))
        reached = {name: Port(LOOPBACK, port) for name, port in zip(NAMES, ports, strict=True)}
        attacked = Attacked(log, key, relay, reached, {}, {})

        def start(name: str) -> None:
            process = stack.enter_context(_machine(name, attacked))
            stack.callback(process.kill)
            lines = SimpleQueue[str]()
            Thread(target=_follow, args=(process, lines), daemon=True).start()
            attacked.processes[name], attacked.receives[name] = process, lines

        yield attacked, start


def _machine(name: str, attacked: Attacked) -> subprocess.Popen[str]:
    numbers = {peer: port.number for peer, port in attacked.ports.items()}
    if name == "vm2":
        numbers["vm1"] = attacked.relay.port
    peers = ",".join(f"{peer}={LOOPBACK}:{numbers[peer]}" for peer in NAMES if peer != name)
    options = ["--port", attacked.ports[name].number, "--peers", peers, "--log", attacked.log]
    options += ["--run", RUN, "--seed", 1, "--key", attacked.log / "key"]
    options += ["--duration", 3600, "--startup", LIMIT_S, "--ticks", "20-40", "--workload", "tight"]
    return subprocess.Popen(
        [sys.executable, "-m", "vm", name, *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _follow(process: subprocess.Popen[str], receives: SimpleQueue[str]) -> None:
    """Read what a machine prints, so that it never waits for a reader."""
    assert process.stdout
    for line in process.stdout:
        if " receive " in line:
            receives.put(line)


def _peak_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1])


def _hello(**changes: object) -> vm_pb2.Frame:
    fields = {"run": RUN, "sender": "vm2", "receiver": "vm1", "machines": NAMES, "seed": 1}
    return vm_pb2.Frame(hello=vm_pb2.Hello(**(fields | {"clocks": ["lamport"]} | changes)))


def test_fuzzed_frames(
    attacked: Attacked, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    fuzz(list(attacked.ports.values()), attack_seed, attacks(2_000, 100_000))
    attacked.end()


def _is_refused(frame: bytes) -> bool:
    """Whether a machine must refuse a frame after a Hello; others could be a peer's own words."""
    try:
        read = vm_pb2.Frame.FromString(frame)
    except DecodeError:
        return True
    match read.WhichOneof("frame"):
        case "message":
            return not 0 <= read.message.index < 10**6
        case "finish":
            return not 0 <= read.finish.sent < 10**6
        case "hello" | "start" | None:
            return True
        case _:
            return False


def _fuzzed_message(random: Random) -> bytes:
    stamps = [random.randbytes(random.randint(0, 12))]
    index = random.choice((-1, 10**6, 2**62))
    message = vm_pb2.Message(sequence=random.randint(-1, 9), index=index, stamps=stamps)
    valid = random.choice((_hello(), vm_pb2.Frame(message=message), vm_pb2.Frame()))
    return mutated(random, valid.SerializeToString())


def test_fuzzed_messages(
    attacked: Attacked, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    """On real streams to vm1 with the key, in the place of vm2, whose connection is cut."""
    random, hello, count = Random(attack_seed), _hello(), 0

    attacked.relay.cut()
    with attacked.ports["vm1"].channel() as channel:
        for _ in range(attacks(500, 20_000)):
            if _is_refused(said := _fuzzed_message(random)):
                assert code_of(channel, hello, [said], attacked.prove) in REFUSED
                count += 1
    attacked.relay.mend()
    attacked.end()
    assert attacked.rejected() == {"vm1": count, "vm2": 0, "vm3": 0}


def test_forged_streams(attacked: Attacked) -> None:
    codes = forge_all(RUN, attacked.ports)
    assert codes == {name: {"UNAUTHENTICATED": 2 * FORGERIES} for name in NAMES}
    attacked.end()
    assert attacked.rejected() == dict.fromkeys(NAMES, 2 * FORGERIES)


def test_forged_streams_before_the_start(tmp_path: Path) -> None:
    """In the name of a machine that is missing: another rate or seed, or two starts."""
    with _begun(tmp_path) as (attacked, start):
        start("vm1")
        start("vm2")
        for receiver, sender in (("vm1", "vm3"), ("vm2", "vm3"), ("vm2", "vm1")):
            codes = forge(RUN, attacked.ports, receiver, sender)
            assert codes == {"UNAUTHENTICATED": FORGERIES}
        start("vm3")
        attacked.goes_on()
        attacked.end()
        assert attacked.rejected() == {"vm1": FORGERIES, "vm2": 2 * FORGERIES, "vm3": 0}


def test_repeated_traffic(attacked: Attacked) -> None:
    """A whole connection from vm2 to vm1, its proof and all, sent again."""
    recorded = attacked.relay.recorded()[0]
    for _ in range(3):
        with attacked.ports["vm1"].connect() as peer:
            peer.sendall(recorded)
            while peer.recv(65536):
                pass
    attacked.end()
    assert attacked.rejected() == {"vm1": 3, "vm2": 0, "vm3": 0}


def test_a_second_vm2_with_the_key(attacked: Attacked) -> None:
    with attacked.ports["vm1"].channel() as channel:
        for frame in (FRAMES["finish"], FRAMES["leave"]):
            assert (
                code_of(channel, _hello(), [frame.SerializeToString()], attacked.prove)
                is grpc.StatusCode.ALREADY_EXISTS
            )
    attacked.end()
    assert attacked.rejected() == {"vm1": 2, "vm2": 0, "vm3": 0}


def test_the_same_frame_again_and_again(
    attacked: Attacked, attacks: Callable[[int, int], int]
) -> None:
    """Calls of methods whose names are not UTF-8, for which `grpc.aio` ends its server."""
    calls = b"".join(call(b"/\x91", stream, 5) for stream in range(1, 200, 2))
    for _ in range(attacks(20, 500)):
        for port in attacked.ports.values():
            say(port, PREFACE + frame(SETTINGS, 0, 0) + calls)
    attacked.end()


def test_two_thousand_streams(attacked: Attacked, attacks: Callable[[int, int], int]) -> None:
    """Two on each connection, all of which begin a frame and leave it unfinished."""
    unfinished(list(attacked.ports.values()), attacks(150, 1_000))
    attacked.end()


def test_slow_readers(attacked: Attacked, attacks: Callable[[int, int], int]) -> None:
    """Connections that ask for answers until they may not write any more, and read none."""
    question = length_prefixed(b"\x3a\0")
    reflection = PATHS[4]
    asked = {
        "pings": frame(PING, 0, 0, bytes(8)) * 1000,
        "settings": frame(SETTINGS, 0, 0) * 1000,
        "calls": b"".join(call(PATHS[1], stream, 5) for stream in range(3, 1000, 2)),
        "services": frame(DATA, 0, 1, question) * 500,
        "resets": b"".join(
            call(CHANNEL, stream) + frame(RST, 0, stream, bytes(4)) for stream in range(3, 999, 2)
        ),
    }
    with ExitStack() as stack:
        for _ in range(attacks(3, 30)):
            for said in asked.values():
                peer = stack.enter_context(attacked.ports["vm1"].connect())
                peer.settimeout(0.2)
                try:
                    peer.sendall(PREFACE + frame(SETTINGS, 0, 0) + call(reflection))
                    for _ in range(100):
                        peer.sendall(said)
                except OSError:
                    # Nothing more is taken, or the connection has been closed for it.
                    continue
        attacked.answers()
    attacked.end()
