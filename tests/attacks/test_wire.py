"""Attacks on the port of a machine, during a run that must then be exact.

Three machines run as processes on loopback. Strangers send bytes, HTTP/2 frames and messages to
them, open thousands of streams and do not read. No frame that is sent could be one of the run.
"""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
from loopback import free_ports
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.frames import WIRE_MARGIN_BYTES, max_frame_bytes

ROOT = Path(__file__).parents[2]
NAMES = ("vm1", "vm2", "vm3")
MAX_MEMORY_KB = 100 * 1000
LIMIT_S = 20
RUN = "attacked"

REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4
CHANNEL = b"/vklocks.v2.Machine/Channel"
PATHS = (
    CHANNEL,
    b"/vklocks.v2.Machine/Identify",
    b"/grpc.health.v1.Health/Check",
    b"/grpc.health.v1.Health/Watch",
    b"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    b"/\x91",
    b"/vklocks.v2.Machine/\xff",
    b"",
    b"/",
)


@dataclass
class Attacked:
    """Three machines that run until `end`, and their ports."""

    log: Path
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[str]]
    receives: dict[str, SimpleQueue[str]]

    def goes_on(self) -> None:
        """Assert that each machine receives another message."""
        for lines in self.receives.values():
            for _ in range(lines.qsize() + 1):
                lines.get(timeout=LIMIT_S)

    def answers(self) -> None:
        """Assert that every port still serves calls."""
        for name, port in self.ports.items():
            with _channel(port) as channel:
                stub = vm_pb2_grpc.MachineStub(channel)
                asked = vm_pb2.IdentifyRequest()
                identity = stub.Identify(asked, timeout=LIMIT_S, wait_for_ready=True)
            assert identity.machine == name

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
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_machine(name, ports, tmp_path)) for name in NAMES}
        for process in processes.values():
            stack.callback(process.kill)
        receives = {name: SimpleQueue[str]() for name in NAMES}
        for name, process in processes.items():
            Thread(target=_follow, args=(process, receives[name]), daemon=True).start()
        started = Attacked(tmp_path, ports, processes, receives)
        started.goes_on()
        yield started


def _machine(name: str, ports: dict[str, int], log: Path) -> subprocess.Popen[str]:
    peers = ",".join(f"{peer}=127.0.0.1:{port}" for peer, port in ports.items() if peer != name)
    options = ["--port", ports[name], "--peers", peers, "--log", log, "--run", RUN, "--seed", 1]
    options += ["--duration", 3600, "--ticks", "20-40", "--workload", "tight"]
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


def _channel(port: int) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{port}", (("grpc.enable_http_proxy", 0),))


def _peak_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1])


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _headers(path: bytes) -> bytes:
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": path,
        b":authority": b"x",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
    }
    return b"".join(
        bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in fields.items()
    )


def _call(path: bytes, stream: int = 1, flags: int = END_HEADERS) -> bytes:
    return _frame(HEADERS, flags, stream, _headers(path))


def _hello(**changes: object) -> vm_pb2.Frame:
    fields = {"run": RUN, "sender": "vm2", "receiver": "vm1", "machines": NAMES, "seed": 1}
    return vm_pb2.Frame(hello=vm_pb2.Hello(**(fields | {"clocks": ["lamport"]} | changes)))


def _length_prefixed(message: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(message)) + message


def _mutated(random: Random, data: bytes) -> bytes:
    """Change, drop, repeat or insert a few bytes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, size = random.randrange(len(changed) + 1), random.choice((1, 1, 1, 2, 4, 16))
        match random.randrange(4):
            case 0:
                changed[at : at + size] = random.randbytes(size)
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[at : at + size]
            case _:
                changed[at:at] = random.choice((b"\0", b"\xff", b"\x80")) * size
    return bytes(changed)


def _valid_frame(random: Random, stream: int) -> bytes:
    """Return a frame that HTTP/2 knows, in a place where it may not be allowed."""
    kind = random.randrange(11)
    match kind:
        case 0:
            hello = _hello(run="other").SerializeToString()
            body = _length_prefixed(random.choice((hello, b"", random.randbytes(9))))
            return _frame(DATA, random.choice((0, END_STREAM)), stream, body)
        case 1:
            return _call(random.choice(PATHS), stream, random.choice((END_HEADERS, 5, 0)))
        case 4:
            value = random.choice((0, 1, 65535, 2**31 - 1, 2**32 - 1))
            return _frame(SETTINGS, 0, 0, struct.pack(">HI", random.randint(0, 8), value))
        case 6:
            return _frame(PING, random.choice((0, 1)), 0, random.randbytes(8))
        case 7:
            return _frame(GOAWAY, 0, 0, struct.pack(">II", random.getrandbits(31), 0))
        case 3 | 8:
            number = random.choice((0, 1, 2**31 - 1, random.getrandbits(32)))
            return _frame(kind, 0, random.choice((0, stream)), struct.pack(">I", number))
        case _:
            return _frame(kind, random.randrange(256), stream, random.randbytes(5))


def _fuzzed_connection(random: Random, frames: int) -> bytes:
    """Return what a stranger says on a connection: noise, or frames of which some are changed."""
    style = random.randrange(4)
    if style == 0:
        return random.randbytes(random.randint(1, 200)) * random.choice((1, 1, frames))
    said = [PREFACE, _frame(SETTINGS, 0, 0)]
    for _ in range(frames):
        frame = _valid_frame(random, random.choice((1, 1, 3, 5, 2, 0)))
        said.append(_mutated(random, frame) if random.random() < style / 6 else frame)
    return b"".join(said)


def _say(port: int, said: bytes) -> None:
    """Send to a machine, and wait a moment for its answer, which may be the end."""
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as peer:
        peer.settimeout(0.02)
        # Closed with a reset, so that thousands of connections leave no ports in TIME_WAIT.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            peer.sendall(said)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except OSError:
            # The machine has closed the connection, or has nothing more to say.
            return


def test_fuzzed_frames(
    attacked: Attacked, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    random, frames = Random(attack_seed), 10
    for _ in range(attacks(2_000, 100_000) // frames):
        _say(random.choice(list(attacked.ports.values())), _fuzzed_connection(random, frames))
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
    return _mutated(random, valid.SerializeToString())


def test_fuzzed_messages(
    attacked: Attacked, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    """On real streams to vm1, after a Hello of the run."""
    random, first = Random(attack_seed), _hello().SerializeToString()
    with _channel(attacked.ports["vm1"]) as channel:
        call = channel.stream_stream(CHANNEL.decode())
        for _ in range(attacks(500, 20_000)):
            if _is_refused(said := _fuzzed_message(random)):
                stream = call(iter([first, said]), timeout=LIMIT_S)
                with pytest.raises(grpc.RpcError) as refused:
                    list(stream)
                assert refused.value.code() in REFUSED, refused.value
    attacked.end()


def test_the_same_frame_again_and_again(
    attacked: Attacked, attacks: Callable[[int, int], int]
) -> None:
    """Calls of methods whose names are not UTF-8, for which `grpc.aio` ends its server."""
    calls = b"".join(_call(b"/\x91", stream, 5) for stream in range(1, 200, 2))
    for _ in range(attacks(20, 500)):
        for port in attacked.ports.values():
            _say(port, PREFACE + _frame(SETTINGS, 0, 0) + calls)
    attacked.end()


def test_two_thousand_streams(attacked: Attacked, attacks: Callable[[int, int], int]) -> None:
    """Two on each connection, all of which begin a frame and leave it unfinished."""
    connections = attacks(150, 1_000)
    # As much as the window of a connection lets through before it is widened.
    limit = max_frame_bytes(["lamport"], len(NAMES)) + WIRE_MARGIN_BYTES
    unfinished = struct.pack(">BI", 0, limit) + bytes(32_000)
    said = PREFACE + _frame(SETTINGS, 0, 0)
    for stream in (1, 3):
        said += _call(CHANNEL, stream)
        for at in range(0, len(unfinished), 16_384):
            said += _frame(DATA, 0, stream, unfinished[at : at + 16_384])
    with ExitStack() as stack:
        for _ in range(connections):
            peer = socket.create_connection(("127.0.0.1", attacked.ports["vm1"]), LIMIT_S)
            stack.enter_context(peer)
            try:
                peer.sendall(said)
            except ConnectionError:
                # One of those beyond the limit.
                continue
        # The last that are let in are cut off in time: then there is room for others.
        attacked.answers()
    attacked.end()


def test_slow_readers(attacked: Attacked, attacks: Callable[[int, int], int]) -> None:
    """Connections that ask for answers until they may not write any more, and read none."""
    question = _length_prefixed(b"\x3a\0")
    reflection = PATHS[4]
    asked = {
        "pings": _frame(PING, 0, 0, bytes(8)) * 1000,
        "settings": _frame(SETTINGS, 0, 0) * 1000,
        "calls": b"".join(_call(PATHS[1], stream, 5) for stream in range(3, 1000, 2)),
        "services": _frame(DATA, 0, 1, question) * 500,
        "resets": b"".join(
            _call(CHANNEL, stream) + _frame(RST, 0, stream, bytes(4)) for stream in range(3, 999, 2)
        ),
    }
    with ExitStack() as stack:
        for _ in range(attacks(3, 30)):
            for said in asked.values():
                peer = socket.create_connection(("127.0.0.1", attacked.ports["vm1"]), LIMIT_S)
                stack.enter_context(peer).settimeout(0.2)
                try:
                    peer.sendall(PREFACE + _frame(SETTINGS, 0, 0) + _call(reflection))
                    for _ in range(100):
                        peer.sendall(said)
                except OSError:
                    # Nothing more is taken, or the connection has been closed for it.
                    continue
        attacked.answers()
    attacked.end()
