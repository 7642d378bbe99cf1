"""The text logs of the first vklocks (github.com/mmattyV/vklocks): one file per machine.

An event is a line that contains `updated logical clock to N, system_time=S`. `system_time`
has whole seconds only, so an event's time is the line's own, to the millisecond. Messages
carry no identity: which send a receive belongs to is not in the logs. Machines are known to
each other by address; the port in it names the machine that says it listens there. The queue
length is logged at receives only, after taking the message.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from analysis.history import MAX_INT64, SCHEMA, TORN, Damage, InputError, Run, known_files, table
from vm.records import Event, Kind
from vm.spec import natural_order

NAME = "vklocks"
LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ([A-Z]+): (.*)")
BEGUN = re.compile(
    r"Machine (?P<machine>\S+) initialized with tick rate (?P<rate>\d{1,18}) ticks per"
)
SERVING = re.compile(r"gRPC server started on port (?P<port>\d+)")
ARRIVED = re.compile(r"Received message from (?P<sender>\S+): received_clock=\d+")
SENT = re.compile(r"Sent message to (?P<address>\S+): sent_clock=\d+")
EVENT = re.compile(
    r"(?P<what>[A-Za-z ]+?)(?: to \S+)?: updated logical clock to (?P<clock>\d{1,18}),"
    r" system_time=[\d.]+(?:, queue_length=(?P<queue>\d{1,18}))?"
)
KINDS: dict[str, Kind] = {
    "Internal event": "internal",
    "Sent event": "send",
    "Broadcast sent": "send",
    "Processed received message": "receive",
}
MICROSECOND = timedelta(microseconds=1)


@dataclass
class _Reading:
    """One log file as far as it was read. Times are nanoseconds since 1970, in no time zone."""

    path: Path
    machine: str = ""
    tick_rate_hz: int = 0
    port: str = ""
    lines: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    arrived: deque[tuple[str, int]] = field(default_factory=deque)
    sent_to: list[str] = field(default_factory=list)
    in_error: bool = False


def knows(head: str) -> bool:
    """Whether a file that begins so is a log of this format."""
    lines = (LINE.match(line) for line in head.splitlines())
    return any(line and (BEGUN.match(line[3]) or EVENT.match(line[3])) for line in lines)


def load(directory: Path) -> Run:
    """The run that the directory's logs tell of; InputError if two logs are of one machine."""
    files = sorted(known_files(directory, knows), key=lambda file: natural_order(file.name))
    readings = [_read(file) for file in files]
    machines = tuple(reading.machine for reading in readings)
    for machine in machines:
        if machines.count(machine) > 1:
            raise InputError(f"{directory} holds more than one log of {machine}: keep one")
    epoch_ns = min((e.at_ns for reading in readings for e in reading.events), default=0)
    ports = [reading.port for reading in readings if reading.port]
    # On two computers a port can be there twice; then it names nobody.
    name_of = {r.port: r.machine for r in readings if ports.count(r.port) == 1}
    name = directory.resolve().name
    return Run(
        name=name,
        path=directory,
        format=NAME,
        clocks=("lamport",),
        machines=machines,
        missing=(),
        starts={},
        stops={},
        tick_rates_hz={r.machine: r.tick_rate_hz for r in readings if r.tick_rate_hz},
        queue_left={r.machine: len(r.arrived) for r in readings},
        files={reading.machine: reading.path.name for reading in readings},
        scan=pl.concat([_table(reading, epoch_ns, name_of) for reading in readings])
        .lazy()
        .with_columns(run=pl.lit(name))
        .select(*SCHEMA),
        damage=tuple(damage for reading in readings for damage in reading.damage),
    )


def _table(reading: _Reading, epoch_ns: int, name_of: dict[str, str]) -> pl.DataFrame:
    events = [
        replace(
            event,
            at_ns=event.at_ns - epoch_ns,
            arrived_ns=event.arrived_ns - epoch_ns if event.sender else -1,
            to=tuple(name_of.get(address.rpartition(":")[2], address) for address in event.to),
        )
        for event in reading.events
    ]
    return table(reading.machine, reading.path.name, "lamport", reading.lines, events)


def _read(path: Path) -> _Reading:
    reading = _Reading(path, machine=path.stem)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if problem := _read_line(reading, number, line):
                # A line without its end is the last one of a machine that was killed.
                torn = "" if line.endswith("\n") else f"{TORN}: "
                reading.damage.append(Damage(path.name, number, f"{torn}{problem}"))
    return reading


def _read_line(reading: _Reading, number: int, line: str) -> str:
    """Take what a line says into the reading; returns what is wrong with it, or ""."""
    parts = LINE.fullmatch(line.rstrip("\n"))
    if parts is None:
        # The lines below an error belong to it.
        return "" if reading.in_error else "not a line of this format"
    time, level, text = parts.groups()
    try:
        unix_ns = _unix_ns(time)
    except ValueError:
        return f"the time cannot be {time}"
    reading.in_error = level == "ERROR"
    if reading.in_error:
        return f"an error of the program: {text.partition(': <')[0]}"
    for pattern, take in STATEMENTS.items():
        if said := pattern.match(text):
            return take(reading, number, unix_ns, said)
    return "not a line of this format"


def _begin(reading: _Reading, number: int, _ns: int, said: re.Match[str]) -> str:
    if reading.tick_rate_hz:
        raise InputError(
            f"{reading.path}:{number}: the machine begins a second time: the logs of several"
            " runs were appended; give each run a directory of its own"
        )
    reading.machine, reading.tick_rate_hz = said["machine"], int(said["rate"])
    return ""


def _serve(reading: _Reading, _number: int, _ns: int, said: re.Match[str]) -> str:
    reading.port = said["port"]
    return ""


def _arrive(reading: _Reading, _number: int, unix_ns: int, said: re.Match[str]) -> str:
    reading.arrived.append((said["sender"], unix_ns))
    return ""


def _send(reading: _Reading, _number: int, _ns: int, said: re.Match[str]) -> str:
    reading.sent_to.append(said["address"])
    return ""


def _event(reading: _Reading, number: int, unix_ns: int, said: re.Match[str]) -> str:
    kind = KINDS.get(said["what"])
    if kind is None:
        return f"an event of no known kind: {said['what']}"
    # Messages are taken in the order in which they arrived.
    received = kind == "receive" and reading.arrived
    sender, arrived_ns = reading.arrived.popleft() if received else ("", -1)
    reading.lines.append(number)
    reading.events.append(
        Event(
            kind=kind,
            index=len(reading.events),
            tick=-1,
            due_ns=-1,
            at_ns=unix_ns,
            queue=int(said["queue"]) if said["queue"] else -1,
            clock={"lamport": int(said["clock"])},
            to=tuple(reading.sent_to) if kind == "send" else (),
            sender=sender,
            arrived_ns=arrived_ns,
        )
    )
    reading.sent_to.clear()
    return ""


def _unix_ns(time: str) -> int:
    """ValueError if there is no such time, or none of which a table could hold the distance."""
    unix_ns = (datetime.fromisoformat(time) - datetime(1970, 1, 1)) // MICROSECOND * 1000
    if not 0 <= unix_ns <= MAX_INT64:
        raise ValueError
    return unix_ns


#: What a line can say and what becomes of it.
STATEMENTS: dict[re.Pattern[str], Callable[[_Reading, int, int, re.Match[str]], str]] = {
    BEGUN: _begin,
    SERVING: _serve,
    ARRIVED: _arrive,
    SENT: _send,
    EVENT: _event,
}
