"""Clocks as logged, converted to the clocks before and after each event."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.logs.conventions import KINDS
from vm.records import Kind

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
#: Beyond every clock.
FAR = 1 << 62


@dataclass(frozen=True, eq=False)
class LoggedClocks:
    """The logged clocks of events, row by row, machine by machine in the order of the logs.

    `kind` is a number of KINDS; `follows` is whether the row before is of the same log, and
    `gap` whether damaged lines are between them. `stamp` is -1 where none is logged.
    """

    kind: NDArray[np.int8]
    logged: Numbers
    stamp: Numbers
    follows: Flags
    gap: Flags

    def is_kind(self, kind: Kind) -> Flags:
        found: Flags = self.kind == KINDS.index(kind)
        return found


@dataclass(frozen=True, eq=False)
class Clocks:
    """The clocks before and after each event, under one reading.

    `is_known` is whether lines show the clock after the event: none does for a last receive that
    is logged with the clock from before it. `wrong` are the rows with a clock that no message can
    explain: a step other than one without a receive, or a clock that does not grow.
    """

    pre: Numbers
    post: Numbers
    is_known: Flags
    wrong: Flags
    initial: int


def readings(events: pl.DataFrame) -> LoggedClocks:
    """Return the readings of extracted events, which have a column `gap`."""
    kinds = events["kind"].cast(pl.Enum(KINDS)).to_physical().to_numpy().astype(np.int8)
    machine = events["machine"].rle_id().to_numpy()
    follows = np.diff(machine, prepend=machine[:1] + 1) == 0
    logged = events["clock"].to_numpy().astype(np.int64)
    stamp = events["stamp"].fill_null(-1).to_numpy().astype(np.int64)
    return LoggedClocks(kinds, logged, stamp, follows, events["gap"].to_numpy())


def clocks(seen: LoggedClocks, before: frozenset[Kind], initial: int | None) -> Clocks:
    """Convert readings, if events of the kinds `before` are logged with the clock before them.

    The initial clock, if it is not given, is that of most machines, or else 0.
    """
    is_before = np.isin(seen.kind, [KINDS.index(kind) for kind in before])
    received = seen.is_kind("receive")
    post = seen.logged + (is_before & ~received)
    is_known = np.ones(len(post), bool)
    if "receive" in before:
        post, is_known = _after_receives(seen, post, is_before & received)
    pre = np.roll(post, 1)
    firsts = ~seen.follows
    if initial is None:
        initial = _initial(seen, post, is_before)
    pre[firsts] = initial
    # After damaged lines the step before is not known; a clock from before the event shows it.
    unknown = seen.gap & (np.where(received, post <= pre, post != pre + 1))
    pre[unknown] = np.where(is_before & received, seen.logged, post - 1)[unknown]
    wrong = np.where(received, post < pre, post != pre + 1)
    wrong |= is_before & received & (seen.logged != pre)
    return Clocks(pre, post, is_known, wrong, initial)


def _after_receives(seen: LoggedClocks, post: Numbers, of: Flags) -> tuple[Numbers, Flags]:
    """Return the clocks after the events, for those in `of` from the line after them."""
    following = np.append(seen.follows[1:], False) & ~np.append(seen.gap[1:], False)
    next_pre = np.append(np.where(of, seen.logged, post - 1)[1:], 0)
    computed = np.maximum(seen.logged, seen.stamp) + 1
    post = np.where(of, np.where(following, next_pre, computed), post)
    return post, ~of | following


def _initial(seen: LoggedClocks, post: Numbers, is_before: Flags) -> int:
    received = seen.is_kind("receive")
    shown = ~seen.follows & ~seen.gap & (~received | is_before)
    firsts = np.where(received, seen.logged, post - 1)[shown]
    values, counts = np.unique(firsts[firsts >= 0], return_counts=True)
    if not len(values) or counts.max() < max(2, len(firsts) / 2) <= len(firsts):
        return 0
    return int(values[counts.argmax()])
