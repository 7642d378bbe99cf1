"""The project's own logs (`vm.log`): load the directory of one run as a `Run`."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar, get_args

import polars as pl

from analysis.history.run import Damage, InputError, Run, schema_of
from analysis.logs import reading
from analysis.logs.cache import cached, is_big
from analysis.logs.reading import Reading, read
from analysis.logs.texts import GZIP_SUFFIX
from vm.fields import unique_keys
from vm.files import LOG_SUFFIX, MAX_JSON_BYTES, RUN, SPEC, log_path, logs_in, name_of, read_bytes
from vm.log import plain_offsets
from vm.quoting import input_problem, quoted
from vm.records import Reason, Record, Start
from vm.spec import FIELDS, MAX_MACHINES, Spec

NAME = "jsonl"
#: The epoch by one clock, and its name in files: each log has it by the clock of its machine.
EPOCH = "run_epoch_unix_ns"
SHOWN = {EPOCH: "epoch_unix_ns"}
#: What lines of ours hold, even if the first of them is damaged.
OWN = re.compile(r'"kind"\s*:\s*"(?:start|recovery)"|"(?:tick|due_ns|epoch_unix_ns)"\s*:')
T = TypeVar("T")


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of ours.

    Other programs' objects may begin with a kind, too, but have no ticks.
    """
    if re.match(r'\s*\{\s*"kind"\s*:', head) and OWN.search(head):
        return True
    # JSON does not fix the order of keys; a start record has these four.
    return all(f'"{key}"' in head for key in ("kind", "format", "epoch_unix_ns", "spec"))


def load(directory: Path, known: Sequence[Path]) -> list[Run]:
    """Load the run of the directory's `*.jsonl` files; InputError if it is not exactly one.

    Each of these files, which may be compressed, is a log of the run, even if its first record is
    damaged.
    """
    packed = [file for file in known if file.name.endswith(LOG_SUFFIX + GZIP_SUFFIX)]
    logs = sorted([*logs_in(directory), *packed])
    if len(logs) > MAX_MACHINES:
        raise InputError(
            f"{directory} holds {len(logs):,} logs: a run has {MAX_MACHINES} machines at most"
        )
    planned, recorded = _beside(directory / SPEC, _spec), _beside(directory / RUN, dict[str, Any])
    return [_run(directory, _read_all(logs), planned, recorded)]


def of_records(directory: Path, logs: Mapping[str, Iterable[Record]]) -> Run:
    """Return the run of a directory that will hold these logs, one per machine."""
    held = [reading.of_records(log_path(directory, name), log) for name, log in logs.items()]
    return _run(directory, held)


def _spec(plain: Mapping[str, Any]) -> Spec:
    return Spec.parse(plain).resolved()


def _beside(path: Path, read: Callable[[Any], T]) -> T | Damage | None:
    """Return the value in a JSON file beside the logs, or why it cannot be used; None if there is
    no such file."""
    try:
        text = read_bytes(path, MAX_JSON_BYTES).decode()
        plain = json.loads(text, object_pairs_hook=unique_keys)
        if not isinstance(plain, dict):
            raise ValueError(f"{quoted(plain)} is not an object")
        return read(plain)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Damage(path.name, 1, f"cannot be read: {error.strerror}")
    except (ValueError, RecursionError, AttributeError) as error:
        return Damage(path.name, 1, f"not of a run: {input_problem(error)}")


def _run(
    directory: Path,
    readings: list[Reading],
    planned: Spec | Damage | None = None,
    recorded: dict[str, Any] | Damage | None = None,
) -> Run:
    start = _agreed(directory, readings, planned if isinstance(planned, Spec) else None)
    _check_recorded(directory, readings, recorded if isinstance(recorded, dict) else {})
    beside = [one for one in (planned, recorded) if isinstance(one, Damage)]
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
        missing=tuple(
            machine
            for machine in machines
            if machine not in logs or (machine not in starts and logs[machine].damage)
        ),
        starts=starts,
        stops=stops,
        tick_rates_hz={m: begun.spec.tick_rate_hz(m) for m, begun in starts.items()},
        queue_left={machine: len(stop.inbox) for machine, stop in stops.items()},
        files={machine: logs[machine].file for machine in run},
        scan=_table(name, start.spec.clocks, [logs[machine] for machine in run]),
        damage=(*beside, *(damage for reading in readings for damage in reading.damage)),
        recoveries={m: tuple(record for _, record in logs[m].recoveries) for m in run},
        recovery_lines={m: tuple(line for line, _ in logs[m].recoveries) for m in run},
        is_big=any(reading.is_big for reading in readings),
    )


def _read_all(files: list[Path]) -> list[Reading]:
    if not any(map(is_big, files)):
        return list(map(read, files))
    # Polars reads with all cores, but does only a part of the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda path: cached(path, read), files))


def _table(run: str, clocks: Sequence[str], logs: list[Reading]) -> pl.LazyFrame:
    """Return the events of all machines."""
    schema = schema_of(clocks)
    # A log without a start record holds no events.
    scans = [log.scan for log in logs if log.start]
    events = pl.concat(scans) if scans else pl.LazyFrame(schema=schema)
    return events.with_columns(run=pl.lit(run)).select(*schema)


def _agreed(directory: Path, readings: list[Reading], planned: Spec | None) -> Start:
    """Return a start record that stands for all; InputError unless all are of the same run.

    Their specs must agree with spec.json, too.
    """
    starts = {reading.file: reading.start for reading in readings if reading.start}
    if not starts:
        damage = [one for reading in readings for one in reading.damage][:1]
        reasons = [f" ({one.file}:{one.line}: {one.reason})" for one in damage]
        raise InputError(
            f"{directory} holds no log with a start record: the spec of the run is unknown"
            f"{''.join(reasons)}"
        )
    for field in ("run", "wall_offsets", EPOCH, *(f"spec.{name}" for name in FIELDS)):
        if field == "spec.ticks" and not planned and all(map(_has_all_rates, starts.values())):
            # Machines started by hand draw their rates from ranges of their own.
            continue
        values = {file: attrgetter(field)(start) for file, start in starts.items()}
        if planned and field.startswith("spec."):
            values[SPEC] = attrgetter(field.removeprefix("spec."))(planned)
        _check_equal(directory, field, values)
    logs = dict[str, Reading]()
    for one in readings:
        if other := logs.get(one.machine):
            files = f"{other.file} and {one.file}"
            raise InputError(
                f"{directory} holds more than one log of {one.machine}, {files}: keep one"
            )
        logs[one.machine] = one
    return next(iter(starts.values()))


def _has_all_rates(start: Start) -> bool:
    return set(start.spec.tick_rates_hz) == set(start.spec.machines)


def _check_recorded(directory: Path, readings: list[Reading], recorded: Mapping[str, Any]) -> None:
    """InputError unless run.json agrees with the logs, and their ends with each other.

    In virtual time all machines stop together.
    """
    ends = {one.file: one.stop.reason for one in readings if one.stop}
    starts = [one.start for one in readings if one.start]
    if ends and starts[0].epoch_unix_ns == 0:
        _check_equal(directory, "reason", ends)
    epoch = 0 if recorded.get("backend") == "simulation" else recorded.get("epoch_unix_ns")
    known = {EPOCH: epoch, "spec.seed": recorded.get("seed")}
    for field, value in known.items():
        if type(value) is int:
            values = {one.file: attrgetter(field)(one.start) for one in readings if one.start}
            _check_equal(directory, field, values | {RUN: value})
    if isinstance(offsets := recorded.get("wall_offsets"), dict):
        held = {one.file: plain_offsets(one.start.wall_offsets) for one in readings if one.start}
        _check_equal(directory, "wall_offsets", held | {RUN: offsets})
    machines = recorded.get("machines")
    for one in readings:
        about = machines.get(one.machine) if isinstance(machines, dict) else None
        outcome = about.get("outcome") if isinstance(about, dict) else None
        if one.stop and outcome in get_args(Reason):
            _check_equal(directory, "reason", {one.file: one.stop.reason, RUN: outcome})


def _check_equal(directory: Path, field: str, values: Mapping[str, Any]) -> None:
    """Raise InputError if files disagree on a field; it names the odd ones against the others.

    The field is the path of an attribute of start records, or a name in run.json.
    """
    shown = SHOWN.get(field, field.removeprefix("spec."))
    held = list(values.values())
    usual = max(held, key=held.count)
    odd = [file for file, value in values.items() if value != usual]
    if odd:
        others = [file for file in values if file not in odd]
        raise InputError(
            f"{directory} mixes logs of two runs: {_and(others)} and {_and(odd)} disagree on"
            f" {shown}; give each run a directory of its own, and leave its files as they were"
        )


def _and(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} (and {len(files) - 1} more)"
