"""Conventions and mistakes in words."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from analysis.logs.conventions import (
    ADDS_NOTHING,
    ADDS_TWO,
    IGNORES_OWN,
    IGNORES_STAMP,
    KINDS,
    ON_ARRIVAL,
    TAKES_OVER,
    Conventions,
)
from analysis.logs.conventions.clocks import Flags, Numbers
from analysis.logs.conventions.fitting import ASKED, Fitted, Trial
from vm.quoting import counted
from vm.records import Kind

#: The clock as the events table has it.
SHOWN = "; the clocks after the events are shown"
STAMPED_BEFORE = "messages carry the clock from before the send advances it"
#: At least this share of the receives that can show a mistake have to show it.
MOST = 0.9
#: The mistakes of receives that steps of the clock show without stamps.
BY_STEPS = {
    TAKES_OVER: "a receive takes a larger stamp over and adds nothing to it (max(own + 1, stamp))",
    ADDS_NOTHING: "a receive takes the larger of both clocks, and adds nothing",
    ADDS_TWO: "a receive takes the larger of both clocks, and adds two",
    IGNORES_STAMP: "a receive ignores the stamp, and adds one to its own clock",
    IGNORES_OWN: "a receive takes the stamp over, even if its own clock is ahead",
}


def of_reading(found: Conventions) -> Iterator[str]:
    """Yield a sentence for each convention that is not the usual one."""
    if found.initial:
        first = found.initial + (found.before is None or "internal" not in found.before)
        yield f"the clocks begin at {found.initial}, so a first event reads {first}"
    if found.before == frozenset(KINDS):
        yield (
            "the clock is logged as it was before the event: every jump is on the line after a"
            f" receive{SHOWN}"
        )
    elif found.before:
        yield f"{_by_kind(found.before)}{SHOWN}"


def _by_kind(before: frozenset[Kind]) -> str:
    early, late = (
        " and ".join(kind for kind in KINDS if (kind in before) == is_early)
        for is_early in (True, False)
    )
    return (
        f"{early} events are logged with the clock from before them, {late} events with the clock"
        " after them"
    )


def question(own: Conventions, other: Conventions) -> str:
    """Return the question which of two readings is right."""
    assert own.before is not None
    assert other.before is not None
    differing = [name for name in ASKED if getattr(own, name) != getattr(other, name)]
    kinds = own.before ^ other.before
    is_one_way = kinds <= own.before or kinds <= other.before
    match differing:
        case ["before"] if is_one_way:
            which = " or ".join(kind for kind in KINDS if kind in kinds)
            of = "an" if kinds == frozenset(KINDS) else f"each {which}"
            return f"is the clock of {of} event logged before or after the event?"
        case ["initial"]:
            return f"do the clocks begin at {own.initial} or at {other.initial}?"
        case ["stamp"]:
            return "does a message carry the clock from before or after the send's increment?"
    one, another = (", and ".join(_stated(reading, differing)) for reading in (own, other))
    return f"which is right: {one}; or {another}?"


def _stated(reading: Conventions, names: Sequence[str]) -> Iterator[str]:
    assert reading.before is not None
    side = "before" if reading.before else "after"
    is_mixed = 0 < len(reading.before) < len(KINDS)
    stated = {
        "before": _by_kind(reading.before)
        if is_mixed
        else f"the clock is logged {side} each event",
        "initial": f"the clocks begin at {reading.initial}",
        "stamp": f"messages carry the clock from {reading.stamp} the send advances it",
    }
    yield from (stated[name] for name in names)


def settings(reading: Conventions, names: Sequence[str]) -> tuple[str, ...]:
    """Return the settings of `vklocks check --set` that give some conventions of a reading."""
    assert reading.before is not None
    side = [f"clock.{kind}=before" for kind in KINDS if kind in reading.before]
    if not 0 < len(side) < len(KINDS):
        side = [f"clock={'before' if side else 'after'}"]
    given = {
        "before": side,
        "initial": [f"initial={reading.initial}"],
        "stamp": [f"stamp={reading.stamp}"],
    }
    return tuple(setting for name in names for setting in given[name])


def of_mistakes(trial: Trial, found: Fitted) -> Iterator[str]:
    """Yield a sentence for each mistake that is made throughout, or by one machine throughout."""
    table = found.matches.table.filter(pl.col("row") >= 0)
    of, by = table["row"].to_numpy(), table["send"].to_numpy()
    machine = trial.events["machine"].to_numpy()
    for rule in dict.fromkeys(found.rules.values()):
        wrong = [name for name, its in found.rules.items() if its == rule]
        where = f"{', '.join(wrong)}: " * (len(wrong) < len(found.rules))
        same = (found.clocks.post[of] == found.clocks.post[by]) & np.isin(machine[of], wrong)
        if rule == TAKES_OVER and same.any():
            yield f"{where}{_reads_same(same)}: {BY_STEPS[rule]}"
        elif rule in BY_STEPS:
            yield f"{where}{BY_STEPS[rule]}"
    if found.conventions.stamp == "before":
        yield from _stamped_before(trial, found, of, by)
    yield from _by_stamps(trial, found, of)
    if why := _on_arrival(trial, found, of, by):
        yield why


def _stamped_before(trial: Trial, found: Fitted, of: Numbers, by: Numbers) -> Iterator[str]:
    same = found.clocks.post[of] == found.clocks.post[by]
    stamps = trial.seen.stamp[of][same]
    # A receive that reads one more than its logged stamp adds one.
    are_logged = (
        len(stamps) and (stamps >= 0).all() and (found.clocks.post[of][same] > stamps).all()
    )
    are_logged |= (trial.seen.stamp[trial.seen.is_kind("send")] >= 0).any()
    if same.any() and are_logged:
        yield f"{_reads_same(same)}: {STAMPED_BEFORE}, as the logged stamps show"
    elif same.any():
        yield (
            f"{_reads_same(same)}: {BY_STEPS[TAKES_OVER]}, or {STAMPED_BEFORE}; the logs alone"
            " cannot tell which: --set stamp=after is the first, --set stamp=before the second"
        )


def _reads_same(same: Flags) -> str:
    count = int(same.sum())
    return f"{counted(count, 'receive')} {'read' if count > 1 else 'reads'} the same as the send"


def _by_stamps(trial: Trial, found: Fitted, of: Numbers) -> Iterator[str]:
    """Yield the mistake of receives with a logged stamp that is ahead of their own clock."""
    of = of[trial.seen.stamp[of] >= 0]
    pre, post, stamp = found.clocks.pre[of], found.clocks.post[of], trial.seen.stamp[of]
    ahead = stamp > pre
    due = {
        "take it over and add nothing: max(own + 1, stamp)": np.maximum(pre + 1, stamp),
        "ignore it: own + 1": pre + 1,
    }
    for how, clock in due.items():
        shown = ahead & (clock != stamp + 1)
        alike = int((shown & (post == clock)).sum())
        if alike > 1 and alike >= MOST * shown.sum():
            yield f"{alike:,} of {shown.sum():,} receives with a stamp ahead of their clock {how}"
            return


def _on_arrival(trial: Trial, found: Fitted, of: Numbers, by: Numbers) -> str:
    """Return how clocks jump beyond what an event explains, if stamps of later receives do."""
    pre, post, stamp = found.clocks.pre, found.clocks.post, trial.seen.stamp
    received = trial.seen.is_kind("receive")
    # A receive without a stamp may have any.
    known = ~received | (stamp >= 0)
    due = np.where(received, np.maximum(pre, stamp), pre) + 1
    jumps = np.flatnonzero((post > due) & trial.seen.follows & known)
    machine = np.cumsum(~trial.seen.follows)
    later = [
        of[(machine[of] == machine[row]) & (of > row) & (post[by] == post[row] - 1)]
        for row in jumps
    ]
    shown = [(row, some[0]) for row, some in zip(jumps, later, strict=True) if len(some)]
    if not shown or (2 * len(shown) < len(jumps) and ON_ARRIVAL not in found.rules.values()):
        return ""
    files, lines = trial.events["file"], trial.events["line"]
    row, receive = (int(one) for one in shown[0])
    return (
        f"the clock jumps at {counted(len(jumps), 'event')} further than the event explains, at"
        f" {len(shown):,} of them to one more than the stamp of a message that is received later"
        f" ({files[row]}:{lines[row]} to that of {files[receive]}:{lines[receive]}): stamps are"
        " taken over when messages arrive, not when they are received"
    )
