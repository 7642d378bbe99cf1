"""Floods: thousands of fuzzed frames, and of streams that begin and do not go on."""

import socket
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from random import Random
from ssl import SSLError

from stranger.forging import CLOCKS, hello
from stranger.http2 import (
    CHANNEL,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    PATHS,
    PING,
    PREFACE,
    SETTINGS,
    call,
    frame,
    length_prefixed,
)
from stranger.ports import Port, identities
from vm.host.wire.frames import WIRE_MARGIN_BYTES, max_frame_bytes

NAMES = ("vm1", "vm2", "vm3")
STREAMS = 2
FRAMES = 10
#: Fuzzed connections at the same time: most of their time they wait for an answer.
AT_ONCE = 8
PATIENCE_S = 0.02
HELLO = hello("other", NAMES, "vm2", "vm1").SerializeToString()
#: A stream that a machine challenges: otherwise few fuzzed frames would get so far.
CALLED = call(CHANNEL) + frame(DATA, 0, 1, length_prefixed(HELLO))


def unfinished(ports: Sequence[Port], connections: int) -> list[str]:
    """Open connections to the first port, each with two streams that begin a frame.

    Return the names of all machines, as they answer beside these connections.
    """
    # As much as the window of a connection lets through before it is widened.
    limit = max_frame_bytes(CLOCKS, len(NAMES)) + WIRE_MARGIN_BYTES
    begun = struct.pack(">BI", 0, limit) + bytes(32_000)
    said = PREFACE + frame(SETTINGS, 0, 0)
    for stream in range(1, 2 * STREAMS, 2):
        said += call(CHANNEL, stream)
        for at in range(0, len(begun), 16_384):
            said += frame(DATA, 0, stream, begun[at : at + 16_384])
    with ExitStack() as stack:
        for _ in range(connections):
            # Those beyond the limit are closed at once.
            with suppress(ConnectionError, SSLError):
                stack.enter_context(ports[0].connect()).sendall(said)
        # The last that are let in are cut off in time: then there is room for others.
        return identities(ports)


def fuzz(ports: Sequence[Port], seed: int, frames: int) -> list[str]:
    """Say noise and fuzzed frames on connections to all ports; return the machines' names."""
    random = Random(seed)
    said = [(random.choice(ports), _connection(random)) for _ in range(frames // FRAMES)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(say, *zip(*said, strict=True)))
    return identities(ports)


def say(port: Port, said: bytes) -> None:
    """Send to a machine, and wait a moment for its answer, which may be the end."""
    # The machine may close the connection, or have nothing to say.
    with port.connect() as peer, suppress(OSError):
        peer.settimeout(PATIENCE_S)
        # Closed with a reset, so that thousands of connections leave no ports in TIME_WAIT.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sendall(said)
        while peer.recv(65536):
            pass


def mutated(random: Random, data: bytes) -> bytes:
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


def _connection(random: Random) -> bytes:
    """Return all bytes of a connection: noise, or frames, some of them changed."""
    style = random.randrange(4)
    if style == 0:
        return random.randbytes(random.randint(1, 200)) * random.choice((1, 1, FRAMES))
    begun = (PREFACE, frame(SETTINGS, 0, 0), random.choice((b"", CALLED)))
    return b"".join((*begun, *_frames(random, style / 6)))


def _frames(random: Random, changed: float) -> Iterator[bytes]:
    for _ in range(FRAMES):
        valid = _valid_frame(random, random.choice((1, 1, 3, 5, 2, 0)))
        yield mutated(random, valid) if random.random() < changed else valid


def _valid_frame(random: Random, stream: int) -> bytes:
    """Return a frame that HTTP/2 knows, in a place where it may not be allowed."""
    kind = random.randrange(11)
    match kind:
        case 0:  # DATA
            body = length_prefixed(random.choice((HELLO, b"", random.randbytes(9))))
            return frame(DATA, random.choice((0, END_STREAM)), stream, body)
        case 1:  # HEADERS
            return call(random.choice(PATHS), stream, random.choice((END_HEADERS, 5, 0)))
        case 4:
            value = random.choice((0, 1, 65535, 2**31 - 1, 2**32 - 1))
            return frame(SETTINGS, 0, 0, struct.pack(">HI", random.randint(0, 8), value))
        case 6:
            return frame(PING, random.choice((0, 1)), 0, random.randbytes(8))
        case 7:
            return frame(GOAWAY, 0, 0, struct.pack(">II", random.getrandbits(31), 0))
        case 3 | 8:  # RST, WINDOW
            number = random.choice((0, 1, 2**31 - 1, random.getrandbits(32)))
            return frame(kind, 0, random.choice((0, stream)), struct.pack(">I", number))
        case _:
            return frame(kind, random.randrange(256), stream, random.randbytes(5))
