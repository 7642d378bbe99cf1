"""The account of a run's messages: every copy has exactly one end.

The ends are: received, received by a receive that fits several sends (`open`), left in the
receiver's inbox, undelivered (never acknowledged), lost to a fault, sent to a machine without a
log (`unlogged`), perhaps received on an unusable line of the receiver's log (`unreadable`), died
with a machine that was killed. A copy that its sender lists as undelivered
may have arrived: then only its acknowledgement was lost, and it counts where it arrived.

In logs of other programs, a send may name no receiver, and a receive may fit no send. These sends
and receives are not part of the equation, but terms of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.checks.evidence import Evidence
from analysis.checks.violation import Coverage, Violation
from analysis.history.arrays import series
from analysis.history.derived import derived
from analysis.history.kernels import Rows
from analysis.history.messages import Named
from analysis.history.run import ANY_FITS, NO_RECEIVER, SEVERAL_FIT

#: In the order in which they are printed; `sent` is their sum.
ENDS = (
    *("received", "open", "inbox", "undelivered", "lost", "unlogged", "died", "unreadable"),
    "unaccounted",
)


@dataclass(frozen=True)
class Account:
    """The copies of a run's messages by end; `unaccounted` is 0 unless a check is violated.

    `sent` counts all copies, `duplicated` the second ones of messages.

    `unnamed_sends` counts sends without logged receivers, `unnamed_received` their messages with
    a matched receive, `unmatched_receives` the receives that match none of these messages.
    `at_least` means that there may be more messages, which the logs do not show.
    """

    sent: int
    received: int
    inbox: int
    undelivered: int
    lost: int
    died: int
    unaccounted: int
    open: int = 0
    unlogged: int = 0
    unreadable: int = 0
    duplicated: int = 0
    unnamed_sends: int = 0
    unnamed_received: int = 0
    unmatched_receives: int = 0
    at_least: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether there are sends or receives that are not part of the equation."""
        return bool(self.unnamed_sends or self.unmatched_receives)

    @property
    def ends(self) -> dict[str, int]:
        """The number of copies with each of ENDS."""
        return {end: getattr(self, end) for end in ENDS}


def account(seen: Evidence) -> Account:
    """Return the account of a run. It is meaningful if every machine of ours has a log."""
    ends, unnamed = ended(seen), _unnamed(seen)
    named = ~unnamed[seen.messages.send]
    counts = {end: int(copies[named].sum()) for end, copies in ends.items()}
    received = int(ends["received"].sum())
    return Account(
        sent=int(seen.messages.copies[named].sum()),
        **counts,
        duplicated=int((seen.messages.copies[named] > 1).sum()),
        unnamed_sends=int(np.count_nonzero(unnamed)),
        unnamed_received=received - counts["received"],
        unmatched_receives=(
            len(seen.receives) + len(seen.causality.joined) - received - counts["open"]
        ),
        at_least=seen.run.by_vectors,
    )


@derived
def ended(seen: Evidence) -> dict[str, Rows]:
    """Return by end the number of copies of each message.

    A copy with several possible ends counts for the first of them.
    """
    run, all_ = seen.run, seen.messages
    left = all_.copies - all_.lost
    ends = {"lost": all_.lost}
    for end in ("received", "inbox", "undelivered"):
        ends[end] = np.minimum(left, getattr(all_, end))
        left = left - ends[end]
    ends["open"] = _open(seen, left)
    left = left - ends["open"]
    # The last entry is for receivers that are not machines of the run: their number is -1.
    unlogged = np.append(np.isin(run.machines, run.missing), not run.starts)[all_.receiver]
    ends["unlogged"] = np.where(unlogged, left, 0)
    left = left - ends["unlogged"]
    if not run.starts:
        # Logs of other programs do not show how messages end: the rest counts as undelivered.
        ends["undelivered"], left = ends["undelivered"] + left, np.zeros_like(left)
    killed = np.append(np.isin(run.machines, seen.killed), False)
    # In virtual time a sender lists all that a crashed receiver has not logged as undelivered.
    dead = np.append(np.isin(run.machines, list(seen.cut)), False) if seen.is_virtual else killed
    died = killed[seen.causality.machine[all_.send]] | dead[all_.receiver]
    ends["died"] = np.where(died, left, 0)
    left = left - ends["died"]
    damaged = [machine for machine, holes in seen.holes.items() if holes]
    holed = np.append(np.isin(run.machines, damaged), False)[all_.receiver]
    return ends | {
        "unreadable": np.where(holed, left, 0),
        "unaccounted": np.where(holed, 0, left),
    }


def _open(seen: Evidence, left: Rows) -> Rows:
    """Return the copies that count as `open`: for each receiver the first of its copies in `left`,
    as many as it has receives that fit several sends."""
    found = np.zeros_like(left)
    if seen.run.starts:
        return found
    inferred = series(seen.run, "inferred")
    several = inferred.is_in([SEVERAL_FIT, ANY_FITS]).fill_null(False).to_numpy()
    machines = seen.causality.machine[several]
    for machine, receives in zip(*np.unique(machines, return_counts=True), strict=True):
        here = np.flatnonzero(seen.messages.receiver == machine)
        before = np.cumsum(left[here]) - left[here]
        found[here] = np.clip(receives - before, 0, left[here])
    return found


def _unnamed(seen: Evidence) -> NDArray[np.bool_]:
    """Return by row whether it is a send without logged receivers."""
    if seen.run.starts:
        return np.zeros(len(seen.causality), bool)
    unnamed = series(seen.run, "inferred") == NO_RECEIVER
    return unnamed.fill_null(False).to_numpy()


def accounted_messages(seen: Evidence) -> Coverage:
    """Count the messages that must have exactly one end."""
    copies = int(seen.messages.copies.sum())
    why = ", ".join(map(seen.run.absence, seen.run.missing))
    if not seen.run.starts and not _are_all_received(seen):
        why = "messages that were not received may be lost or on their way"
    known = copies - int(ended(seen)["unreadable"].sum())
    return Coverage(0 if why else known, copies, "messages", why)


def _are_all_received(seen: Evidence) -> bool:
    """Return whether the account has a receive for each message, and a message for each receive."""
    found = account(seen)
    is_open = found.is_partial or found.at_least or found.open
    return found.received == found.sent and not is_open


def accounting(seen: Evidence) -> Iterator[Violation]:
    """Does every message have exactly one end?"""
    all_ = seen.messages
    for message in np.flatnonzero(ended(seen)["unaccounted"] > 0).tolist():
        problem = "is nowhere: not received, not in the inbox, not undelivered"
        about = _by_receiver if _has_arrived(seen, message) else _by_sender
        yield about(seen, message, problem)
    arrived = all_.received + all_.inbox
    doubled = (all_.inbox > 0) & (arrived > all_.copies - all_.lost)
    for message in np.flatnonzero(doubled & (all_.received > 0)).tolist():
        yield _by_receiver(seen, message, "was received and is in the inbox as well")
    for end, about in (("inbox", _by_receiver), ("undelivered", _by_sender)):
        for message in np.flatnonzero(getattr(all_, end) > all_.copies).tolist():
            yield about(seen, message, f"is listed as {end} more than once")
        possible = np.clip(all_.copies - all_.lost, 0, None)
        if end == "undelivered" and seen.is_virtual:
            possible = np.clip(possible - all_.received - all_.inbox, 0, None)
        invented = (getattr(all_, end) > possible) & (getattr(all_, end) <= all_.copies)
        for message in np.flatnonzero(invented).tolist():
            why = "was lost" if all_.lost[message] else "arrived"
            yield about(seen, message, f"is listed as {end} although it {why}")
        for named in all_.unsent[end]:
            yield from _unsent(seen, end, named)


def _has_arrived(seen: Evidence, message: int) -> bool:
    """Return whether the logs show that a message must have arrived: its receiver ran to the end,
    and its sender lists no message to it as undelivered."""
    sender, _, receiver = seen.messages.name(message)
    stop, sent = seen.run.stops.get(receiver), seen.run.stops.get(sender)
    if stop is None or stop.reason != "finished":
        return False
    return not any(left.to == receiver for left in (sent.undelivered if sent else ()))


def _by_sender(seen: Evidence, message: int, problem: str) -> Violation:
    """Return the violation for a message with this problem, named by its send."""
    _, _, receiver = seen.messages.name(message)
    row = int(seen.messages.send[message])
    line = seen.line(row, f"sent to {receiver}")
    rows = np.flatnonzero(seen.messages.of_receive == message)
    received = [seen.line(int(row), "received it") for row in rows]
    because = f"its message to {receiver} {problem}"
    return replace(seen.violation("accounting", row, because, line, *received), peer=receiver)


def _by_receiver(seen: Evidence, message: int, problem: str) -> Violation:
    """Return the same violation, named by the last event in the receiver's log."""
    sender, index, receiver = seen.messages.name(message)
    about = _by_sender(seen, message, problem)
    because = f"the message of event {index} of {sender} to it {problem}"
    found = seen.violation_at_end("accounting", seen.run.machines.index(receiver), because)
    events = dict.fromkeys([(found.machine, found.index), *about.events])
    return replace(found, events=tuple(events), witness=about.witness, peer=sender)


def _unsent(seen: Evidence, end: str, named: Named) -> Iterator[Violation]:
    """Yield the violation for a message that was never sent, but that a machine lists in its inbox
    or as undelivered."""
    sender, index, receiver = named
    if sender in seen.run.missing or seen.is_in_hole(sender, index):
        return
    lists = receiver if end == "inbox" else sender
    because = f"a message to {receiver} is listed as {end} but was never sent"
    if end == "inbox":
        because = f"it lists event {index} of {sender} in its inbox, which sent it nothing"
    found = seen.violation_at_end("accounting", seen.run.machines.index(lists), because)
    yield replace(found, peer=sender if lists == receiver else "")
