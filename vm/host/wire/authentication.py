"""The use of a run's key on the wire: proofs at both ends of a stream, and encryption.

sender                       receiver
Hello, with a nonce    ->                                     has no effect yet
                       <-    Challenge: a nonce, a proof      the sender checks it
Proof                  ->                                     the receiver checks it
"""

from ipaddress import IPv6Address, ip_address
from secrets import token_bytes
from urllib.parse import unquote

import grpc
from grpc import StatusCode

from vm.host.generated import vm_pb2
from vm.host.wire.frames import CLIENT_OPTIONS, Refusal
from vm.host.wire.key import NONCE_BYTES, Key, Meeting

#: The name in the certificate of every key: machines have no names that certificates could hold.
CERTIFIED_NAME = "vklocks"
SAME_KEY = "give all machines of the run the same --key FILE"
KEY_NEEDED = "machines on other addresses than loopback need a key: `vklocks key FILE` makes one; "


class NotProven(Exception):
    """The other end of a stream does not have the run's key."""


def with_nonce(hello: vm_pb2.Frame) -> vm_pb2.Frame:
    """Return the Hello of a new stream."""
    fresh = vm_pb2.Frame()
    fresh.CopyFrom(hello)
    fresh.hello.nonce = token_bytes(NONCE_BYTES)
    return fresh


def challenge(hello: vm_pb2.Hello, key: Key) -> vm_pb2.Challenge:
    """Answer a Hello with a fresh nonce, and the proof of the receiver."""
    nonce = token_bytes(NONCE_BYTES)
    return vm_pb2.Challenge(nonce=nonce, proof=key.proof("receiver", _meeting(hello, nonce)))


def proof_of(hello: vm_pb2.Hello, challenged: vm_pb2.Challenge, key: Key) -> vm_pb2.Frame:
    """Answer a Challenge with the proof of the sender; NotProven if the receiver has no key."""
    meeting = _meeting(hello, challenged.nonce)
    if not key.is_proof(challenged.proof, "receiver", meeting):
        raise NotProven(f"it does not prove that it has the key of this run; {SAME_KEY}")
    return vm_pb2.Frame(proof=vm_pb2.Proof(proof=key.proof("sender", meeting)))


def check_proof(
    frame: vm_pb2.Frame | None, hello: vm_pb2.Hello, challenged: vm_pb2.Challenge, key: Key
) -> None:
    """Check the frame after a Hello, None if the stream ended; Refusal unless it is a proof."""
    proof = frame.proof.proof if frame is not None and frame.HasField("proof") else b""
    if not key.is_proof(proof, "sender", _meeting(hello, challenged.nonce)):
        raise Refusal(
            f"the sender does not prove that it has the key of this run; {SAME_KEY}",
            StatusCode.UNAUTHENTICATED,
        )


def check_address(peer: str, key: Key) -> None:
    """Refuse a stream from another address than loopback to a machine without a key.

    `peer` is the address as gRPC gives it, ipv4:127.0.0.1:50123 or ipv6:%5B::1%5D:50123.
    """
    host = unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")
    if not key.is_given and not is_loopback(host):
        raise Refusal(KEY_NEEDED + SAME_KEY, StatusCode.UNAUTHENTICATED)


def is_loopback(host: str) -> bool:
    """Return whether this is a numeric address of loopback."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def channel_to(address: str, key: Key) -> grpc.aio.Channel:
    """Connect to a machine; with a certificate, only to a machine that has it too."""
    if not key.encrypts:
        return grpc.aio.insecure_channel(address, options=CLIENT_OPTIONS)
    options = (*CLIENT_OPTIONS, ("grpc.ssl_target_name_override", CERTIFIED_NAME))
    credentials = grpc.ssl_channel_credentials(root_certificates=key.content)
    return grpc.aio.secure_channel(address, credentials, options=options)


def add_port(server: grpc.aio.Server, address: str, key: Key) -> None:
    """Let a server listen at an address; RuntimeError if it is taken."""
    if key.encrypts:
        credentials = grpc.ssl_server_credentials([(key.content, key.content)])
        server.add_secure_port(address, credentials)
    else:
        server.add_insecure_port(address)


def _meeting(hello: vm_pb2.Hello, receiver_nonce: bytes) -> Meeting:
    return Meeting(hello.run, hello.sender, hello.receiver, hello.nonce, receiver_nonce)
