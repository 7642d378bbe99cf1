"""The rules of clocks whose state no timestamp gives, applied again to the log of each machine.

A log holds the stamps that its machine received, so each machine is checked by itself: no machine
is blamed for the log of another. Then each received stamp is compared with the one that the rules
make of the log of its sender.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from analysis.checks.evidence import Evidence
from analysis.clocks.twin import Steps
from analysis.history.derived import derived
from analysis.history.run import timestamp
from vm.clocks import clock_of
from vm.clocks.clock import At, Bounds
from vm.machine import MAX_EVENTS
from vm.records import UNKNOWN

#: The stamps of sends, by row and position of the receiver.
Sent = dict[tuple[int, int], bytes]


class Broken(NamedTuple):
    """A rule that an event breaks, and the rows of other events that show it."""

    because: str
    rows: tuple[int, ...] = ()


def steps_of(seen: Evidence, low: int, high: int) -> Steps:
    """Return the events of rows low..high - 1 as the rules of clocks see them."""
    known = seen.causality
    send, index = known.send[low:high], known.row_index.index[low:high]
    sender = np.where(send >= 0, known.machine[send], -1).astype(np.int32)
    return Steps(known.machine[low:high], index, sender, _physical_ns(seen)[low:high])


@derived
def _physical_ns(seen: Evidence) -> Any:
    if not any(clock_of(name).reads_physical for name in seen.run.clocks):
        return np.broadcast_to(np.int64(UNKNOWN), len(seen.causality))
    return seen.run.scan.select("physical_ns").collect().to_series().to_numpy()


def broken(seen: Evidence, clock: str) -> dict[int, Broken]:
    """Return the rows at which a clock that is not flat breaks its rules."""
    sent = Sent()
    columns = ("to", f"clock_{clock}", f"stamp_{clock}", "sender")
    events = seen.run.scan.select(columns).collect()
    found = dict[int, Broken]()
    for m in range(len(seen.run.machines)):
        found |= dict(_of_machine(seen, clock, m, events, sent))
    return found | dict(_of_messages(seen, clock, events, sent))


def _of_machine(
    seen: Evidence, name: str, m: int, events: pl.DataFrame, sent: Sent
) -> Iterator[tuple[int, Broken]]:
    """Yield the rows of a machine up to the first gap in its log; note the stamps of its sends."""
    clock, machines = clock_of(name), seen.run.machines
    rows = seen.rows_of(m)
    steps = steps_of(seen, rows.start, rows.stop)
    state = clock.initial(m, len(machines))
    place_of = {machine: place for place, machine in enumerate(machines)}
    columns = events[rows.start : rows.stop].iter_rows()
    for place, (to, reading, stamp, sent_by) in enumerate(columns):
        row = rows.start + place
        if steps.index[place] != place:
            return
        at = At(m, machines[m], place, int(steps.physical_ns[place]))
        if stamp is None:
            state = clock.advance(state, at)
        else:
            sender = place_of.get(sent_by, -1)
            if sender < 0:
                return
            bounds = Bounds(sender, m, (MAX_EVENTS,) * len(machines))
            try:
                carried = clock.decode(bytes.fromhex(stamp), bounds)
            except ValueError as error:
                yield row, Broken(f"its logged stamp cannot be: {error}")
                return
            state = clock.receive(state, carried, sender, at)
        if timestamp(reading) != (due := clock.timestamp(state)):
            yield row, Broken(f"{name} reads {reading}, but its rules make it {due}")
        for receiver in filter(place_of.__contains__, to or ()):
            state, carried = clock.stamp(state, place_of[receiver])
            sent[row, place_of[receiver]] = clock.encode(carried)


def _of_messages(
    seen: Evidence, name: str, events: pl.DataFrame, sent: Sent
) -> Iterator[tuple[int, Broken]]:
    """Yield the receives with another stamp than the one that was sent."""
    known = seen.causality
    for row in np.flatnonzero(known.send >= 0).tolist():
        send, stamp = int(known.send[row]), events[f"stamp_{name}"][row]
        due = sent.get((send, int(known.machine[row])))
        if due is not None and due.hex() != stamp:
            machine, index = known.name(send)
            because = (
                f"the log has the stamp {stamp} of {name}, but event {index} of {machine} sent it"
                f" {due.hex()}"
            )
            yield row, Broken(because, (send,))
