"""Histories written by hand, one call per event; other fields have defaults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.checks.violation import Violation
from analysis.evaluation import Verdict
from analysis.history.run import Run
from analysis.logs.finding import load
from histories import World, write_log
from vm.log import decode, encode
from vm.records import (
    Event,
    Reason,
    Record,
    Start,
    Stop,
    Timestamp,
    Undelivered,
    Unread,
    WallOffset,
)
from vm.spec import Spec

EPOCH_UNIX_NS = 1_700_000_000 * 10**9
#: Later than all events of tests.
AFTER_ALL_NS = 10**15
#: The checks of a run against its spec: histories by hand follow no schedule and no draws.
PLANNED = ("schedule", "unplanned_fault", "replay")
#: Stands for the index of an event in its log.
NEXT = -1


def internal(at_ns: int, clock: Timestamp, index: int = NEXT) -> Event:
    return Event("internal", index, NEXT, at_ns, at_ns, 0, _clock(clock))


def send(at_ns: int, clock: Timestamp, *to: str, index: int = NEXT) -> Event:
    return Event("send", index, NEXT, at_ns, at_ns, 0, _clock(clock), to=to)


def receive(at_ns: int, clock: Timestamp, sender: str, cause: int, queue: int = 0) -> Event:
    return Event(
        "receive",
        NEXT,
        NEXT,
        at_ns,
        at_ns,
        queue,
        _clock(clock),
        sender=sender,
        cause=cause,
        arrived_ns=at_ns,
    )


def stop(
    events: int,
    *,
    inbox: Iterable[tuple[str, int]] = (),
    undelivered: Iterable[tuple[str, int]] = (),
    ticks_missed: int = 0,
    reason: Reason = "finished",
) -> Stop:
    """Make a stop record; `inbox` holds (sender, cause), `undelivered` (receiver, index)."""
    unread = tuple(Unread(sender, cause, AFTER_ALL_NS) for sender, cause in inbox)
    left = tuple(Undelivered(to, index) for to, index in undelivered)
    return Stop(reason, events, ticks_missed, 0, unread, left)


def write_run(
    directory: Path,
    logs: Mapping[str, Sequence[Event]],
    stops: Mapping[str, Stop | None] | None = None,
    **spec: object,
) -> Path:
    """Write the directory of a run. A machine without a stop in `stops` finished; with None, it
    was killed. `spec` holds fields of the run's spec, as plain values.
    """
    parsed = Spec.parse({"machines": list(logs), **spec})
    for machine, events in logs.items():
        end = (stops or {}).get(machine, stop(len(events)))
        start = Start(machine, "by hand", EPOCH_UNIX_NS, parsed.resolved())
        records: list[Record] = [start, *map(_placed, events, range(2**31))]
        write_log(directory / f"{machine}.jsonl", [*records, *([end] if end else [])])
    return directory


def run_of(
    directory: Path,
    logs: Mapping[str, Sequence[Event]],
    stops: Mapping[str, Stop | None] | None = None,
    **spec: object,
) -> Run:
    return load(write_run(directory, logs, stops, **spec))


def measured(directory: Path, offsets: Mapping[str, WallOffset]) -> Path:
    """Let the machines of a run have measured the offsets of their wall clocks."""
    for machine in offsets:
        log = directory / f"{machine}.jsonl"
        first, *rest = log.read_text().splitlines(keepends=True)
        start = decode(first)
        assert isinstance(start, Start)
        here_ns = EPOCH_UNIX_NS + offsets[machine].offset_ns
        start = replace(start, epoch_unix_ns=here_ns, wall_offsets=offsets)
        log.write_text("".join([encode(start), "\n", *rest]))
    return directory


def loaded(logs: Mapping[str, Iterable[Record]]) -> Run:
    """Load a run from complete logs, without a directory."""
    with TemporaryDirectory() as directory:
        for machine, records in logs.items():
            write_log(Path(directory) / f"{machine}.jsonl", records)
        return load(Path(directory))


def logs_of(world: World) -> dict[str, list[Record]]:
    return {machine: world.log(machine) for machine in world.spec.machines}


def violations(found: Verdict) -> list[Violation]:
    """Return the violations of a verdict on a history by hand."""
    return [violation for violation in found.violations if violation.check not in PLANNED]


def _clock(reading: Timestamp) -> dict[str, Timestamp]:
    return {"lamport" if isinstance(reading, int) else "vector": reading}


def _placed(event: Event, position: int) -> Event:
    index = position if event.index == NEXT else event.index
    return replace(event, index=index, tick=position if event.tick == NEXT else event.tick)
