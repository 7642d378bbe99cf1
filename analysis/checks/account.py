"""Where the messages of a run ended: every copy in exactly one place.

The places are: received, left in the receiver's inbox, undelivered (never acknowledged), lost to
a fault, died with a machine that was killed. A copy may be undelivered at its sender and yet
have arrived: then only its acknowledgement was lost, and it counts where it arrived.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.checks.evidence import Evidence, evidence
from analysis.checks.violation import Violation
from analysis.history.kernels import Rows
from analysis.history.messages import Named
from analysis.history.run import Run


@dataclass(frozen=True)
class Account:
    """Where the copies of a run's messages ended; `unaccounted` is 0 unless a check is violated."""

    sent: int
    received: int
    inbox: int
    undelivered: int
    lost: int
    died: int
    unaccounted: int


def account(run: Run) -> Account:
    """Where the messages went. Meaningful if the run can be checked: all logs, causes known."""
    places = placed(run)
    sent = int(evidence(run).messages.copies.sum())
    return Account(sent=sent, **{place: int(copies.sum()) for place, copies in places.items()})


@lru_cache(maxsize=1)
def placed(run: Run) -> dict[str, Rows]:
    """How many copies of each message ended in each place.

    A copy that can have ended in several places counts in the first of them.
    """
    seen = evidence(run)
    all_ = seen.messages
    left = all_.copies - all_.lost
    places = {"lost": all_.lost}
    for place in ("received", "inbox", "undelivered"):
        places[place] = np.minimum(left, getattr(all_, place))
        left = left - places[place]
    if not run.starts:
        # The logs of others do not say how messages end: what was not received is on its way.
        places["undelivered"], left = places["undelivered"] + left, np.zeros_like(left)
    # The entry at the end is for receivers that are no machines: their number is -1.
    killed = np.append(np.isin(run.machines, seen.killed), False)
    died = killed[seen.causality.machine[all_.send]] | killed[all_.receiver]
    return places | {"died": np.where(died, left, 0), "unaccounted": np.where(died, 0, left)}


def accounting(run: Run) -> Iterator[Violation]:
    """Does every message end in exactly one place?"""
    seen = evidence(run)
    all_ = seen.messages
    for message in np.flatnonzero(placed(run)["unaccounted"] > 0):
        receiver = all_.name(int(message))[2]
        if receiver not in run.missing and not seen.holes.get(receiver):
            because = (
                f"its message to {receiver} is nowhere: not received, not left, not undelivered"
            )
            yield _about(seen, int(message), because)
    arrived = all_.received + all_.inbox
    doubled = (all_.inbox > 0) & (arrived > all_.copies - all_.lost)
    for message in np.flatnonzero(doubled & (all_.received > 0)):
        because = (
            f"its message to {all_.name(int(message))[2]} was received and is in the inbox as well"
        )
        yield _about(seen, int(message), because)
    for place in ("inbox", "undelivered"):
        for message in np.flatnonzero(getattr(all_, place) > all_.copies):
            receiver = all_.name(int(message))[2]
            because = f"its message to {receiver} is listed as {place} more than once"
            yield _about(seen, int(message), because)
        for named in all_.unsent[place]:
            yield from _unsent(seen, place, named)


def _about(seen: Evidence, message: int, because: str) -> Violation:
    """A violation by the send of a message."""
    _, _, receiver = seen.messages.name(message)
    row = int(seen.messages.send[message])
    line = seen.line(row, f"sent to {receiver}")
    rows = np.flatnonzero(seen.messages.of_receive == message)
    received = [seen.line(int(row), "received it") for row in rows]
    return seen.violation("accounting", row, because, line, *received)


def _unsent(seen: Evidence, place: str, named: Named) -> Iterator[Violation]:
    sender, index, receiver = named
    if sender not in seen.run.missing and not seen.is_in_hole(sender, index):
        because = f"a message to {receiver} is listed as {place} but was never sent"
        yield Violation("accounting", seen.run.name, sender, index, because, ((sender, index),))
