"""A trace in the JSON format of Chrome, for Perfetto: a track per machine, arrows for messages.

An event is a short slice; a message is a flow from the slice of its send to that of its
receive, and waits in its inbox as an asynchronous span; the queue is a counter. Events without
times are a millisecond of causal depth apart.
"""

import json
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from analysis.history.arrays import UNKNOWN, column
from analysis.history.causality import Causality, causality
from analysis.history.run import InputError, Run

TRACK = 1
#: The length of a slice, enough to hit it with a mouse; it ends before the next event begins.
SLICE_NS = 100_000
DEPTH_NS = 1_000_000
#: The least time between the beginnings of two slices; Perfetto resolves 1 ns.
APART_NS = 2


def write(run: Run, file: Path) -> None:
    """Write a trace; InputError if events have no times and messages form a causal cycle."""
    known = causality(run)
    at_ns = _instants_ns(run, known)
    parts = (_tracks(run), _slices(run, known, at_ns), _messages(run, known, at_ns / 1000))
    with file.open("w", encoding="utf-8") as trace:
        trace.write('{"displayTimeUnit":"ms","traceEvents":[\n')
        lines = (json.dumps(event, ensure_ascii=False) for event in chain(*parts))
        trace.write(",\n".join(lines))
        trace.write("\n]}\n")


def _instants_ns(run: Run, known: Causality) -> np.ndarray:
    """Return when the slice of each event begins.

    Perfetto binds an arrow to slices by instants, so equal ones are set apart: no two events of a
    machine share an instant, and a receive comes after its send.
    """
    at_ns = column(run, "at_ns")
    if (at_ns == UNKNOWN).any():
        if known.cycle:
            raise InputError(
                f"{run.name}: its events have no times, and its messages form a causal cycle"
            )
        return known.depth.astype(np.int64) * DEPTH_NS
    apart_ns = at_ns.tolist()
    for row in np.argsort(known.depth, kind="stable").tolist():
        previous = row - 1 if row > known.first[known.machine[row]] else UNKNOWN
        for cause in (previous, known.send[row]):
            if cause >= 0 and at_ns[cause] <= at_ns[row]:
                apart_ns[row] = max(apart_ns[row], apart_ns[cause] + APART_NS)
    return _apart(known, np.array(apart_ns, np.int64))


def _apart(known: Causality, at_ns: np.ndarray) -> np.ndarray:
    """Set the instants of each machine apart, even if its times run back."""
    for begin, end in pairwise(known.first):
        order = begin + np.argsort(at_ns[begin:end], kind="stable")
        room_ns = APART_NS * np.arange(end - begin)
        at_ns[order] = np.maximum.accumulate(at_ns[order] - room_ns) + room_ns
    return at_ns


def _ends_ns(known: Causality, at_ns: np.ndarray) -> np.ndarray:
    """Return when the slice of each event ends: before the next of its machine begins."""
    ends_ns = at_ns + SLICE_NS
    for begin, end in pairwise(known.first):
        order = begin + np.argsort(at_ns[begin:end])
        ends_ns[order[:-1]] = np.minimum(ends_ns[order[:-1]], at_ns[order[1:]] - 1)
    return ends_ns


def _tracks(run: Run) -> Iterator[dict[str, Any]]:
    for pid, machine in enumerate(run.machines, 1):
        for kind, name in (("process_name", machine), ("thread_name", "events")):
            yield {"ph": "M", "name": kind, "pid": pid, "tid": TRACK, "args": {"name": name}}
        order = {"sort_index": pid}
        yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": TRACK, "args": order}


def _slices(run: Run, known: Causality, at_ns: np.ndarray) -> Iterator[dict[str, Any]]:
    clocks = [f"clock_{clock}" for clock in run.clocks]
    names = ["index", "kind", "queue", "to", "lost", "sender", "cause", *clocks]
    lengths_ns = _ends_ns(known, at_ns) - at_ns
    for row, event in enumerate(run.events.select(names).iter_rows(named=True)):
        pid, ts = int(known.machine[row]) + 1, float(at_ns[row]) / 1000
        args = {name: value for name, value in event.items() if value is not None}
        common = {"name": event["kind"], "pid": pid, "tid": TRACK, "ts": ts}
        yield common | {"ph": "X", "dur": float(lengths_ns[row]) / 1000, "args": args}
        if event["queue"] is not None:
            yield common | {"name": "queue", "ph": "C", "args": {"messages": event["queue"]}}
        for receiver in event["lost"] or ():
            yield common | {"name": f"lost to {receiver}", "ph": "i", "s": "t"}


def _messages(run: Run, known: Causality, at_us: np.ndarray) -> Iterator[dict[str, Any]]:
    arrived_ns = column(run, "arrived_ns")
    edges = zip(*(rows.tolist() for rows in known.messages), strict=True)
    for number, (row, send) in enumerate(edges):
        common = {"cat": "message", "name": "message", "id": number, "tid": TRACK}
        sender, receiver = (int(known.machine[at]) + 1 for at in (send, row))
        yield common | {"ph": "s", "pid": sender, "ts": float(at_us[send])}
        yield common | {"ph": "f", "bp": "e", "pid": receiver, "ts": float(at_us[row])}
        if arrived_ns[row] != UNKNOWN:
            waiting = {"cat": "inbox", "name": "waiting", "id": number, "pid": receiver}
            yield waiting | {"tid": TRACK, "ph": "b", "ts": arrived_ns[row] / 1000}
            yield waiting | {"tid": TRACK, "ph": "e", "ts": float(at_us[row])}
