"""Rules of receives: the sends that they allow, and the receives that break them."""

import numpy as np

from analysis.logs.conventions import (
    ADDS_NOTHING,
    ADDS_TWO,
    IGNORES_OWN,
    IGNORES_STAMP,
    LAMPORT,
    ON_ARRIVAL,
    TAKES_OVER,
)
from analysis.logs.conventions.clocks import FAR, Clocks, Flags, LoggedClocks, Numbers


def bounds(
    seen: LoggedClocks, found: Clocks, rule: str, lag: int
) -> tuple[Numbers, Numbers, Flags]:
    """Return the bounds of the clock of each receive's send, and whether a stamp gives them."""
    stamped, stamp = seen.stamp >= 0, seen.stamp + lag
    if rule == TAKES_OVER:
        # Without stamps the same as a message with the clock from before its send.
        rule, lag = LAMPORT, lag + 1
    pre, post = found.pre, found.post
    least, most = np.full(len(post), -FAR), np.full(len(post), FAR)
    rose = post > pre + 1
    exact = {
        LAMPORT: rose,
        ADDS_NOTHING: post > pre,
        ADDS_TWO: post > pre + 2,
        IGNORES_OWN: np.ones_like(rose),
    }
    adds = {ADDS_NOTHING: 0, ADDS_TWO: 2}.get(rule, 1)
    if rule in exact:
        low = np.where(exact[rule], post - adds + lag, least)
        high = np.where(exact[rule], post - adds + lag, pre + lag)
    else:
        low, high = least, most if rule == IGNORES_STAMP else post - 1 + lag
    low, high = np.where(found.is_known, low, least), np.where(found.is_known, high, most)
    # No send explains a clock that does not grow, except by these rules.
    if rule in (LAMPORT, IGNORES_STAMP, ON_ARRIVAL):
        high = np.where(found.is_known & (post <= pre), low - 1, high)
    return np.where(stamped, stamp, low), np.where(stamped, stamp, high), stamped


def disobeyed(seen: LoggedClocks, found: Clocks, rule: str) -> Flags:
    """Return the receives with a logged stamp whose clock does not follow from it by a rule."""
    pre, post, stamp = found.pre, found.post, seen.stamp
    due = {
        LAMPORT: np.maximum(pre, stamp) + 1,
        TAKES_OVER: np.maximum(pre + 1, stamp),
        ADDS_NOTHING: np.maximum(pre, stamp),
        ADDS_TWO: np.maximum(pre, stamp) + 2,
        IGNORES_STAMP: pre + 1,
        IGNORES_OWN: stamp + 1,
        ON_ARRIVAL: np.maximum(post, pre + 1),
    }
    known = seen.is_kind("receive") & (stamp >= 0) & found.is_known
    wrong: Flags = known & (post != due[rule])
    return wrong
