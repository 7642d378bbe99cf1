"""Alignment of the receives of a channel with its sends, both in order.

An alignment gives each receive a later send than the one before it, or none. Its cost counts the
receives without a send, those with a clock of the send that is out of bounds, and, as least, the
sends passed over. The best alignments are found by dynamic programming over windows; up to the
first receive out of bounds, the alignment is one to one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.int64]
Bounds = tuple[int, int]
#: The first and the last send of a receive in the best alignments, -1 if it has none; and whether
#: it is the same in all of them.
Place = tuple[int, int, bool]

PASSED, BROKEN, ORPHAN = 1, 1 << 20, 7 << 19
#: Far above the cost of any alignment in a window.
NEVER = 1 << 50
#: Receives that are aligned at once, and the sends that may be passed over among them.
WINDOW, SLACK = 256, 256


def aligned(
    clocks: Sequence[int], bounds: Sequence[Bounds], *, passing: int = PASSED
) -> list[Place]:
    """Return the place of each receive in the best alignments.

    `passing` is the cost of a send that is passed over: 0 if it may be to another receiver.

    If some of the receives have no send, and it is open which, those are the last.
    """
    sent = np.array(clocks, np.int64)
    low, high = (np.array([pair[n] for pair in bounds], np.int64) for n in (0, 1))
    found, receive, send = list[Place](), 0, 0
    while receive < len(bounds):
        fits = _one_to_one(sent[send:], low[receive:], high[receive:]) if passing else 0
        if fits:
            found += [(n, n, True) for n in range(send, send + fits)]
            receive, send = receive + fits, send + fits
            continue
        end = receive + WINDOW
        until = send + WINDOW + SLACK
        there = _best(sent[send:until], low[receive:end], high[receive:end], passing)
        kept = len(there) if end >= len(bounds) else len(there) // 2
        for first, last, sure in there[:kept]:
            found.append((first + send, last + send, sure) if first >= 0 else (-1, -1, sure))
        receive += kept
        send += max(last + 1 for _, last, _ in there[:kept])
    return found


def _one_to_one(sent: Costs, low: Costs, high: Costs) -> int:
    """Return how many receives fit the sends one to one, up to the last that fits exactly one
    clock before the first that does not fit."""
    many = min(len(sent), len(low))
    wrong = np.flatnonzero((sent[:many] < low[:many]) | (sent[:many] > high[:many]))
    if not len(wrong) and many == len(low):
        return many
    until = int(wrong[0]) if len(wrong) else many
    exact = np.flatnonzero(low[:until] == high[:until])
    return int(exact[-1]) + 1 if len(exact) else 0


def _best(sent: Costs, low: Costs, high: Costs, passing: int) -> list[Place]:
    """Return the place of each receive in the alignments of least cost.

    `before[k][j]` is the least cost of the first k receives with the first j sends, `after[k][j]`
    that of the other receives with the other sends; sends after the last receive are free.
    """
    costs = [np.where((sent < a) | (sent > b), BROKEN, 0) for a, b in zip(low, high, strict=True)]
    passed = np.arange(len(sent) + 1) * passing
    before, after = [passed], [np.zeros_like(passed)]
    for cost in costs:
        base = np.minimum(np.append(NEVER, before[-1][:-1] + cost), before[-1] + ORPHAN)
        before.append(np.minimum.accumulate(base - passed) + passed)
    for cost in reversed(costs):
        base = np.minimum(np.append(after[-1][1:] + cost, NEVER), after[-1] + ORPHAN)
        after.append(np.minimum.accumulate((base + passed)[::-1])[::-1] - passed)
    after.reverse()
    least, send, found = int(after[0][0]), 0, list[Place]()
    for k, cost in enumerate(costs):
        best = np.flatnonzero(before[k][:-1] + cost + after[k + 1][1:] == least)
        total = passed[send:-1] - passed[send] + cost[send:] + after[k + 1][send + 1 :]
        here = np.flatnonzero(total == after[k][send])
        if not len(here):
            found.append((-1, -1, len(best) == 0))
            continue
        orphan = bool((before[k] + ORPHAN + after[k + 1]).min() == least)
        found.append((int(best[0]), int(best[-1]), not orphan and len(best) == 1))
        send += int(here[0]) + 1
    return found


def interleaved(
    one: Sequence[int], other: Sequence[int], bounds: Sequence[Bounds]
) -> list[tuple[int, int] | None] | None:
    """Align receives with the sends of two channels, of which each keeps order and loses nothing.

    Returns for each receive its channel (0 or 1) and the number of its send if it is the same in
    all alignments within bounds, or else None. Returns None if there is no alignment.
    """
    reached: list[set[int]] = [{0}]
    for n, (low, high) in enumerate(bounds):
        following = set[int]()
        for used in reached[-1]:
            following |= {used + 1} if _in(one, used, low, high) else set()
            following |= {used} if _in(other, n - used, low, high) else set()
        if not following or len(following) > WINDOW:
            return None
        reached.append(following)
    useful, found = reached[-1], list[tuple[int, int] | None]()
    for n in range(len(bounds) - 1, -1, -1):
        low, high = bounds[n]
        ways = set[tuple[int, int]]()
        for used in reached[n]:
            ways |= {(0, used)} if used + 1 in useful and _in(one, used, low, high) else set()
            ways |= {(1, n - used)} if used in useful and _in(other, n - used, low, high) else set()
        useful = {send if channel == 0 else n - send for channel, send in ways}
        found.append(ways.pop() if len(ways) == 1 else None)
    return found[::-1]


def _in(clocks: Sequence[int], send: int, low: int, high: int) -> bool:
    return send < len(clocks) and low <= clocks[send] <= high
