"""A history in logs of a shape that no format describes, to be recognised from their lines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.virtual.simulation import simulate
from vm.records import Event, Record
from vm.spec import Spec

EPOCH = datetime(2025, 3, 5, 16, 55, 41, tzinfo=UTC)
#: Ticks per second: different ones, so that clocks jump.
RATES_HZ = {"node1": 60, "node2": 40, "node3": 20}


def write(directory: Path, events: int) -> None:
    """Write logs with about this number of events, one per line."""
    machines = [*RATES_HZ]
    duration_s = events / sum(RATES_HZ.values())
    spec = Spec.parse(
        {"machines": machines, "tick_rates_hz": RATES_HZ, "duration_s": duration_s, "seed": 1}
    )
    for name, records in simulate(spec, "benchmark").items():
        with (directory / f"{name}.log").open("w") as log:
            log.writelines(_lines(name, len(machines), records))


def _lines(name: str, machines: int, records: Sequence[Record]) -> Iterator[str]:
    yield f"starting {name} with {machines - 1} peers\n"
    for record in records:
        if isinstance(record, Event):
            at = EPOCH + timedelta(microseconds=record.at_ns // 1000)
            what = _what(record, machines)
            yield f"[{at:%F %T.%f}] {what} | logical clock {record.clock['lamport']}\n"


def _what(event: Event, machines: int) -> str:
    if event.kind == "receive":
        return f"RECEIVE from {event.sender} | queue length {event.queue}"
    if event.kind == "send":
        return f"SEND to {'all' if len(event.to) == machines - 1 else event.to[0]}"
    return "INTERNAL"
