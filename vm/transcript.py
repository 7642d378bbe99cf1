"""The transcript of a machine for people: its log's records, one line each."""

from vm.records import Event, Record, Recovery, Start, Stop, Timestamp
from vm.schedule import SECOND_NS


def transcript_line(record: Record) -> str:
    """Return the line of a record."""
    match record:
        case Start():
            machine, spec = record.machine, record.spec
            return (
                f"{machine} starts: {spec.tick_rate_hz(machine)} ticks/s, one of"
                f" {len(spec.machines)} machines, run {record.run}, seed {spec.seed}"
            )
        case Recovery():
            return (
                f"{record.at_ns / SECOND_NS:9.3f} s  back after a kill: the log holds"
                f" {record.events} events"
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
        lost = f", lost to {', '.join(event.lost)}" if event.lost else ""
        twice = f", twice to {', '.join(event.duplicated)}" if event.duplicated else ""
        return f"to {', '.join(event.to)}{lost}{twice}"
    if event.kind == "receive":
        return f"from {event.sender} (its event {event.cause}), {event.queue} left in the queue"
    return ""
