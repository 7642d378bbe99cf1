"""Attribution of violations that involve several machines to the machine with the wrong log.

A log that was changed can make the logs of its peers look wrong: a receive without its send, a
message that was never received. The checks of `OWN` look at one log at a time, so their violations
are errors of that log. A violation that involves a machine with a wrong log is attributed to this
machine, and not to its peers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from analysis.checks.evidence import Evidence
from analysis.checks.violation import ANY, Violation

OWN = (
    "index_gap",
    "time_runs_back",
    "ticks_missed",
    "schedule",
    "unplanned_fault",
    "replay",
    "queue",
)
#: Violations of a machine by its receives: they show which log is wrong if those of OWN do not.
BY_RECEIVES = ("receive_without_send", "not_addressed", "received_twice", "clock_rule")

#: Violations by a path of messages or the lack of one: the log of any machine may be the wrong one.
BY_PATHS = ("strong_clock_condition", "causal_cycle")


def blamed(seen: Evidence, found: Mapping[str, list[Violation]]) -> dict[str, list[Violation]]:
    """Return violations by check, each named by an event of the machine with the wrong log.

    The order is that of the checks. A violation moves to another machine that it involves if the
    log of this machine is known to be wrong, and that of its own machine is not.
    """
    if not seen.run.starts:
        return dict(found)
    wrong = dict(_first(v for check in OWN for v in found.get(check, ()) if not v.peer))
    wrong = dict(_first(v for v in found["clock_rule"] if _is_local(seen, v))) | wrong
    found = {
        **found,
        "receive_without_send": _by_sender(seen, found["receive_without_send"], wrong),
    }
    moved = dict(found)
    for check in (*BY_RECEIVES, "schedule", "queue"):
        moved[check] = [_moved(violation, wrong) for violation in found[check]]
    by_receives = _first(v for check in (*BY_RECEIVES, "schedule") for v in moved[check])
    wrong = {machine: event for machine, event in by_receives if machine not in wrong} | wrong
    for check in found:
        if check not in (*OWN, *BY_RECEIVES):
            moved[check] = [_moved(violation, wrong) for violation in found[check]]
    return moved


def _by_sender(
    seen: Evidence, found: list[Violation], wrong: Mapping[str, Violation]
) -> list[Violation]:
    """Return violations by receives without a send, attributed to the log of the sender if it is
    contradicted several times: by several machines, or by receives of events behind its end.

    Receives in logs that are known to be wrong do not count.
    """
    ends = {
        machine: int(seen.causality.row_index.index[seen.rows_of(m)].max(initial=-1))
        for m, machine in enumerate(seen.run.machines)
    }
    against: dict[str, list[Violation]] = {}
    for violation in found:
        sender, _ = violation.events[-1]
        if violation.machine not in wrong and sender in ends and sender != violation.machine:
            against.setdefault(sender, []).append(violation)
    moved = {}
    for sender, some in against.items():
        end = ends[sender]
        beyond = {one.events[-1] for one in some if one.events[-1][1] > end}
        if len({one.machine for one in some}) > 1 or len(beyond) > 1:
            for one in some:
                at = f"event {one.index} of {one.machine}"
                because = (
                    f"its log, which ends with event {end}, is contradicted: {at} {one.because}"
                )
                events = (*[(sender, end)] * (end >= 0), *one.events)
                there = replace(one, machine=sender, index=end, because=because, events=events)
                moved[id(one)] = there
    return [moved.get(id(violation), violation) for violation in found]


def _first(violations: Iterable[Violation]) -> Iterator[tuple[str, Violation]]:
    """Yield violations by machine in reverse order, so that a `dict` keeps the first of each."""
    return ((violation.machine, violation) for violation in reversed([*violations]))


def _is_local(seen: Evidence, violation: Violation) -> bool:
    return bool(seen.causality.send[seen.causality.row(violation.machine, violation.index)] < 0)


def _moved(violation: Violation, wrong: Mapping[str, Violation]) -> Violation:
    if violation.machine in wrong:
        return violation
    involved = dict.fromkeys([*(machine for machine, _ in violation.events), violation.peer])
    others = [wrong[machine] for machine in involved if machine in wrong]
    if violation.check in BY_PATHS or violation.peer == ANY:
        others = others or [*wrong.values()][-1:]
    if not others:
        return violation
    machine = others[0].machine
    own = [event for event in violation.events if event[0] == machine]
    _, index = own[0] if own else (machine, others[0].index)
    of = f"event {violation.index} of {violation.machine}"
    because = f"the log of {machine} is wrong, as {of} shows: {violation.because}"
    events = dict.fromkeys([(machine, index), *violation.events])
    return replace(violation, machine=machine, index=index, because=because, events=tuple(events))
