"""Free ports of this computer, for as long as a run needs them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import SystemRandom

from orchestrator.backends.outcome import EnvironmentProblem

LOOPBACK = "127.0.0.1"
#: Below those that systems give to connections: a machine that is started again must find its
#: port free.
PORTS = range(20_000, 32_768)


@contextmanager
def reserved_ports(count: int, among: range = PORTS) -> Iterator[list[int]]:
    """TCP ports on loopback on which nobody listens, and that no other run of ours will take.

    The sign of a port that is taken is a UDP socket of the same number: it does not stand in
    the machine's way, and it is gone when this process is, however it ends. EnvironmentProblem
    if there are not enough.
    """
    with ExitStack() as stack:
        offset = SystemRandom().randrange(len(among))
        ports: list[int] = []
        for port in (*among[offset:], *among[:offset]):
            if len(ports) == count:
                break
            if sign := _reserved(port):
                stack.enter_context(sign)
                ports.append(port)
        if len(ports) < count:
            raise EnvironmentProblem(
                f"fewer than {count} ports from {among[0]} to {among[-1]} are free: carry out"
                " fewer runs at a time"
            )
        yield ports


def _reserved(port: int) -> socket.socket | None:
    sign = socket.socket(type=socket.SOCK_DGRAM)
    if _bound(sign, port) and _is_free(port):
        return sign
    sign.close()
    return None


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        # As the machine will: a connection that has just ended is in nobody's way.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bound(trial, port)


def _bound(one: socket.socket, port: int) -> bool:
    try:
        one.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
