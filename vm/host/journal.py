"""What a machine leaves behind: its log for programs, and the same story for people."""

import sys
from io import FileIO
from pathlib import Path

from vm.log import encode
from vm.records import Event, Record, Start, Stop, Timestamp
from vm.schedule import SECOND_NS


class Journal:
    """`<name>.jsonl` and, line by line as on standard output, `<name>.out`.

    Every record is with the operating system when `write` returns: a killed machine loses
    none. What an earlier run left under these names is removed. OSError if the folder
    cannot be written.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log_path = folder / f"{name}.jsonl"
        self._log_path.unlink(missing_ok=True)
        self._out = (folder / f"{name}.out").open("wb", buffering=0)
        self._log: FileIO | None = None

    def begin(self, start: Start) -> None:
        self._log = self._log_path.open("xb", buffering=0)
        self.write(start)

    def write(self, record: Record) -> None:
        assert self._log is not None
        self._log.write(f"{encode(record)}\n".encode())
        self.say(for_people(record))

    def say(self, line: str) -> None:
        self._out.write(f"{line}\n".encode())
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def close(self) -> None:
        self._out.close()
        if self._log is not None:
            self._log.close()


def for_people(record: Record) -> str:
    """One line that a person can follow a run by."""
    match record:
        case Start():
            return (
                f"{record.machine} starts: {record.tick_rate_hz} ticks/s, one of"
                f" {len(record.machines)} machines, run {record.run}, seed {record.seed}"
            )
        case Stop():
            return (
                f"{record.reason}: {record.events} events, {record.ticks_missed} ticks missed;"
                f" messages: {len(record.inbox)} left in the inbox,"
                f" {len(record.undelivered)} undelivered, {record.rejected} rejected"
            )
        case Event():
            (main, reading), *others = record.clock.items()
            line = (
                f"{record.at_ns / SECOND_NS:9.3f} s  tick {record.tick:<5}{record.kind:<9}"
                f"{main} {_reading(reading):<6}{_what(record):<48}"
            )
            return (line + "".join(f"  {name} {_reading(t)}" for name, t in others)).rstrip()


def _reading(timestamp: Timestamp) -> str:
    return str(timestamp) if isinstance(timestamp, int) else ",".join(map(str, timestamp))


def _what(event: Event) -> str:
    if event.kind == "send":
        return f"to {', '.join(event.to)}"
    if event.kind == "receive":
        return f"from {event.sender} (its event {event.cause}), {event.queue} left in the queue"
    return ""
