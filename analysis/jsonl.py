"""The project's own logs (`vm.log`): the directory of one run in, a `Run` out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.history import (
    MAX_INT64,
    TORN,
    Damage,
    InputError,
    Log,
    Run,
    beyond_64_bits,
    table,
    unusable,
)
from vm.log import LogError, decode
from vm.records import Event, Record, Restart, Start, Stop
from vm.spec import Spec, SpecError

NAME = "jsonl"


@dataclass
class _Reading:
    """One log file as far as it was read."""

    path: Path
    start: Start | None = None
    stop: Stop | None = None
    lines: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.damage.append(Damage(self.path.name, line, reason))


def knows(head: str) -> bool:
    """Whether a file that begins so is a log of ours."""
    return re.match(r'\s*\{\s*"kind"\s*:', head) is not None


def load(directory: Path) -> Run:
    """The run that the directory's `*.jsonl` files tell of; InputError if it is not exactly one."""
    paths = sorted(path for path in directory.glob("*.jsonl") if path.name[0] != ".")
    return _run(directory, [_read(path) for path in paths])


def of_records(directory: Path, logs: Mapping[str, Iterable[Record]]) -> Run:
    """The run whose directory will hold these logs, each a machine's own account."""
    readings = [_held(directory / f"{machine}.jsonl", log) for machine, log in logs.items()]
    return _run(directory, readings)


def _run(directory: Path, readings: Sequence[_Reading]) -> Run:
    known = {reading.path.name: reading.start for reading in readings if reading.start}
    if not known:
        raise InputError(
            f"{directory} holds no log with a start record: nobody can say what was run"
        )
    start = _agreed(directory, known)
    machines = start.machines
    named = [_machine(reading) for reading in readings]
    for machine in named:
        if named.count(machine) > 1:
            raise InputError(f"{directory} holds more than one log of {machine}: keep one")
    logs = dict(zip(named, readings, strict=True))
    run = [machine for machine in machines if machine in logs]
    starts = {machine: begun for machine in run if (begun := logs[machine].start)}
    stops = {machine: stop for machine in run if (stop := logs[machine].stop)}
    return Run(
        name=directory.resolve().name,
        path=directory,
        format=NAME,
        main=start.clocks[0],
        machines=machines,
        missing=tuple(machine for machine in machines if machine not in logs),
        starts=starts,
        stops=stops,
        tick_rates_hz={machine: begun.tick_rate_hz for machine, begun in starts.items()},
        queue_left={machine: len(stop.inbox) for machine, stop in stops.items()},
        files={machine: logs[machine].path.name for machine in run},
        scan=table(
            directory.resolve().name,
            start.clocks[0],
            [Log(m, logs[m].path.name, logs[m].lines, logs[m].events) for m in run],
        ),
        damage=tuple(damage for reading in readings for damage in reading.damage),
        restarts={machine: tuple(logs[machine].restarts) for machine in run},
    )


def _machine(reading: _Reading) -> str:
    return reading.start.machine if reading.start else reading.path.stem


def _agreed(directory: Path, starts: dict[str, Start]) -> Start:
    """The start record that stands for all; InputError unless they tell of one and the same run."""
    (first, start), *others = starts.items()
    for file, other in others:
        for what in ("run", "epoch_unix_ns", "machines", "clocks"):
            if getattr(start, what) != getattr(other, what):
                raise InputError(
                    f"{directory} mixes logs of two runs: {first} and {file} disagree on {what};"
                    " give each run a directory of its own"
                )
    return start


def _held(path: Path, records: Iterable[Record]) -> _Reading:
    """The reading of a log that nobody has written yet, and that so cannot be damaged."""
    reading = _Reading(path)
    for number, record in enumerate(records, 1):
        match record:
            case Event():
                reading.lines.append(number)
                reading.events.append(record)
            case Restart():
                reading.restarts.append(record)
            case Start():
                reading.start = record
            case Stop():
                reading.stop = record
    return reading


def _read(path: Path) -> _Reading:
    reading = _Reading(path)
    for number, record in _records(reading):
        if isinstance(record, Start):
            _begin(reading, number, record)
        elif reading.start is None:
            reading.refuse(number, "comes before a start record")
        elif reading.stop:
            reading.refuse(number, "comes after the stop record")
        elif reason := _unusable(record, reading.start):
            reading.refuse(number, reason)
        elif isinstance(record, Stop):
            reading.stop = record
        elif isinstance(record, Restart):
            reading.restarts.append(record)
        else:
            reading.lines.append(number)
            reading.events.append(record)
    return reading


def _unusable(record: Event | Restart | Stop, start: Start) -> str:
    """Why a record cannot be taken into a run that began so, or "" if it can."""
    match record:
        case Event():
            return unusable(record, start.clocks, len(start.machines))
        case Restart():
            return beyond_64_bits([record.at_ns, record.events])
        case Stop():
            numbers = [record.events, record.ticks_missed, record.rejected]
            numbers += [n for unread in record.inbox for n in (unread.cause, unread.arrived_ns)]
            return beyond_64_bits([*numbers, *(left.index for left in record.undelivered)])


def _begin(reading: _Reading, number: int, start: Start) -> None:
    where = f"{reading.path}:{number}"
    if reading.start:
        raise InputError(
            f"{where}: a second start record: the logs of several runs were appended; give each"
            " run a directory of its own"
        )
    if start.machine not in start.machines:
        raise InputError(
            f"{where}: {start.machine!r} is none of its own run's machines,"
            f" {', '.join(map(repr, start.machines))}"
        )
    if not 0 <= start.epoch_unix_ns <= MAX_INT64:
        raise InputError(f"{where}: epoch_unix_ns: {start.epoch_unix_ns} is outside 0..{MAX_INT64}")
    try:
        Spec.parse(_told(start))
    except SpecError as error:
        raise InputError(f"{where}: {error}") from None
    reading.start = start


def _told(start: Start) -> dict[str, object]:
    """What a start record says of its run's spec and the analysis builds on, as plain values."""
    said = {
        "machines": start.machines,
        "tick_rates_hz": {start.machine: start.tick_rate_hz},
        "clocks": start.clocks,
        "seed": start.seed,
        "duration_s": start.duration_s,
        "workload": start.workload and vars(start.workload),
    }
    return {field: value for field, value in said.items() if value is not None}


def _records(reading: _Reading) -> Iterator[tuple[int, Record]]:
    """The records of a file with their line numbers; other lines are listed as damage."""
    *whole, last = reading.path.read_bytes().split(b"\n")
    for number, line in _numbered([*whole, last] if last else whole):
        try:
            yield number, decode(line.decode())
        except (LogError, UnicodeDecodeError) as error:
            torn = f"{TORN}: " if number > len(whole) else ""
            reading.refuse(number, f"{torn}{error}")


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())
