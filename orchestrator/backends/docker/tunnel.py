"""Tunnels to remote engines, through the user's own ssh client.

ssh forwards a socket of this computer to the engine's: one login serves all connections of this
process. It ends when its input closes, and so when this process ends for any reason.
"""

import atexit
import os
import subprocess
import threading
from tempfile import TemporaryFile, mkdtemp
from typing import IO
from urllib.parse import SplitResult, urlsplit

from orchestrator.backends.outcome import EnvironmentProblem

#: The engine's socket, if the URL has no path.
ENGINE_SOCKET = "/var/run/docker.sock"
#: The line that the remote shell prints after the login.
READY = b"vklocks"
LOGIN_LIMIT_S = 30
#: A connection without an answer for twice this time is closed.
ALIVE_EVERY_S = 15
STOP_LIMIT_S = 5
MAX_COMPLAINT_BYTES = 1024**2
#: Runs ssh, and removes the folder of its socket when it has ended. Ctrl-C in the terminal must not
#: end it: the engine is needed until nothing of the run is left. SIGTERM may come before ssh, and
#: ends the first wait.
SHELL = """
folder=$1 pid= is_over=
shift
trap '' INT HUP
trap 'is_over=1; [ -z "$pid" ] || kill "$pid"' TERM
exec 3<&0
ssh "$@" <&3 3<&- &
pid=$!
[ -z "$is_over" ] || kill "$pid"
wait "$pid"
wait "$pid"
rm -f "$folder/socket"
rmdir "$folder"
"""
OPTIONS = {
    "ConnectTimeout": LOGIN_LIMIT_S,
    "ControlPath": "none",  # A shared connection would keep the socket open after our end.
    "ExitOnForwardFailure": "yes",
    "RemoteCommand": "none",
    "ServerAliveCountMax": 2,
    "ServerAliveInterval": ALIVE_EVERY_S,
}

_LOCK = threading.Lock()


class Tunnel:
    """An open tunnel."""

    def __init__(self, url: str) -> None:
        """Open the tunnel. EnvironmentProblem if the login fails."""
        folder = mkdtemp(prefix="vklocks-")
        self.socket = f"unix://{folder}/socket"
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self._shell = subprocess.Popen(
            ["sh", "-c", SHELL, "sh", folder, *_arguments(urlsplit(url), f"{folder}/socket")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert self._shell.stdout
        try:
            # A remote shell may print other lines before.
            is_ready = any(line.strip() == READY for line in self._shell.stdout)
        except BaseException:
            self.close()
            raise
        if not is_ready:
            self.close()
            raise EnvironmentProblem(
                f"ssh cannot log in at {url} ({self.complaint()}): try it with `ssh`"
            )
        atexit.register(self.close)

    @property
    def is_open(self) -> bool:
        return self._shell.poll() is None

    def complaint(self) -> str:
        """Return the last line that ssh complained with, or ""."""
        # Without moving the file's position, which ssh shares.
        written = os.pread(self._errors.fileno(), MAX_COMPLAINT_BYTES, 0)
        lines = written.decode(errors="replace").splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        assert self._shell.stdin
        self._shell.stdin.close()
        self._shell.terminate()
        self._shell.wait(STOP_LIMIT_S)


_OPEN: dict[str, Tunnel] = {}


def to(url: str) -> Tunnel:
    """Return the tunnel of this process to an engine, opened if there is none.

    EnvironmentProblem if the login fails.
    """
    with _LOCK:
        if url not in _OPEN or not _OPEN[url].is_open:
            _OPEN[url] = Tunnel(url)
        return _OPEN[url]


def complaint(url: str) -> str:
    """Return the last line that the ssh of a tunnel complained with, or ""."""
    return _OPEN[url].complaint() if url in _OPEN else ""


def _arguments(url: SplitResult, socket: str) -> list[str]:
    """Return the arguments of ssh."""
    options = [word for name, value in OPTIONS.items() for word in ("-o", f"{name}={value}")]
    user = ["-l", url.username] if url.username else []
    port = ["-p", str(url.port)] if url.port else []
    forward = ["-L", f"{socket}:{url.path.rstrip('/') or ENGINE_SOCKET}"]
    host = ["--", url.hostname or "localhost"]
    return ["-T", *options, *user, *port, *forward, *host, f"echo {READY.decode()}; exec cat"]
