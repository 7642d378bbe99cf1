"""Arrivals in virtual time, where latency and faults alone decide when a message arrives."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from analysis.checks.evidence import Evidence
from analysis.checks.violation import Violation
from analysis.history.run import MAX_INT64
from vm.channel import DRAIN_NS, Channel, last_departure_ns
from vm.faults import Crash, Restart
from vm.latency import in_virtual_time

#: By sender, index of the send and receiver: when the copies of a message arrive.
Arrivals = dict[tuple[str, int, str], list[int]]


def other_arrivals(seen: Evidence) -> Iterator[Violation]:
    """Yield violations for messages, received or in an inbox, that arrived at another instant, and
    for messages that must have arrived and are neither received nor in the inbox.

    After a kill of sender or receiver messages are sent again, with other latencies: these are
    not checked.
    """
    expected = _expected(seen)
    # Each copy arrives once: arrivals that a log holds are taken off.
    for m, machine in enumerate(seen.run.machines):
        rows = seen.rows_of(m)
        columns = seen.run.scan.slice(rows.start, rows.stop - rows.start).select(
            "sender", "cause", "arrived_ns"
        )
        for n, (sender, cause, arrived_ns) in enumerate(columns.collect().iter_rows()):
            arrivals = expected.get((sender, cause, machine))
            if because := _other(seen, (sender, machine), arrivals, arrived_ns):
                row = rows.start + n
                line = seen.line(row, f"arrived at {arrived_ns} ns")
                found = seen.violation("schedule", row, because, line)
                yield replace(found, peer=sender)
        for unread in seen.run.stops[machine].inbox if machine in seen.run.stops else ():
            arrivals = expected.get((unread.sender, unread.cause, machine))
            if because := _other(seen, (unread.sender, machine), arrivals, unread.arrived_ns):
                because = f"event {unread.cause} of {unread.sender} in its inbox {because}"
                yield replace(seen.violation_at_end("schedule", m, because), peer=unread.sender)
    yield from _never_arrived(seen, expected)


def _never_arrived(seen: Evidence, left: Arrivals) -> Iterator[Violation]:
    """Yield violations for arrivals that the receiver's log does not hold.

    Channels are drained for a while after the last departure of a run that finished.
    """
    until_ns = last_departure_ns(seen.spec) + DRAIN_NS
    killed = {fault.machine for fault in seen.spec.faults if isinstance(fault, Crash | Restart)}
    for (sender, index, receiver), arrivals in left.items():
        stop = seen.run.stops.get(receiver)
        if stop is None or stop.reason != "finished" or {sender, receiver} & killed:
            continue
        held = [at_ns for at_ns in arrivals if at_ns < until_ns]
        if held and not seen.is_damaged(receiver):
            because = f"event {index} of {sender} arrived at {held[0]} ns, which its log lacks"
            m = seen.run.machines.index(receiver)
            found = seen.violation_at_end("schedule", m, because)
            yield replace(found, peer=sender)


def _other(
    seen: Evidence, ends: tuple[str, str], expected: list[int] | None, arrived_ns: int
) -> str:
    """Return why a message cannot have arrived then, or "" if it can or its send is unknown.

    The arrival is taken off the expected ones.
    """
    if not expected:
        return ""
    if arrived_ns in expected:
        expected.remove(arrived_ns)
        return ""
    faults = (f for f in seen.spec.faults if isinstance(f, Crash | Restart) and f.machine in ends)
    if arrived_ns > min((fault.at_ns for fault in faults), default=MAX_INT64):
        return ""
    return f"arrived at {arrived_ns} ns, but by latency and faults it is due at {min(expected)} ns"


def _expected(seen: Evidence) -> Arrivals:
    """Compute when the messages arrive that are sent in logs without damage."""
    spec, latency, found = seen.spec, in_virtual_time(seen.spec.latency), Arrivals()
    channels = dict[tuple[str, str], Channel]()
    whole = [m for m in seen.run.logged if not seen.is_damaged(m)]
    sends = seen.run.scan.filter((pl.col("kind") == "send") & pl.col("machine").is_in(whole))
    named = sends.select("machine", "index", "to", "at_ns").collect()
    for machine, index, receivers, at_ns in named.iter_rows():
        for receiver in receivers:
            ends = machine, receiver
            if ends not in channels:
                channels[ends] = Channel(spec, *ends, latency)
            found[machine, index, receiver] = list(channels[ends].carry(at_ns))
    return found
