"""Runs from events with vector clocks: what was counted, received, and is missing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from analysis.history.run import (
    NO_SEND_FITS,
    Clash,
    Damage,
    InputError,
    Run,
    schema_of,
)
from analysis.logs.conventions.layout import dated
from analysis.logs.importers.times import Times
from analysis.logs.limits import MAX_CELLS, MAX_COMPONENTS, MAX_EVENTS, MAX_MACHINES
from analysis.logs.vectors import counts
from analysis.logs.vectors.events import HostEvent
from analysis.logs.vectors.messages import Conclusion, conclude
from vm.files import name_of
from vm.quoting import counted, plain
from vm.spec import natural_order

BY_VECTORS = "vector clocks"
CIRCULAR = "the messages were inferred from the vector clocks themselves"
#: Characters of the name of an execution.
MAX_LABEL = 60
#: Characters of the shape of a line, and shapes that are told apart.
MAX_SHAPE = 200
MAX_SHAPES = 1_000
#: Lines that differ only in digits have one shape.
DIGITS = str.maketrans("123456789", "000000000")


@dataclass
class Execution:
    """The lines of one execution, as far as they were read; `noise` are the number of the lines
    without an event and the first of them, by their shape."""

    events: list[HostEvent] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    noise: dict[str, tuple[int, str]] = field(default_factory=dict)
    components: int = 0

    def add(self, found: HostEvent | Damage) -> None:
        """Take in an event or an unusable line; InputError if they are too many."""
        if isinstance(found, Damage):
            self.damage.append(found)
        else:
            self.events.append(found)
            self.components += len(found.clock)
        if self.components > MAX_COMPONENTS:
            raise InputError(f"its clocks have more than {MAX_COMPONENTS:,} components")
        if len(self.events) + len(self.damage) > MAX_EVENTS:
            raise InputError(f"more than {MAX_EVENTS:,} events and unusable lines")

    def pass_over(self, line: str, times: int = 1) -> None:
        """Count a line that describes no event, or so many lines of its shape."""
        shape = line[:MAX_SHAPE].translate(DIGITS)
        if len(self.noise) > MAX_SHAPES and shape not in self.noise:
            shape = ""
        lines, example = self.noise.get(shape, (0, line))
        self.noise[shape] = lines + times, example


def runs_of(
    path: Path, format_name: str, executions: Mapping[str, Execution], notes: Sequence[str] = ()
) -> list[Run]:
    """Return a run for each execution with an event; InputError if there is none."""
    there = {label: one for label, one in executions.items() if one.events}
    lost = [one for one in executions.values() if not one.events]
    if not there:
        reasons = (f"{bad.file}:{bad.line}: {bad.reason}" for one in lost for bad in one.damage)
        raise InputError(
            f"{path}: no event could be read: {next(reasons, 'no line describes one')}"
        )
    # Lines of executions without an event are reported with the first that has one.
    first = next(iter(there.values()))
    for one in lost:
        first.damage += one.damage
        for lines, example in one.noise.values():
            first.pass_over(example, lines)
    appended = list[str]()
    if len(there) == 1 and len(trials := counts.trials(first.events)) > 1:
        appended.append(f"every host begins again: {len(trials)} executions were appended")
        there = {
            str(n): replace(first, events=events) if n == 1 else Execution(events)
            for n, events in enumerate(trials, 1)
        }
    name = name_of(path)
    return [
        _run(
            path,
            f"{name}#{in_a_name(label)}" if len(there) > 1 else name,
            format_name,
            one,
            [*notes, *appended] if one is next(iter(there.values())) else appended,
        )
        for label, one in there.items()
    ]


def in_a_name(label: str) -> str:
    """Make the label of an execution safe for a file's name."""
    return re.sub(r"[^\w.-]+", "_", label[:MAX_LABEL])


def _run(path: Path, name: str, format_name: str, one: Execution, given: Sequence[str]) -> Run:
    notes = [*given, *counts.noise_notes(one.noise)]
    hosts = counts.by_host(counts.without_copies(one.events, notes))
    clashes = counts.clashes(hosts)
    ordered = {host: _usable(own, clashes.get(host)) for host, own in hosts.items()}
    machines, missing = _machines(path, one.events, hosts)
    begun = frozenset(host for host, own in ordered.items() if counts.is_start(own))
    if begun:
        notes.append(_start_note(begun, ordered))
    notes += counts.gap_notes({h: own for h, own in ordered.items() if own}, bool(one.damage))
    notes += [
        f"{counted(len(hosts[host]) - len(ordered[host]), 'event')} of {host} from count"
        f" {clash.counts} on cannot be told apart, and are left out"
        for host, clash in clashes.items()
    ]
    rows = [event for own in ordered.values() for event in own]
    counted_ = _Counted(machines, ordered)
    concluded = conclude(counted_.machine, counted_.vectors)
    notes += _notes(concluded)
    at_ns = _times(rows, notes)
    table, resolution_ns = _table(name, machines, rows, counted_, concluded, at_ns), 1
    if any(at is not None for at in at_ns):
        table, resolution_ns = dated(table, notes)
    else:
        notes.append("events have no times")
    return Run(
        name=name,
        path=path,
        format=format_name,
        clocks=("vector",),
        machines=machines,
        missing=missing,
        files={host: own[0].file for host, own in hosts.items()},
        scan=table.lazy(),
        damage=tuple(one.damage),
        resolution_ns=resolution_ns,
        conventions=tuple(notes),
        unknown=(("clock_condition", CIRCULAR), ("strong_clock_condition", CIRCULAR)),
        by_vectors=True,
        begun=begun,
        absent=counted_.absent,
        joined=tuple((row, send) for row, found in concluded.items() for send in _further(found)),
        clashes=tuple(clashes.values()),
    )


def _usable(own: Sequence[HostEvent], clash: Clash | None) -> list[HostEvent]:
    """Return the events of a host in the order of its count, up to the first clash.

    ShiViz orders them so, whatever their order in the file.
    """
    ordered = sorted(own, key=lambda event: event.counts)
    return [event for event in ordered if clash is None or event.counts < clash.counts]


def _machines(
    path: Path, events: Sequence[HostEvent], hosts: Mapping[str, Sequence[HostEvent]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all machines, and those without a log, which only clocks name."""
    named = {host for event in events for host in event.clock} - {*hosts}
    missing = tuple(sorted(named, key=natural_order))
    machines = (*hosts, *missing)
    if len(machines) > MAX_MACHINES:
        raise InputError(f"{path} names more than {MAX_MACHINES} hosts in one execution")
    if len(events) * len(machines) > MAX_CELLS:
        raise InputError(
            f"{path}: {len(events):,} events of {len(machines)} hosts: only {MAX_CELLS:,}"
            " components of clocks are read"
        )
    return machines, missing


def _start_note(begun: frozenset[str], hosts: Mapping[str, Sequence[HostEvent]]) -> str:
    if len(begun) == len(hosts):
        return "first events read 0: they are the start, before anything happened"
    names = ", ".join(sorted(begun, key=natural_order)[: counts.MAX_LISTED])
    return f"the first events of {len(begun)} hosts read 0, the start: {names}"


class _Counted:
    """The counts of all events: by row the `machine`, its event's `index` and `vectors`; and the
    `absent` events of each machine."""

    def __init__(
        self,
        machines: Sequence[str],
        hosts: Mapping[str, Sequence[HostEvent]],
    ) -> None:
        rows = [event for own in hosts.values() for event in own]
        number = {machine: m for m, machine in enumerate(machines)}
        self.machine = [number[event.host] for event in rows]
        self.vectors = np.array(
            [[event.clock.get(m, 0) for m in machines] for event in rows], np.int64
        ).reshape(len(rows), len(machines))
        self.index = list[int]()
        self.absent: dict[str, tuple[tuple[int, int], ...]] = {}
        self._bases: dict[int, int] = {}
        for host, own in hosts.items():
            m, known = number[host], 0
            if len(rows):
                known = int(self.vectors[:, m].max())
            indexes = counts.indexes(own) if own else []
            self._bases[m] = own[-1].counts - indexes[-1] if own else 1
            last = own[-1].counts if own else 0
            if gaps := tuple(counts.absent(indexes or [-1], known - last)):
                self.absent[host] = gaps
            self.index += indexes

    def index_of(self, m: int, count: int) -> int | None:
        """Return the number of the event of machine m with this count; None without a log."""
        return count - self._bases[m] if m in self._bases else None


def _further(found: Conclusion) -> tuple[int, ...]:
    """Return the sends of an event beyond the first, if all are known."""
    return () if found.unknown else found.sends[1:]


def _table(
    name: str,
    machines: tuple[str, ...],
    rows: list[HostEvent],
    counted_: _Counted,
    concluded: dict[int, Conclusion],
    at_ns: list[int | None],
) -> pl.DataFrame:
    to: dict[int, list[str]] = {}
    causes: dict[int, tuple[str, int | None]] = {}
    for row, found in concluded.items():
        if found.unknown:
            q = found.unknown[0]
            count = int(counted_.vectors[row, q])
            causes[row] = machines[q], counted_.index_of(q, count)
            continue
        for send in found.sends:
            to.setdefault(send, []).append(rows[row].host)
        causes[row] = rows[found.sends[0]].host, counted_.index[found.sends[0]]
    columns = {
        "run": [name] * len(rows),
        "machine": [event.host for event in rows],
        "index": counted_.index,
        "kind": [
            "receive" if row in concluded else "send" if row in to else "internal"
            for row in range(len(rows))
        ],
        "at_ns": at_ns,
        "main": counted_.vectors.sum(axis=1),
        "to": [to.get(row) for row in range(len(rows))],
        "sender": [causes.get(row, (None, None))[0] for row in range(len(rows))],
        "cause": [causes.get(row, (None, None))[1] for row in range(len(rows))],
        "inferred": [_method(concluded.get(row)) for row in range(len(rows))],
        "file": [event.file for event in rows],
        "line": [event.line for event in rows],
        "clock_vector": counted_.vectors.tolist(),
    }
    schema = schema_of(["vector"])
    table = pl.DataFrame(columns, {column: schema[column] for column in columns})
    absent = [pl.lit(None).alias(column) for column in schema if column not in columns]
    return table.with_columns(absent).select(pl.col(n).cast(t) for n, t in schema.items())


def _times(rows: Sequence[HostEvent], notes: list[str]) -> list[int | None]:
    """Return the times of events; None for an event without one that is like the first."""
    times, found, unread = Times(""), list[int | None](), list[HostEvent]()
    for event in rows:
        try:
            found.append(times.ns(event.host, event.time) if event.time else None)
        except ValueError:
            found.append(None)
            unread.append(event)
    if unread:
        first = unread[0]
        notes.append(
            f"{counted(len(unread), 'time')} could not be read, the first at"
            f" {first.file}:{first.line}: {plain(first.time)}"
        )
    if len(unread) < sum(bool(event.time) for event in rows):
        notes += times.notes()
    return found


def _method(one: Conclusion | None) -> str | None:
    if one is None:
        return None
    return NO_SEND_FITS if one.unknown else BY_VECTORS


def _notes(concluded: Mapping[int, Conclusion]) -> Iterator[str]:
    yield "events of a host are in the order of its own count"
    known = [one for one in concluded.values() if not one.unknown]
    if concluded:
        share = f"{len(known)} of {len(concluded)}"
        yield f"{share} receives are matched to their sends by {BY_VECTORS}"
    if several := [len(one.sends) for one in known if len(one.sends) > 1]:
        yield (
            f"{counted(len(several), 'event')} received several messages at once,"
            f" {sum(several)} together"
        )
    yield "vector clocks show the messages that brought news, and no others"
