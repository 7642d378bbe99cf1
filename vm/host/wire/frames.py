"""The wire format: conversion of messages to frames and back, limits, and refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from grpc import StatusCode

from vm.clocks import clock_of
from vm.clocks.clock import Bounds
from vm.clocks.states import numbers_in_all
from vm.host.generated import vm_pb2
from vm.host.wire.key import NO_KEY, Key
from vm.records import MAX_WALL_NS, Message, WallOffset
from vm.schedule import SECOND_NS
from vm.spec import MAX_MACHINES

#: Many times the size of a frame without stamps; each stamp may add to it.
MAX_FRAME_BYTES = 32 * 1024
#: Of each stamp, for each machine, and for each number of a timestamp: several numbers of 10 bytes.
MAX_STAMP_BYTES, MAX_STAMP_BYTES_PER_MACHINE, MAX_BYTES_PER_NUMBER = 4096, 40, 10
#: The limit of gRPC itself is higher: frames between the two limits can be counted as refused.
WIRE_MARGIN_BYTES = 8 * 1024
#: One for each peer, and a reserve. Further connections are closed at once.
MAX_CONNECTIONS = MAX_MACHINES + 56
#: A peer needs one stream; a program that first queries the services needs two.
MAX_STREAMS = 2
#: Time limit for the handshake of a connection, and for each of the first two frames of a stream.
STRANGER_S = 5
#: How long a connection without a stream stays open.
IDLE_S = 2
#: How long a connection may be silent before it is probed, and then before it is closed.
SILENT_S = 1
#: How long a second stream of a peer waits for the end of the first: long enough that a peer which
#: reconnects after a cut finds its half-open connection closed.
TAKEN_S = 2 * SILENT_S + 1
#: How far the times since the epoch of two hosts may be apart before timestamps are refused.
MAX_CLOCK_OFFSET_NS = SECOND_NS
#: How far from now the epoch may be.
MAX_EPOCH_DISTANCE_NS = 30 * SECOND_NS
#: Maximum length of the reason of a refusal, which quotes parts of the frame.
MAX_REASON = 500

SERVER_OPTIONS = (
    # A port that is taken must be an error, not a second listener that gets half the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
    ("grpc.max_concurrent_streams", MAX_STREAMS),
    ("grpc.server_handshake_timeout_ms", STRANGER_S * 1000),
    ("grpc.max_connection_idle_ms", IDLE_S * 1000),
    # Closes connections that a cut has left half open, and those of peers that never read.
    ("grpc.keepalive_time_ms", SILENT_S * 1000),
    ("grpc.keepalive_timeout_ms", SILENT_S * 1000),
    # Otherwise the window of a connection grows beyond the size of one frame.
    ("grpc.http2.bdp_probe", 0),
    # Otherwise a peer's keepalive on a quiet channel counts as abuse and cuts the connection.
    ("grpc.http2.max_ping_strikes", 0),
)
CLIENT_OPTIONS = (
    # Peers are reached directly, even if the environment names a proxy.
    ("grpc.enable_http_proxy", 0),
    # Without a cap, back-off doubles the recovery time after a cut, and a name that does not
    # resolve yet (its container is about to start) is looked up again only after half a minute.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 250),
    ("grpc.dns_min_time_between_resolutions_ms", 100),
    # Detects a cut that no packet reports.
    ("grpc.keepalive_time_ms", SILENT_S * 1000),
    ("grpc.keepalive_timeout_ms", SILENT_S * 1000),
    ("grpc.http2.max_pings_without_data", 0),
)


class Limits(NamedTuple):
    """The largest possible number of events of each machine so far, and the latest possible time of
    any physical clock of the run."""

    events: Sequence[int]
    physical_ns: int


class Refusal(Exception):
    """A refused frame or stream; it has changed nothing."""

    def __init__(self, reason: str, status: StatusCode = StatusCode.INVALID_ARGUMENT) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Membership:
    """The values on which both ends of a channel must agree, and this machine's name."""

    run: str
    me: str
    machines: tuple[str, ...]
    clocks: tuple[str, ...]
    key: Key = NO_KEY

    @property
    def first(self) -> str:
        """The machine that sets the epoch, and the seed of those without one."""
        return self.machines[0]

    @property
    def peers(self) -> tuple[str, ...]:
        return tuple(m for m in self.machines if m != self.me)

    def hello(self, receiver: str, seed: int) -> vm_pb2.Frame:
        return vm_pb2.Frame(
            hello=vm_pb2.Hello(
                run=self.run,
                sender=self.me,
                receiver=receiver,
                machines=self.machines,
                clocks=self.clocks,
                seed=seed,
            )
        )

    def check_hello(self, hello: vm_pb2.Hello) -> None:
        """Check that the sender is a peer and means this machine and this run; Refusal if not."""
        if hello.receiver != self.me:
            raise Refusal(f"this is {self.me}, not {hello.receiver!r}", StatusCode.NOT_FOUND)
        if hello.run != self.run:
            raise Refusal(
                f"this is run {self.run}, not {hello.run!r}", StatusCode.FAILED_PRECONDITION
            )
        if hello.sender not in self.peers:
            raise Refusal(
                f"{hello.sender!r} is not a peer of {self.me}", StatusCode.PERMISSION_DENIED
            )
        for field in ("machines", "clocks"):
            theirs, ours = tuple(getattr(hello, field)), getattr(self, field)
            if theirs != ours:
                raise Refusal(
                    f"{field} are {', '.join(ours)} here, but {', '.join(theirs)} there",
                    StatusCode.FAILED_PRECONDITION,
                )


def max_frame_bytes(clocks: Sequence[str], machines: int) -> int:
    """Return the size of the largest frame of a run that is not refused."""
    return (
        MAX_FRAME_BYTES
        + len(clocks) * (MAX_STAMP_BYTES + machines * MAX_STAMP_BYTES_PER_MACHINE)
        + numbers_in_all(clocks, machines) * MAX_BYTES_PER_NUMBER
    )


def server_options(most_bytes: int) -> tuple[tuple[str, int], ...]:
    """Return the options of a server for frames of at most so many bytes."""
    limit = ("grpc.max_receive_message_length", most_bytes + WIRE_MARGIN_BYTES)
    return (*SERVER_OPTIONS, limit)


def check_size(frame: vm_pb2.Frame, most_bytes: int) -> None:
    if frame.ByteSize() > most_bytes:
        raise Refusal(
            f"a frame of {frame.ByteSize()} bytes is over the limit of {most_bytes}",
            StatusCode.RESOURCE_EXHAUSTED,
        )


def read_wall_offsets(start: vm_pb2.Start, membership: Membership) -> dict[str, WallOffset]:
    """Return the wall offset of each machine; Refusal if they cannot be."""
    if not len(start.wall_offsets_ns) == len(start.wall_bounds_ns) == len(membership.machines):
        raise Refusal(f"wall offsets for {len(start.wall_offsets_ns)} machines")
    offsets = list(map(WallOffset, start.wall_offsets_ns, start.wall_bounds_ns))
    for offset in offsets:
        if not offset.is_possible:
            raise Refusal(f"{offset}")
    if not 0 < start.epoch_unix_ns < MAX_WALL_NS:
        raise Refusal(f"epoch {start.epoch_unix_ns}")
    return dict(zip(membership.machines, offsets, strict=True))


def message_frame(sequence: int, message: Message) -> vm_pb2.Frame:
    stamps = [clock_of(name).encode(stamp) for name, stamp in message.stamps.items()]
    return vm_pb2.Frame(
        message=vm_pb2.Message(sequence=sequence, index=message.index, stamps=stamps)
    )


def read_message(
    frame: vm_pb2.Message, sender: str, membership: Membership, limits: Limits
) -> Message:
    """Return the message in a frame; Refusal if no machine can have sent it."""
    place, me = map(membership.machines.index, (sender, membership.me))
    at_most = limits.events[place]
    if not 0 <= frame.index < at_most:
        raise Refusal(f"event {frame.index} of {sender}, which has at most {at_most} events so far")
    if len(frame.stamps) != len(membership.clocks):
        raise Refusal(f"{len(frame.stamps)} stamps for {len(membership.clocks)} clocks")
    bounds = Bounds(place, me, limits.events, limits.physical_ns)
    stamps = dict[str, Any]()
    for name, stamp in zip(membership.clocks, frame.stamps, strict=True):
        try:
            stamps[name] = clock_of(name).decode(stamp, bounds)
        except ValueError as error:
            raise Refusal(str(error)) from None
    return Message(sender, membership.me, frame.index, stamps)
