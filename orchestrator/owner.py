"""Who made something: a process of a computer, and whether it still lives."""

import os
import socket
from pathlib import Path


def me() -> str:
    """This process, as `<host>:<pid>`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def begun(pid: int) -> str:
    """When a process began, in the kernel's own ticks; "" where nobody can say."""
    return _status(pid)[19]


def _status(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on; "" for all where nobody can say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [""] * 20


def tag() -> str:
    """This process as the end of a file's name, for `is_dead_tag`."""
    return f"@{me()}@{begun(os.getpid())}"


def is_dead_tag(name: str) -> bool:
    """Whether a file's name ends with the tag of a dead owner."""
    _, owner, owner_begun = name.rsplit("@", 2)
    return is_dead(owner, owner_begun)


def is_dead(owner: str, owner_begun: str = "") -> bool:
    """Whether an owner was a process of this computer and is no more.

    `owner_begun` tells it from another that has got its process id since.
    """
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    status = _status(int(pid))
    # A process that has ended stays until whoever is its parent by now asks how.
    return status[0] == "Z" or (owner_begun != "" and owner_begun != status[19])
