"""The project's own logs (`vm.log`): the directory of one run in, a `Run` out."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path

import polars as pl

from analysis.history.run import SCHEMA, InputError, Run
from analysis.logs import reading
from analysis.logs.cache import cached, is_big
from analysis.logs.reading import Reading, read
from vm.files import log_path, logs_in, name_of
from vm.records import Record, Start
from vm.spec import MAX_MACHINES

NAME = "jsonl"


def knows(head: str) -> bool:
    """Whether a file that begins so is a log of ours."""
    return re.match(r'\s*\{\s*"kind"\s*:', head) is not None


def load(directory: Path, _known: Sequence[Path]) -> list[Run]:
    """Load the run of the directory's `*.jsonl` files; InputError if it is not exactly one.

    All are its logs, also those of which not even the first record is whole.
    """
    logs = logs_in(directory)
    if len(logs) > MAX_MACHINES:
        raise InputError(
            f"{directory} holds {len(logs):,} logs: a run has {MAX_MACHINES} machines at most"
        )
    return [_run(directory, _read_all(logs))]


def of_records(directory: Path, logs: Mapping[str, Iterable[Record]]) -> Run:
    """The run whose directory will hold these logs, each a machine's own account."""
    held = [reading.of_records(log_path(directory, name), log) for name, log in logs.items()]
    return _run(directory, held)


def _run(directory: Path, readings: list[Reading]) -> Run:
    start = _agreed(directory, readings)
    machines = start.spec.machines
    logs = {reading.machine: reading for reading in readings}
    run = [machine for machine in machines if machine in logs]
    starts = {machine: begun for machine in run if (begun := logs[machine].start)}
    stops = {machine: stop for machine in run if (stop := logs[machine].stop)}
    name = name_of(directory)
    return Run(
        name=name,
        path=directory,
        format=NAME,
        clocks=start.spec.clocks,
        machines=machines,
        missing=tuple(machine for machine in machines if machine not in logs),
        starts=starts,
        stops=stops,
        tick_rates_hz={m: begun.spec.tick_rate_hz(m) for m, begun in starts.items()},
        queue_left={machine: len(stop.inbox) for machine, stop in stops.items()},
        files={machine: logs[machine].file for machine in run},
        scan=_table(name, [logs[machine] for machine in run]),
        damage=tuple(damage for reading in readings for damage in reading.damage),
        recoveries={m: tuple(record for _, record in logs[m].recoveries) for m in run},
        recovery_lines={m: tuple(line for line, _ in logs[m].recoveries) for m in run},
        is_big=any(reading.is_big for reading in readings),
    )


def _read_all(files: list[Path]) -> list[Reading]:
    if not any(map(is_big, files)):
        return list(map(read, files))
    # Polars reads with all cores, but has not all of the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda path: cached(path, read), files))


def _table(run: str, logs: list[Reading]) -> pl.LazyFrame:
    """The events of all machines."""
    events = pl.concat([log.scan for log in logs]) if logs else Reading(Path()).scan
    return events.with_columns(run=pl.lit(run)).select(*SCHEMA)


def _agreed(directory: Path, readings: list[Reading]) -> Start:
    """The start record that stands for all; InputError unless they tell of one and the same run."""
    known = {reading.file: reading.start for reading in readings if reading.start}
    if not known:
        raise InputError(
            f"{directory} holds no log with a start record: nobody can say what was run"
        )
    (first, start), *others = known.items()
    for file, other in others:
        if field := _differing(start, other):
            raise InputError(
                f"{directory} mixes logs of two runs: {first} and {file} disagree on {field};"
                " give each run a directory of its own"
            )
    named = [reading.machine for reading in readings]
    for machine in named:
        if named.count(machine) > 1:
            raise InputError(f"{directory} holds more than one log of {machine}: keep one")
    return start


def _differing(one: Start, other: Start) -> str:
    """Return the first field in which start records of one run must agree and do not, or ""."""
    paths = ("run", "epoch_unix_ns", "spec.machines", "spec.clocks")
    differing = (path for path in paths if attrgetter(path)(one) != attrgetter(path)(other))
    return next(differing, "").removeprefix("spec.")
