"""The checks: each finds the events of a run that must not be, and counts the cases it covers."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from analysis.checks.account import Account, accounted_messages, accounting
from analysis.checks.clocks import (
    Claim,
    clock_condition,
    clock_rule,
    proven_pairs,
    ruled_receives,
    strong_clock_condition,
)
from analysis.checks.evidence import Evidence
from analysis.checks.messages import (
    fifo_receives,
    fifo_violation,
    matched_receives,
    not_addressed,
    receive_without_send,
    received_twice,
)
from analysis.checks.offsets import Offset
from analysis.checks.order import (
    causal_cycle,
    dated_events,
    index_gap,
    numbered_events,
    ticked_events,
    ticks_missed,
    time_runs_back,
)
from analysis.checks.queues import queue, queued_events
from analysis.checks.violation import Coverage, Line, Violation

__all__ = [
    "CHECKS",
    "Account",
    "Check",
    "Claim",
    "Coverage",
    "Evidence",
    "Line",
    "Offset",
    "Violation",
]


class Check(NamedTuple):
    """`find` yields the violations of a run, and has a question as its docstring; `coverage`
    counts the cases among which it looked for them."""

    find: Callable[[Evidence], Iterator[Violation]]
    coverage: Callable[[Evidence], Coverage]


#: Every check by the name that its violations bear.
CHECKS: dict[str, Check] = {
    "receive_without_send": Check(receive_without_send, matched_receives),
    "not_addressed": Check(not_addressed, matched_receives),
    "received_twice": Check(received_twice, matched_receives),
    "fifo_violation": Check(fifo_violation, fifo_receives),
    "index_gap": Check(index_gap, numbered_events),
    "time_runs_back": Check(time_runs_back, dated_events),
    "causal_cycle": Check(causal_cycle, matched_receives),
    "ticks_missed": Check(ticks_missed, ticked_events),
    "queue": Check(queue, queued_events),
    "clock_rule": Check(clock_rule, ruled_receives),
    "clock_condition": Check(clock_condition, ruled_receives),
    "strong_clock_condition": Check(strong_clock_condition, proven_pairs),
    "accounting": Check(accounting, accounted_messages),
}
