"""The verdict on a run: what must not be, where its messages ended, what could not be checked.

Each check answers with the rows of a run that must not exist.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from analysis.checks.account import Account, account, accounting
from analysis.checks.clocks import (
    Claim,
    claims,
    clock_condition,
    clock_rule,
    strong_clock_condition,
    unproven,
)
from analysis.checks.evidence import evidence
from analysis.checks.messages import (
    not_addressed,
    orphans,
    overtaking,
    receive_without_send,
    received_twice,
    strangers,
)
from analysis.checks.offsets import Offset, offsets, sends_dated_late
from analysis.checks.order import causal_cycle, index_gap, ticks_missed, time_runs_back
from analysis.checks.queues import queue
from analysis.checks.violation import Line, Violation
from analysis.history.arrays import series
from analysis.history.run import SEVERAL_FIT, Run
from vm.faults import Crash
from vm.spec import natural_order

__all__ = ["CHECKS", "Account", "Claim", "Line", "Offset", "Verdict", "Violation", "verdict"]

#: A log that is wrong throughout is wrong in every row; nobody reads more of one kind.
MAX_VIOLATIONS_PER_CHECK = 1000
#: Nor more of the lines that could not be used; all of them are in `Run.damage`.
MAX_DAMAGE_LISTED = 100


@dataclass(frozen=True)
class Verdict:
    """What the checks found.

    `unchecked` says what keeps a run without violations from being called fine: logs that are
    missing or damaged. `unknown` are the checks that cannot be made on these logs, with the
    reason. `more` are the checks that have more violations than are listed. `offsets` are wall
    clocks that disagree, which is no violation; `claims` what each clock makes of concurrent
    events.
    """

    run: str
    account: Account | None
    violations: tuple[Violation, ...]
    unchecked: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()
    offsets: tuple[Offset, ...] = ()
    claims: tuple[Claim, ...] = ()


def verdict(run: Run) -> Verdict:
    """The violations of a run, and what keeps a run without any from being called fine."""
    found = {
        name: list(islice(check(run), MAX_VIOLATIONS_PER_CHECK + 1))
        for name, check in CHECKS.items()
    }
    listed = {name: some[:MAX_VIOLATIONS_PER_CHECK] for name, some in found.items()}
    return Verdict(
        run=run.name,
        account=None if run.missing else account(run),
        violations=tuple(violation for some in listed.values() for violation in some),
        unchecked=tuple(_unchecked(run)),
        unknown=tuple(dict(_unknown(run)).items()),
        more=tuple(name for name, some in found.items() if len(some) > len(listed[name])),
        offsets=offsets(run),
        claims=claims(run),
    )


def _unchecked(run: Run) -> Iterator[str]:
    """Why not everything could be checked.

    A torn last line keeps nobody from it: an event is in the log before its messages leave.
    """
    seen = evidence(run)
    waiting = Counter(sender for _, sender, _ in orphans(seen))
    for machine in sorted(strangers(run), key=natural_order):
        yield f"there is no log of {machine}: {waiting[machine]} receives are of its messages"
    if waiting[None]:
        yield f"{waiting[None]} receives fit no send in these logs: some are missing"
    if not run.starts and (several := (series(run, "inferred") == SEVERAL_FIT).sum()):
        yield f"{several} receives could be of several sends, and are left open"
    damage = [damage for damage in run.damage if not damage.is_torn]
    for one in damage[:MAX_DAMAGE_LISTED]:
        yield f"{one.file}:{one.line} could not be used: {one.reason}"
    if len(damage) > MAX_DAMAGE_LISTED:
        yield f"{len(damage) - MAX_DAMAGE_LISTED} more lines could not be used"
    for machine in seen.killed:
        if run.starts and machine not in planned_ends(run):
            yield (
                f"{machine} left no stop record and no crash was planned: it was killed, or its"
                " log was cut short"
            )


def _unknown(run: Run) -> Iterator[tuple[str, str]]:
    """Why checks say nothing about a run."""
    if not run.starts:
        yield from NOT_IN_THE_LOGS_OF_OTHERS.items()
        yield from run.unknown
        if why := sends_dated_late(run):
            yield "clock_offset", why
    if run.missing:
        yield "accounting", f"there is no log of {', '.join(run.missing)}"
    if why := unproven(run):
        yield "strong_clock_condition", why


def planned_ends(run: Run) -> set[str]:
    """The machines that the run's spec has crash and never come back."""
    faults = [fault for start in run.starts.values() for fault in start.spec.faults]
    return {fault.machine for fault in faults if isinstance(fault, Crash)}


#: What only logs of our own tell.
NOT_IN_THE_LOGS_OF_OTHERS = {
    "overtaking": "nobody says whether the channels were to keep order",
    "index_gap": "events are not numbered",
    "ticks_missed": "ticks are not logged",
    "queue": "not every arrival and tick is logged",
    "accounting": "what was not received may be lost or on its way",
}

#: Every check by the name that its violations bear.
CHECKS: dict[str, Callable[[Run], Iterator[Violation]]] = {
    "receive_without_send": receive_without_send,
    "not_addressed": not_addressed,
    "received_twice": received_twice,
    "overtaking": overtaking,
    "index_gap": index_gap,
    "time_runs_back": time_runs_back,
    "causal_cycle": causal_cycle,
    "ticks_missed": ticks_missed,
    "queue": queue,
    "clock_rule": clock_rule,
    "clock_condition": clock_condition,
    "strong_clock_condition": strong_clock_condition,
    "accounting": accounting,
}
