"""The bundle of a node's logs on its way to the receiver: an archive, by TLS.

Sender and receiver each present the certificate of the run's key, and accept no other. The archive
is sent in pieces, each after its length; a piece of no bytes ends it, and the receiver answers.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from struct import Struct

#: The receiver's answer once it has the bundle.
RECEIVED = b"1"
#: How long either side may be silent.
SILENT_S = 10
#: The record in an archive of the size of a file whose content is not sent.
SIZE_HEADER = "VKLOCKS.size"
MAX_PIECE = 1 << 20
LENGTH = Struct(">I")


def secured(connection: socket, key: Path, *, is_receiver: bool) -> ssl.SSLSocket:
    """Encrypt a connection; OSError unless the other end has the key, too."""
    kind = ssl.PROTOCOL_TLS_SERVER if is_receiver else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(kind)
    # The certificate is its own authority, and belongs to the run: there is no name to compare.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(key)
    context.load_verify_locations(key)
    return context.wrap_socket(connection, server_side=is_receiver, suppress_ragged_eofs=False)


def send_piece(connection: socket, content: bytes) -> None:
    """Send a piece of at most MAX_PIECE bytes; without any it ends the bundle."""
    assert len(content) <= MAX_PIECE
    connection.sendall(LENGTH.pack(len(content)) + content)


def pieces(connection: socket, most: int) -> Iterator[bytes]:
    """Yield the pieces of a bundle of at most so many bytes; ValueError for any other."""
    while size := LENGTH.unpack(_exactly(connection, LENGTH.size))[0]:
        most -= size
        if size > MAX_PIECE or most < 0:
            raise ValueError("it is longer than the logs of this run")
        yield _exactly(connection, size)


def _exactly(connection: socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        chunk = connection.recv(count - len(content))
        if not chunk:
            raise ValueError("it ends too early")
        content += chunk
    return content
