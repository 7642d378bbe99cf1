"""Loops over whole histories that NumPy cannot express.

Each kernel is plain Python over arrays, limited to operations that memoryviews support too.
`fast` compiles it for large histories if Numba is installed (the extra `fast`). The same code runs
uncompiled without Numba, and for small histories, as compiling takes seconds.
A row is the number of an event in the events table; -1 stands for none. `first[m]` is the row
of the first event of machine m, and `first[-1]` the number of all events.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]

P = ParamSpec("P")
R = TypeVar("R")

#: With fewer events, Python takes less time than compiling and running the compiled code.
COMPILE_FROM = 100_000


def fast(kernel: Callable[P, R], events: int) -> Callable[P, R]:
    """Return the kernel, compiled if there are many events and a compiler."""
    return compiled(kernel) if compiles(events) else as_written(kernel)


def compiles(events: int) -> bool:
    """Return whether `fast` compiles a kernel for this number of events."""
    return events >= COMPILE_FROM and has_compiler()


@cache
def has_compiler() -> bool:
    """Return whether Numba is installed and supports this Python and NumPy."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def as_written(kernel: Callable[P, R]) -> Callable[P, R]:
    """Return the kernel for Python, which reads memoryviews faster than arrays."""

    written: Callable[..., R] = kernel

    def run(*arrays: Any) -> R:
        return written(*[memoryview(array) for array in arrays])

    return cast(Callable[P, R], run)


@cache
def compiled(kernel: Callable[P, R]) -> Callable[P, R]:
    """Return the kernel in machine code, cached on disk if possible; ImportError without Numba."""
    from numba import njit

    try:
        made: Callable[P, R] = njit(cache=True, nogil=True)(kernel)
    except RuntimeError:
        # No cache: a read-only file system without NUMBA_CACHE_DIR.
        made = njit(nogil=True)(kernel)
    return made


def vector_times(
    first: Rows,
    send: Rows,
    machine: Rows,
    latest: Rows,
    past: Rows,
    depth: Rows,
    done: Rows,
) -> None:
    """Compute vector times and depths of all events in an order that causality allows.

    `send` is the row of the send of each receive, `latest` the row in `past` of the vector time
    at the last receive of the event's machine (row 0: none). Fills `past`, and `depth` with
    the length of the longest causal path that ends in the event. `done` is the first row of each
    machine, and afterwards the row at which the walk stopped: the machine's end, unless the
    messages of the history form a causal cycle.
    """
    machines = len(done)
    moved = True
    while moved:
        moved = False
        for m in range(machines):
            row = done[m]
            while row < first[m + 1]:
                cause = send[row]
                if cause >= done[machine[cause]] and cause >= 0:
                    break
                deep = depth[row - 1] if row > first[m] else 0
                if cause >= 0:
                    own, sent = latest[row], latest[cause]
                    before = latest[row - 1] if row > first[m] else 0
                    for q in range(machines):
                        here, there = past[before, q], past[sent, q]
                        past[own, q] = here if here > there else there
                    sender = machine[cause]
                    if cause - first[sender] >= past[own, sender]:
                        past[own, sender] = cause - first[sender] + 1
                    past[own, m] = row - first[m] + 1
                    deep = max(deep, depth[cause])
                depth[row] = deep + 1
                row += 1
            moved = moved or row > done[m]
            done[m] = row


def joint_vector_times(
    first: Rows,
    send: Rows,
    begin: Rows,
    machine: Rows,
    latest: Rows,
    past: Rows,
    depth: Rows,
    done: Rows,
) -> None:
    """Compute the same for events that can receive several messages at once.

    The sends of the event at a row are `send[begin[row]]` until `send[begin[row + 1]]`.
    """
    machines = len(done)
    moved = True
    while moved:
        moved = False
        for m in range(machines):
            row = done[m]
            while row < first[m + 1]:
                is_stuck = False
                for n in range(begin[row], begin[row + 1]):
                    is_stuck = is_stuck or send[n] >= done[machine[send[n]]]
                if is_stuck:
                    break
                deep = depth[row - 1] if row > first[m] else 0
                if begin[row] < begin[row + 1]:
                    own, before = latest[row], latest[row - 1] if row > first[m] else 0
                    for q in range(machines):
                        past[own, q] = past[before, q]
                    for n in range(begin[row], begin[row + 1]):
                        cause = send[n]
                        sent, sender = latest[cause], machine[cause]
                        for q in range(machines):
                            past[own, q] = max(past[own, q], past[sent, q])
                        past[own, sender] = max(past[own, sender], cause - first[sender] + 1)
                        deep = max(deep, depth[cause])
                    past[own, m] = row - first[m] + 1
                depth[row] = deep + 1
                row += 1
            moved = moved or row > done[m]
            done[m] = row


def addressed(begin: NDArray[np.int64], receiver: Rows, sends: Rows, wanted: Rows) -> Rows:
    """Return the message of each send to the wanted machine, the first if there are several.

    The messages of the send at a row are `begin[row]` until `begin[row + 1]`.
    """
    found = np.full(len(sends), -1, np.int32)
    for n in range(len(sends)):
        for message in range(begin[sends[n]], begin[sends[n] + 1]):
            if receiver[message] == wanted[n] and wanted[n] >= 0:
                found[n] = message
                break
    return found


def overtaken(first: Rows, send: Rows, machine: Rows, overtaker: Rows, last: Rows) -> None:
    """Find for each receive an earlier one that received a later message of the same channel.

    Fills `overtaker` by row, and `last[s, r]` with machine r's receive of the latest send of
    machine s; entries without one stay -1.
    """
    for m in range(len(first) - 1):
        for row in range(first[m], first[m + 1]):
            cause = send[row]
            if cause >= 0:
                before = last[machine[cause], m]
                if before >= 0 and send[before] > cause:
                    overtaker[row] = before
                else:
                    last[machine[cause], m] = row
