"""Loops over whole histories, which NumPy has no words for.

Each is plain Python over arrays, and asks of them only what memoryviews can do as well. `fast`
has Numba compile it where a history is so big that this pays: compiling takes seconds, so what
is small runs as it is written here, the same code.
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

#: Fewer events than this are done sooner by Python than by waiting for the compiler.
COMPILE_FROM = 100_000


def fast(kernel: Callable[P, R], events: int) -> Callable[P, R]:
    """The kernel, compiled if there are many events to go through."""
    return compiled(kernel) if events >= COMPILE_FROM else as_written(kernel)


def as_written(kernel: Callable[P, R]) -> Callable[P, R]:
    """The kernel as Python runs it, which reads a memoryview faster than an array."""

    written: Callable[..., R] = kernel

    def run(*arrays: Any) -> R:
        return written(*[memoryview(array) for array in arrays])

    return cast(Callable[P, R], run)


@cache
def compiled(kernel: Callable[P, R]) -> Callable[P, R]:
    """The kernel in machine code, which is kept on disk where there is a place for it."""
    from numba import njit

    try:
        made: Callable[P, R] = njit(cache=True, nogil=True)(kernel)
    except RuntimeError:
        # Nowhere to keep it: a read-only file system without NUMBA_CACHE_DIR.
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
    """Go through the events in an order that causality allows, and say how far that went.

    `send` is the row of the send of each receive, `latest` the row in `past` that holds the
    vector time of the event's machine as of its last receive (row 0: of none). Fills `past`,
    and `depth` with the length of the longest causal chain that ends in the event. `done` is
    for each machine the row to begin with, and then the one at which it had to stop: its end,
    unless the messages of the history form a causal cycle.
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
                    own, told = latest[row], latest[cause]
                    knew = latest[row - 1] if row > first[m] else 0
                    for q in range(machines):
                        here, there = past[knew, q], past[told, q]
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


def addressed(begin: NDArray[np.int64], receiver: Rows, sends: Rows, wanted: Rows) -> Rows:
    """The message of each send that goes to the wanted machine, the first if there are more.

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
    """Say of every receive which earlier one received a later message of the same channel.

    Fills `overtaker` by row, and `last[s, r]` with the receive of machine r that is of the
    latest send of machine s; what was -1 stays so where there is none.
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
