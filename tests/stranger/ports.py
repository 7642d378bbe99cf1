"""The port of a machine, as a stranger reaches it."""

import socket
import ssl
from collections.abc import Iterable
from typing import NamedTuple

import grpc

from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.wire.authentication import CERTIFIED_NAME

LIMIT_S = 60
OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 250))
#: Accepts all certificates.
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
TRUSTING.set_alpn_protocols(["h2"])


class Port(NamedTuple):
    """A port, to which a stranger speaks with TLS once it has the machine's certificate."""

    host: str
    number: int
    certificate: str = ""

    def encrypted(self) -> "Port":
        """Return the port with the certificate of the run.

        It is a part of the key, but a machine shows it to all programs that begin TLS.
        """
        address = (self.host, self.number)
        return self._replace(certificate=ssl.get_server_certificate(address, timeout=LIMIT_S))

    def channel(self) -> grpc.Channel:
        address = f"{self.host}:{self.number}"
        if not self.certificate:
            return grpc.insecure_channel(address, OPTIONS)
        options = (*OPTIONS, ("grpc.ssl_target_name_override", CERTIFIED_NAME))
        credentials = grpc.ssl_channel_credentials(self.certificate.encode())
        return grpc.secure_channel(address, credentials, options)

    def connect(self) -> socket.socket:
        """Return a new connection, with a time limit."""
        plain = socket.create_connection((self.host, self.number), LIMIT_S)
        if not self.certificate:
            return plain
        try:
            return TRUSTING.wrap_socket(plain)
        except OSError:
            plain.close()
            raise


def identities(ports: Iterable[Port]) -> list[str]:
    """Return the names of machines, once the port of each serves a call."""
    names = []
    for port in ports:
        with port.channel() as channel:
            asked = vm_pb2.IdentifyRequest()
            stub = vm_pb2_grpc.MachineStub(channel)
            names.append(stub.Identify(asked, timeout=LIMIT_S, wait_for_ready=True).machine)
    return names
