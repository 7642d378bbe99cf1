"""Checks of the clocks: their rules, and their order against the happened-before relation.

The clock condition (if e happened before f, the timestamp of e precedes that of f) holds for all
pairs exactly when it holds for the direct ones, from event to event of one machine and from send
to receive: every causal path consists of these, and `precedes` is transitive.

The strong clock condition is the converse: if the timestamp of e precedes that of f, e happened
before f. Where the clock condition holds along the machines, the events of machine q that precede
f by the clock are a prefix of q's events. So is the past of f on q, which has V(f)[q] events.
Hence the clock claims too much for f and q exactly when the first event of q after the past of f
precedes f by the clock. The prefix only grows along f's machine: of all f with the same V(f)[q],
it is enough to check the last one.

The rules of a flat clock make each timestamp from those of the two events before it. Of other
clocks (`Clock.is_flat`) no timestamp gives the state: their rules are applied to each machine's log
from its first event on (`analysis.checks.rules`).
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.checks.evidence import Evidence
from analysis.checks.messages import matched_receives
from analysis.checks.rules import Broken, broken, steps_of
from analysis.checks.violation import Coverage, Line, Violation
from analysis.clocks import twin_of
from analysis.clocks.twin import Timestamps
from analysis.history.arrays import series
from analysis.history.derived import derived
from analysis.history.kernels import Rows
from vm.clocks import clock_of

T = TypeVar("T")
R = TypeVar("R")
Pairs = NDArray[np.int32]

NONE: Pairs = np.zeros((0, 2), np.int32)
#: Rows that are checked together: their data stays in the processor's cache.
BLOCK = 1 << 14


@dataclass(frozen=True)
class Claim:
    """The concurrent pairs of events of a run, and how many of them a clock orders.

    `ordered` is the exact number; None if it is unknown, for example because the clock breaks the
    clock condition. A clock that `promises` the strong clock condition must order none.
    """

    clock: str
    promises: bool
    concurrent: int
    ordered: int | None


@dataclass(frozen=True, eq=False)
class Examined:
    """The rows at which a clock is wrong.

    `unruly` are rows with a timestamp that does not follow from the events before by the clock's
    rules, which are `broken` there if the clock is not flat; `unordered` are pairs of rows that the
    clock must order, and does not; `overclaimed` are pairs that it must not order, and does: None
    if this could not be checked.
    """

    unruly: Rows
    unordered: Pairs
    overclaimed: Pairs | None
    claim: Claim | None
    broken: Mapping[int, Broken]


def clock_rule(seen: Evidence) -> Iterator[Violation]:
    """Does every timestamp follow from the events before it by its clock's rules?"""
    for clock, found in examined(seen).items():
        for row in found.unruly.tolist():
            yield _unruly(seen, clock, row)


def clock_condition(seen: Evidence) -> Iterator[Violation]:
    """If an event happened before another, does it precede the other by every clock?"""
    for clock, found in examined(seen).items():
        for before, row in found.unordered.tolist():
            yield _unordered(seen, clock, before, row)


def strong_clock_condition(seen: Evidence) -> Iterator[Violation]:
    """If a strong clock orders two events, did the first happen before the second?"""
    for clock, found in examined(seen).items():
        overclaimed = [] if found.overclaimed is None else found.overclaimed.tolist()
        for before, row in overclaimed:
            because = (
                f"{clock} claims that event {seen.causality.name(before)[1]} of"
                f" {seen.causality.name(before)[0]} happened before it, but no path of messages"
                " leads from there"
            )
            lines = _reads(seen, clock, before), _reads(seen, clock, row)
            yield seen.violation("strong_clock_condition", row, because, *lines)


def claims(seen: Evidence) -> tuple[Claim, ...]:
    """Return for each clock how many concurrent pairs of events it orders."""
    return tuple(found.claim for found in examined(seen).values() if found.claim)


def ruled_receives(seen: Evidence) -> Coverage:
    """Count the receives with a known send; in a run without receives, the events."""
    if len(seen.receives):
        return matched_receives(seen)
    return Coverage(int(np.count_nonzero(seen.is_ruled)), len(seen.causality), "events")


def proven_pairs(seen: Evidence) -> Coverage:
    """Count the pairs of events for which the strong clock condition is proven: all or none."""
    if not _strong(seen):
        return Coverage(0, 0, "clocks that promise it")
    pairs = len(seen.causality) * (len(seen.causality) - 1) // 2
    every = Coverage(pairs, pairs, "pairs of events")
    return replace(every, checked=0, why=why) if (why := _unproven(seen)) else every


def _strong(seen: Evidence) -> list[str]:
    return [clock for clock in seen.run.clocks if _promises_strong(clock)]


def _promises_strong(clock: str) -> bool:
    return clock_of(clock).promise == "strong clock condition"


def _unproven(seen: Evidence) -> str:
    """Return why the strong clock condition cannot be proven for all pairs of events, or ""."""
    if seen.causality.cycle:
        return "messages form a causal cycle"
    if not seen.is_whole:
        return "events are missing that other events refer to"
    found = examined(seen)
    shrinking = [clock for clock in _strong(seen) if found[clock].overclaimed is None]
    return f"{', '.join(shrinking)} does not always grow" if shrinking else ""


@derived
def examined(seen: Evidence) -> dict[str, Examined]:
    """Return the errors of each clock of the run."""
    return {clock: _examined(seen, clock) for clock in seen.run.clocks}


def _examined(seen: Evidence, clock: str) -> Examined:
    """Examine a clock; its timestamps are read once, and not kept."""
    twin = twin_of(clock)
    stamps = twin.read(series(seen.run, f"clock_{clock}"), len(seen.run.machines))
    unruly, unordered = _directly(seen, clock, stamps)
    wrong = dict[int, Broken]()
    if not clock_of(clock).is_flat:
        wrong = broken(seen, clock)
        unruly = np.array(sorted(wrong), np.int32)
    known, promises = seen.causality, _promises_strong(clock)
    if known.cycle:
        return Examined(unruly, unordered, None, None, wrong)
    if clock_of(clock).promise == "none":
        claim = Claim(clock, promises, known.concurrent_pairs, None) if seen.is_whole else None
        return Examined(unruly, NONE, None, claim, wrong)
    grows = bool((known.machine[unordered[:, 0]] != known.machine[unordered[:, 1]]).all())
    overclaimed = (
        _overclaimed(seen, clock, stamps) if promises and grows and seen.is_whole else None
    )
    ordered = None
    if overclaimed is not None and not len(overclaimed):
        ordered = 0
    elif not promises and not len(unordered) and (ties := twin.unordered(stamps)) is not None:
        ordered = known.concurrent_pairs - ties
    # If events or messages are missing, ordered pairs can seem to be concurrent.
    claim = Claim(clock, promises, known.concurrent_pairs, ordered) if seen.is_whole else None
    return Examined(unruly, unordered, overclaimed, claim, wrong)


def _directly(seen: Evidence, clock: str, stamps: Timestamps) -> tuple[Rows, Pairs]:
    """Return the rows that break the clock's rules, and the direct pairs that it does not order."""
    twin, known, is_flat = twin_of(clock), seen.causality, clock_of(clock).is_flat

    def look(low: int) -> tuple[Rows, Pairs]:
        high = min(low + BLOCK, len(known))
        rows = np.arange(low, high, dtype=np.int32)
        send, follows, new = known.send[low:high], seen.follows[low:high], stamps[low:high]
        steps = steps_of(seen, low, high)
        first = stamps[low - 1 : low] if low else _initial(seen, clock, steps.me[:1])
        own = np.concatenate((first, stamps[low : high - 1]))
        own[~follows] = _initial(seen, clock, steps.me[~follows])
        received = send >= 0
        stamp = own.copy()
        stamp[received] = stamps[send[received]]
        sent = stamp.copy() if len(known.joined) else stamp
        further = known.joined[(known.joined[:, 0] >= low) & (known.joined[:, 0] < high)]
        for row, other in further.tolist():
            stamp[row - low] = np.maximum(stamp[row - low], stamps[other])
        carried = stamp
        if seen.run.stamp_lag:
            carried = stamp.copy()
            carried[received] = _before_send(seen, stamp[received], send[received])
        obeys = twin.equal(twin.due(own, carried, steps), new) if is_flat else received
        unordered = [
            np.stack([before, rows], axis=1)[there & ~twin.precedes(earlier, new)]
            for before, there, earlier in ((rows - 1, follows, own), (send, received, sent))
        ]
        ahead = ~twin.precedes(stamps[further[:, 1]], stamps[further[:, 0]])
        unordered.append(further[ahead][:, ::-1])
        return rows[~obeys & seen.is_ruled[low:high]], np.concatenate(unordered)

    found = [(np.zeros(0, np.int32), NONE), *_together(look, range(0, len(known), BLOCK))]
    unruly, unordered = zip(*found, strict=True)
    return np.concatenate(unruly), np.concatenate(unordered)


def _before_send(seen: Evidence, stamps: Timestamps, sends: Rows) -> Timestamps:
    """Return the timestamps that messages carry, by those of their sends."""
    if not seen.run.stamp_lag:
        return stamps
    if stamps.ndim == 1:
        return stamps - seen.run.stamp_lag
    carried = stamps.copy()
    carried[range(len(carried)), seen.causality.machine[sends]] -= seen.run.stamp_lag
    return carried


def _initial(seen: Evidence, clock: str, me: NDArray[np.int32]) -> Timestamps:
    """Return the timestamps of these machines before their first events."""
    initial = twin_of(clock).initial(len(seen.run.machines), me)
    return initial + seen.run.initial if seen.run.initial else initial


def _overclaimed(seen: Evidence, clock: str, stamps: Timestamps) -> Pairs:
    """Return the pairs at the boundaries of the pasts that the clock orders, and must not."""

    def look(pairs: tuple[Rows, Rows]) -> Pairs:
        before, rows = pairs
        wrong = twin_of(clock).precedes(stamps[before], stamps[rows])
        return np.stack([before[wrong], rows[wrong]], axis=1)

    return np.concatenate([NONE, *_together(look, seen.causality.boundaries(BLOCK))])


def _together(look: Callable[[T], R], parts: Iterable[T]) -> list[R]:
    """Return the result of `look` for each part; NumPy lets several threads run at once."""
    several = list(parts)
    if len(several) <= 2:
        return [look(part) for part in several]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look, several))


def _unruly(seen: Evidence, clock: str, row: int) -> Violation:
    if wrong := examined(seen)[clock].broken.get(row):
        lines = [_reads(seen, clock, other) for other in wrong.rows]
        return seen.violation("clock_rule", row, wrong.because, *lines, _reads(seen, clock, row))
    known, twin = seen.causality, twin_of(clock)
    reads, send = _stamp(seen, clock, row), int(known.send[row])
    steps = steps_of(seen, row, row + 1)
    own, lines = _initial(seen, clock, steps.me), list[Line]()
    if seen.follows[row]:
        own = _stamp(seen, clock, row - 1)
        lines.append(_reads(seen, clock, row - 1))
    stamp = own
    if send >= 0:
        stamp = _stamp(seen, clock, send)
        stamp = _before_send(seen, stamp, known.send[row : row + 1])
        lines.append(_reads(seen, clock, send))
    further = known.joined[known.joined[:, 0] == row, 1].tolist()
    for other in further:
        stamp = np.maximum(stamp, _stamp(seen, clock, other))
        lines.append(_reads(seen, clock, other))
    due = twin.due(own, stamp, steps)
    whose = "messages'" if further else "message's"
    message = f" and the {whose} {_plain(stamp)}" if send >= 0 else ""
    because = (
        f"{clock} reads {_plain(reads)}, but its own {_plain(own)}{message} make it {_plain(due)}"
    )
    return seen.violation("clock_rule", row, because, *lines, _reads(seen, clock, row))


def _unordered(seen: Evidence, clock: str, before: int, row: int) -> Violation:
    machine, index = seen.causality.name(before)
    a, b = (_plain(_stamp(seen, clock, r)) for r in (before, row))
    how = (
        "the event before it"
        if seen.causality.machine[row] == seen.causality.machine[before]
        else f"event {index} of {machine}, whose message it received"
    )
    because = f"{clock} reads {b}, which does not come after {a} of {how}"
    lines = _reads(seen, clock, before), _reads(seen, clock, row)
    return seen.violation("clock_condition", row, because, *lines)


def _stamp(seen: Evidence, clock: str, row: int) -> Timestamps:
    """Return the timestamp of one event, as an array of one."""
    name = f"clock_{clock}"
    if seen.run.is_big:
        stamp = seen.run.scan.select(name).slice(row, 1).collect().to_series()
    else:
        stamp = seen.run.events[name].slice(row, 1)
    return twin_of(clock).read(stamp, len(seen.run.machines))


def _reads(seen: Evidence, clock: str, row: int) -> Line:
    return seen.line(row, f"{clock} {_plain(_stamp(seen, clock, row))}")


def _plain(timestamps: Timestamps) -> Any:
    """Return the timestamp in an array of one."""
    return timestamps.tolist()[0]
