"""The owner of a run or a file: the process that made it, which may have ended."""

import os
import re
import socket
from pathlib import Path


def me() -> str:
    """Return this process as `<host>:<pid>`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def place() -> str:
    """Return an id for all processes that see the process ids of this one; "" without /proc.

    It is another one on each computer, after each of its restarts, and in each container.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def begun(pid: int) -> str:
    """Return the start time of a process in the kernel's ticks; "" where /proc is missing."""
    return _status(pid)[19]


def _status(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; each is "" if it is missing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [""] * 20


def tag() -> str:
    """Return the suffix of a file name that names this process, for `is_dead_tag`."""
    return f"@{me()}@{begun(os.getpid())}"


def is_dead_tag(name: str) -> bool:
    """Return whether a file's name ends with the tag of a dead owner."""
    _, owner, owner_begun = name.rsplit("@", 2)
    return is_dead(owner, owner_begun)


def is_dead(owner: str, owner_begun: str = "") -> bool:
    """Return whether an owner was a process of this computer and has ended.

    `owner_begun` distinguishes it from a later process with the same id.
    """
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not re.fullmatch("[0-9]{1,9}", pid):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    status = _status(int(pid))
    # A process that has ended stays as a zombie until its parent waits for it.
    return status[0] == "Z" or (owner_begun != "" and owner_begun != status[19])
