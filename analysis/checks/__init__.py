"""The checks: each finds the violations of a rule in a run, and counts the cases that it covers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from analysis.checks import (
    account,
    clocks,
    faults,
    messages,
    order,
    queues,
    repetition,
    schedule,
)
from analysis.checks.evidence import Evidence
from analysis.checks.violation import Coverage, Violation


class Check(NamedTuple):
    """A check: `find` yields the violations of a run, and its docstring is a question; `coverage`
    counts the cases that were checked."""

    find: Callable[[Evidence], Iterator[Violation]]
    coverage: Callable[[Evidence], Coverage]


#: Every check by its name, which is also `Violation.check`.
CHECKS: dict[str, Check] = {
    "receive_without_send": Check(messages.receive_without_send, messages.matched_receives),
    "not_addressed": Check(messages.not_addressed, messages.matched_receives),
    "received_twice": Check(messages.received_twice, messages.matched_receives),
    "fifo_violation": Check(messages.fifo_violation, messages.fifo_receives),
    "index_gap": Check(order.index_gap, order.numbered_events),
    "time_runs_back": Check(order.time_runs_back, order.dated_events),
    "causal_cycle": Check(order.causal_cycle, messages.matched_receives),
    "ticks_missed": Check(
        order.ticks_missed, partial(order.own_events, why="ticks are not logged")
    ),
    "schedule": Check(schedule.schedule, partial(order.own_events, why="ticks are not logged")),
    "unplanned_fault": Check(
        faults.unplanned_fault, partial(order.own_events, why="planned faults are not logged")
    ),
    "replay": Check(repetition.replay, repetition.repeated_events),
    "queue": Check(queues.queue, queues.counted_queues),
    "clock_rule": Check(clocks.clock_rule, clocks.ruled_receives),
    "clock_condition": Check(clocks.clock_condition, clocks.ruled_receives),
    "strong_clock_condition": Check(clocks.strong_clock_condition, clocks.proven_pairs),
    "accounting": Check(account.accounting, account.accounted_messages),
}
