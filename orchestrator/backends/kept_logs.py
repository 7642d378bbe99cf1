"""The files of a run's machines that are kept: only files that machines can have written.

A process with access to a machine's files during its run can replace them.
"""

import shutil
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from vm.clocks import clock_of
from vm.clocks.states import numbers_in_all
from vm.schedule import SECOND_NS
from vm.spec import Spec

#: Bytes per machine, clock and number of a timestamp in a line, of a timestamp that is a text, of
#: the rest of a line, and of the other lines of a log.
BYTES_PER_ENTRY = 64
BYTES_PER_TEXT = 16 * 1024
BYTES_PER_LINE = 1024
BYTES_BESIDE = 1024**2


def max_bytes(spec: Spec) -> int:
    """Return an upper limit for the size of a log or transcript of a run.

    Each tick writes a line, and at the end each message of any machine may be listed twice.
    """
    ticks = sum(spec.tick_rate_hz(machine) for machine in spec.machines) * spec.duration_ns
    names = len(spec.machines) * (BYTES_PER_ENTRY + max(map(len, spec.machines)))
    numbers = numbers_in_all(spec.clocks, len(spec.machines)) * BYTES_PER_ENTRY
    texts = sum(clock_of(name).column == "text" for name in spec.clocks) * BYTES_PER_TEXT
    line = BYTES_PER_LINE + numbers + texts + names * (1 + len(spec.clocks))
    return BYTES_BESIDE + 2 * line * (ticks // SECOND_NS + len(spec.machines))


def flaw(mode: int, size: int, limit: int) -> str:
    """Return why no machine can have written a file of this type and size, or ""."""
    if S_ISLNK(mode):
        return "was replaced by a symbolic link"
    if not S_ISREG(mode):
        return "was replaced by something that is no file"
    return f"has {size} bytes, more than this run can write" if size > limit else ""


def remove_flawed(path: Path, limit: int) -> str:
    """Remove a file that no machine can have written; return the problem of the path, or ""."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return "is missing"
    found = flaw(status.st_mode, status.st_size, limit)
    if found and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif found:
        path.unlink()
    return found
