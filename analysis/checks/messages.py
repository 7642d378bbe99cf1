"""Checks of single messages: sender, receiver, number of copies and order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from analysis.checks.evidence import Evidence
from analysis.checks.violation import Coverage, Violation
from analysis.history.arrays import UNKNOWN, series
from analysis.history.derived import derived
from analysis.history.run import NO_SEND_FITS


def matched_receives(seen: Evidence) -> Coverage:
    """Count the receives with a known send."""
    return Coverage(int(np.count_nonzero(seen.causality.send >= 0)), len(seen.receives), "receives")


def receive_without_send(seen: Evidence) -> Iterator[Violation]:
    """Was a message received that was not sent?"""
    for row, sender, cause in orphans(seen):
        if cause == UNKNOWN and _may_be_damaged(seen, sender):
            continue
        if sender is None and seen.run.is_closed:
            because = "received a message, and none that was sent to it fits"
            yield seen.violation("receive_without_send", row, because, seen.line(row, "received"))
            continue
        if sender is None or sender in unlogged_senders(seen) or seen.is_in_hole(sender, cause):
            continue
        if cause == UNKNOWN:
            because = f"received a message of {sender}, which sent it none that fits"
            line = seen.line(row, f"received from {sender}")
            yield seen.violation("receive_without_send", row, because, line)
        else:
            because = f"received event {cause} of {sender}, which sent it nothing"
            line = seen.line(row, f"received event {cause} of {sender}")
            named = ((sender, cause),)
            yield seen.violation("receive_without_send", row, because, line, events=named)


def _may_be_damaged(seen: Evidence, sender: str | None) -> bool:
    """Return whether a damaged line may be the send; without a known sender, one of any log."""
    return any(map(seen.is_damaged, [sender] if sender else seen.run.machines))


def orphans(seen: Evidence) -> Iterator[tuple[int, str | None, int]]:
    """Yield the receives without a known send, with the sender and cause that they name.

    The cause is UNKNOWN where no send fits. Receives that fit several sends are left out.
    """
    rows = seen.receives[seen.causality.send[seen.receives] < 0]
    if len(rows):
        senders, causes = series(seen.run, "sender"), series(seen.run, "cause")
        inferred = series(seen.run, "inferred")
        for row in rows.tolist():
            if (cause := causes[row]) is not None or inferred[row] == NO_SEND_FITS:
                yield row, senders[row], UNKNOWN if cause is None else cause


@derived
def unlogged_senders(seen: Evidence) -> frozenset[str]:
    """Return the machines that receives name as senders, and that have no log."""
    run = seen.run
    if run.starts:
        return frozenset(run.missing)
    return frozenset(series(run, "sender").unique().drop_nulls()) - {*run.logged}


def unlogged_receivers(seen: Evidence) -> Counter[str]:
    """Return the number of messages to each receiver that is not a machine of the run."""
    if seen.run.starts or not (seen.messages.receiver < 0).any():
        return Counter()
    names = seen.run.scan.select(pl.col("to").explode().drop_nulls()).collect().to_series()
    return Counter(name for name in names if name not in seen.run.machines)


def not_addressed(seen: Evidence) -> Iterator[Violation]:
    """Did a machine receive a message that was sent to others?"""
    known = seen.causality
    for row in np.flatnonzero((known.send >= 0) & (seen.messages.of_receive < 0)).tolist():
        send = int(known.send[row])
        sender, cause = known.name(send)
        to = ", ".join(seen.messages.to(send))
        because = f"received event {cause} of {sender}, which was sent to {to}"
        lines = seen.line(send, f"to {to}"), seen.line(row, f"received from {sender}")
        yield seen.violation("not_addressed", row, because, *lines)


def received_twice(seen: Evidence) -> Iterator[Violation]:
    """Was any message received more often than it had copies?"""
    all_ = seen.messages
    arriving = all_.copies - all_.lost
    for message in np.flatnonzero(all_.received > arriving):
        rows = np.flatnonzero(all_.of_receive == message)
        sender, index, _ = all_.name(int(message))
        says = "lost" if all_.lost[message] else f"{all_.copies[message]} sent"
        sent = seen.line(int(all_.send[message]), says)
        lines = [seen.line(int(row), f"received event {index} of {sender}") for row in rows]
        # As many receives as there were copies, and one more, contradict each other.
        copies = int(arriving[message])
        for times in range(copies, len(rows)):
            because = f"received event {index} of {sender}{_before(times)}"
            row = int(rows[times])
            yield seen.violation(
                "received_twice", row, because, sent, *lines[:copies], lines[times]
            )


def _before(times: int) -> str:
    if times == 0:
        return ", which lists it as lost"
    return " before" if times == 1 else f" {times} times before"


def fifo_receives(seen: Evidence) -> Coverage:
    """Count the receives with a known send, on channels that were declared to keep order."""
    known = matched_receives(seen)
    if not seen.run.starts and not seen.fifo:
        return replace(known, checked=0, why="the logs do not show whether channels keep order")
    if not seen.run.starts:
        return replace(known, checked=int(np.count_nonzero(seen.is_proven)))
    return known if seen.fifo else Coverage(0, 0, "receives on channels that keep order")


def fifo_violation(seen: Evidence) -> Iterator[Violation]:
    """Did a message overtake another one on a channel that keeps order?"""
    if not seen.fifo:
        return
    known, all_ = seen.causality, seen.messages
    overtaker, last = seen.overtaking
    for row in np.flatnonzero(overtaker >= 0):
        yield _overtaken(seen, int(row), int(overtaker[row]))
    if not seen.run.starts:
        return
    expected = all_.received < all_.copies - all_.lost
    listed = (all_.inbox > 0) | (all_.undelivered > 0)
    for message in np.flatnonzero(expected & listed & (all_.receiver >= 0)):
        send = int(all_.send[message])
        receive = last[known.machine[send], all_.receiver[message]]
        if receive >= 0 and known.send[receive] > send:
            yield _left_behind(seen, send, int(receive))


def _overtaken(seen: Evidence, row: int, overtaker: int) -> Violation:
    known = seen.causality
    sender, index = known.name(int(known.send[row]))
    _, later = known.name(int(known.send[overtaker]))
    because = f"received event {index} of {sender} after event {later}, which was sent later"
    lines = (
        seen.line(int(known.send[row]), "sent first"),
        seen.line(int(known.send[overtaker]), "sent later"),
        seen.line(overtaker, f"received event {later} of {sender}"),
        seen.line(row, f"received event {index} of {sender}"),
    )
    return seen.violation("fifo_violation", row, because, *lines)


def _left_behind(seen: Evidence, send: int, receive: int) -> Violation:
    known = seen.causality
    later = int(known.send[receive])
    receiver, _ = known.name(receive)
    because = (
        f"its message to {receiver} was left behind, but {receiver} received the one of event"
        f" {known.name(later)[1]}, which was sent later"
    )
    lines = (
        seen.line(send, f"sent first to {receiver}, never received"),
        seen.line(later, "sent later"),
        seen.line(receive, "received the later one"),
    )
    return seen.violation("fifo_violation", send, because, *lines)
