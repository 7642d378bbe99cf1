"""Free ports of this computer, reserved for the duration of a run."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import SystemRandom

from orchestrator.backends.outcome import EnvironmentProblem

LOOPBACK = "127.0.0.1"
#: Below the ports that systems assign to connections: a restarted machine needs its port again.
PORTS = range(20_000, 32_768)


@contextmanager
def reserved_ports(count: int, among: range = PORTS) -> Iterator[list[int]]:
    """Reserve TCP ports on loopback that have no listener and that no other run uses.

    A UDP socket with the same number marks a port as taken. It does not block the machine, and the
    system closes it when this process ends for any reason. EnvironmentProblem if too few ports are
    free.
    """
    with ExitStack() as stack:
        offset = SystemRandom().randrange(len(among))
        ports: list[int] = []
        for port in (*among[offset:], *among[:offset]):
            if len(ports) == count:
                break
            if placeholder := _reserved(port):
                stack.enter_context(placeholder)
                ports.append(port)
        if len(ports) < count:
            raise EnvironmentProblem(
                f"fewer than {count} ports from {among[0]} to {among[-1]} are free: execute"
                " fewer runs in parallel"
            )
        yield ports


def _reserved(port: int) -> socket.socket | None:
    placeholder = socket.socket(type=socket.SOCK_DGRAM)
    if _bound(placeholder, port) and _is_free(port):
        return placeholder
    placeholder.close()
    return None


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        # Like the machine, so that a connection that has just ended does not block the port.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bound(trial, port)


def _bound(unbound: socket.socket, port: int) -> bool:
    try:
        unbound.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
