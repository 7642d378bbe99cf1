"""The project's own logs (`vm.log`): the directory of one run in, a `Run` out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.history import Damage, InputError, Log, Run, table, unusable
from vm.clocks import CLOCKS
from vm.log import LogError, decode
from vm.records import Event, Record, Restart, Start, Stop

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
    """The run whose directory will hold these logs, each a machine's."""
    return _run(
        directory,
        [
            _take_in(_Reading(directory / f"{machine}.jsonl"), enumerate(records, 1))
            for machine, records in logs.items()
        ],
    )


def _run(directory: Path, readings: Sequence[_Reading]) -> Run:
    known = {reading.path.name: reading.start for reading in readings if reading.start}
    if not known:
        raise InputError(
            f"{directory} holds no log with a start record: nobody can say what was run"
        )
    start = _agreed(directory, known)
    machines = start.machines
    logs = {_machine(reading): reading for reading in readings}
    run = [machine for machine in machines if machine in logs]
    starts = {machine: begun for machine in run if (begun := logs[machine].start)}
    stops = {machine: stop for machine in run if (stop := logs[machine].stop)}
    return Run(
        name=directory.resolve().name,
        format=NAME,
        main=start.clocks[0],
        machines=machines,
        missing=tuple(machine for machine in machines if machine not in logs),
        starts=starts,
        stops=stops,
        tick_rates_hz={machine: begun.tick_rate_hz for machine, begun in starts.items()},
        queue_left={machine: len(stop.inbox) for machine, stop in stops.items()},
        events=table(
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
    names = [s.machine for s in starts.values()]
    for file, other in starts.items():
        if names.count(other.machine) > 1:
            raise InputError(f"{directory} holds more than one log of {other.machine}: keep one")
        if other.machine not in start.machines:
            raise InputError(
                f"{directory / file}: {other.machine} is none of its own run's machines,"
                f" {', '.join(start.machines)}"
            )
    return start


def _read(path: Path) -> _Reading:
    reading = _Reading(path)
    return _take_in(reading, _records(reading))


def _take_in(reading: _Reading, records: Iterable[tuple[int, Record]]) -> _Reading:
    for number, record in records:
        if isinstance(record, Start):
            _begin(reading, number, record)
        elif reading.start is None:
            reading.refuse(number, "comes before a start record")
        elif reading.stop:
            reading.refuse(number, "comes after the stop record")
        elif isinstance(record, Stop):
            reading.stop = record
        elif isinstance(record, Restart):
            reading.restarts.append(record)
        elif reason := unusable(record, reading.start.clocks, len(reading.start.machines)):
            reading.refuse(number, reason)
        else:
            reading.lines.append(number)
            reading.events.append(record)
    return reading


def _begin(reading: _Reading, number: int, start: Start) -> None:
    if reading.start:
        raise InputError(
            f"{reading.path}:{number}: a second start record: the logs of several runs were"
            " appended; give each run a directory of its own"
        )
    unknown = [clock for clock in start.clocks if clock not in CLOCKS]
    if unknown or not start.clocks:
        raise InputError(
            f"{reading.path}:{number}: clock {', '.join(unknown) or '(none)'} is not known here;"
            f" there are {', '.join(CLOCKS)}"
        )
    reading.start = start


def _records(reading: _Reading) -> Iterator[tuple[int, Record]]:
    """The records of a file with their line numbers; other lines are listed as damage."""
    *whole, last = reading.path.read_bytes().split(b"\n")
    for number, line in _numbered([*whole, last] if last else whole):
        try:
            yield number, decode(line.decode())
        except (LogError, UnicodeDecodeError) as error:
            torn = "torn last line: " if number > len(whole) else ""
            reading.refuse(number, f"{torn}{error}")


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())
