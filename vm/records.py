"""The records of a run: events, messages, and the other lines of a log.

All times are integer nanoseconds since the run's epoch; the epoch itself counts from 1970, by the
machine's own wall clock. An event is identified by its machine and index, a message by its send
event and its receiver. A record in a log never changes; `Event` and `Message`, made on every tick,
are not frozen because that would double their cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from vm import __version__
from vm.quoting import counted
from vm.schedule import SECOND_NS
from vm.spec import Spec

Kind = Literal["internal", "send", "receive"]
Reason = Literal["finished", "terminated"]

#: A clock's timestamp, a value of its type `column`.
Timestamp = int | str | tuple[int, ...] | tuple[tuple[int, ...], ...]
#: Stands for an unknown number in the logs of other programs, and for a time that is not logged.
UNKNOWN = -1
#: Wall clocks and their offsets are below it, so that sums of them fit into 64 bits.
MAX_WALL_NS = 2**62


@dataclass(slots=True)
class Event:
    """One step of one machine.

    `queue` is the inbox length after the step. A send names its receivers (`to`), a receive
    names its send event (`sender`, `cause`) and the arrival of the message. `lost` and
    `duplicated` are the receivers of a send to which a fault lets no copy, or two, pass; the
    backend sets them before it logs the event.
    """

    kind: Kind
    index: int
    tick: int
    due_ns: int
    at_ns: int
    queue: int
    clock: dict[str, Timestamp]
    to: tuple[str, ...] = ()
    sender: str = ""
    cause: int = -1
    arrived_ns: int = -1
    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    physical_ns: int = UNKNOWN
    stamps: dict[str, bytes] | None = None


@dataclass(slots=True)
class Message:
    """The message of send event `index` of `sender` to `receiver`, with its stamp of each clock."""

    sender: str
    receiver: str
    index: int
    stamps: dict[str, Any]


class Arrival(NamedTuple):
    """A message in an inbox."""

    message: Message
    arrived_ns: int


@dataclass(frozen=True, slots=True)
class WallOffset:
    """How far the wall clock of a machine's computer is ahead of the first machine's.

    It is measured before the run starts. The true value is at most `bound_ns` away.
    """

    offset_ns: int
    bound_ns: int

    @property
    def is_possible(self) -> bool:
        return abs(self.offset_ns) < MAX_WALL_NS and 0 <= self.bound_ns < MAX_WALL_NS


#: That of the first machine, and of all in virtual time.
NO_OFFSET = WallOffset(0, 0)


@dataclass(frozen=True, slots=True)
class Start:
    """The first record of a log: machine, run, and everything on which the run depends.

    `epoch_unix_ns` is by the machine's own wall clock, `wall_offsets` has those of all machines;
    it is empty in virtual time. `spec` has every tick rate; `version` is the version of vklocks
    that ran the machine.
    """

    machine: str
    run: str
    epoch_unix_ns: int
    spec: Spec
    version: str = __version__
    wall_offsets: Mapping[str, WallOffset] = field(default_factory=dict)

    @property
    def run_epoch_unix_ns(self) -> int:
        """The epoch by the first machine's wall clock, the same in all logs of a run."""
        return self.epoch_unix_ns - self.wall_offset(self.machine).offset_ns

    def wall_offset(self, machine: str) -> WallOffset:
        return self.wall_offsets.get(machine, NO_OFFSET)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The restart of a killed machine with `events` events in its log."""

    at_ns: int
    events: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that was still in the receiver's inbox at the end."""

    sender: str
    cause: int
    arrived_ns: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that its receiver never acknowledged."""

    to: str
    index: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The last record of a log, unless the machine was killed."""

    reason: Reason
    events: int
    ticks_missed: int
    rejected: int
    inbox: tuple[Unread, ...]
    undelivered: tuple[Undelivered, ...]


Record = Start | Event | Recovery | Stop


def transcript_line(record: Record) -> str:
    """Return the line of a record in the transcript, the log for people."""
    match record:
        case Start():
            machine, spec = record.machine, record.spec
            offset = shown_offset(record, machine)
            return (
                f"{machine} starts: {counted(spec.tick_rate_hz(machine), 'tick')}/s, in a run of"
                f" {counted(len(spec.machines), 'machine')}: {record.run}, seed {spec.seed}"
                f"{offset and f', wall clock {offset}'}"
            )
        case Recovery():
            return (
                f"{record.at_ns / SECOND_NS:9.3f} s  back after a kill: the log holds"
                f" {counted(record.events, 'event')}"
            )
        case Stop():
            return (
                f"{record.reason}: {counted(record.events, 'event')},"
                f" {counted(record.ticks_missed, 'tick')} missed;"
                f" messages: {len(record.inbox)} left in the inbox,"
                f" {len(record.undelivered)} undelivered, {record.rejected} rejected"
            )
        case Event():
            (main, reading), *others = record.clock.items()
            line = (
                f"{record.at_ns / SECOND_NS:9.3f} s  tick {record.tick:<5}{record.kind:<9}"
                f"{main} {shown(reading):<6}{_what(record):<48}"
            )
            return (line + "".join(f"  {name} {shown(t)}" for name, t in others)).rstrip()


def shown(timestamp: Timestamp) -> str:
    """Return a timestamp for people: `7`, `1,0,2`, `1,0;0,2`.

    >>> shown(((1, 0), (0, 2)))
    '1,0;0,2'
    """
    if not isinstance(timestamp, tuple):
        return str(timestamp)
    separator = ";" if timestamp and isinstance(timestamp[0], tuple) else ","
    return separator.join(map(shown, timestamp))


def shown_offset(start: Start, machine: str) -> str:
    """Return the offset of a machine's wall clock for people, or "" if there is none.

    >>> start = Start("vm1", "r", 5, Spec(), wall_offsets={"vm2": WallOffset(-3000020000, 210000)})
    >>> shown_offset(start, "vm2")
    "3.0000 s behind vm1's (± 0.3 ms)"
    """
    offset = start.wall_offset(machine)
    if not offset.offset_ns:
        return ""
    shown = round(abs(offset.offset_ns), -5)
    # The sum is still a bound after rounding.
    bound_ns = offset.bound_ns + abs(abs(offset.offset_ns) - shown)
    where = "ahead of" if offset.offset_ns > 0 else "behind"
    return (
        f"{shown / SECOND_NS:.4f} s {where} {start.spec.machines[0]}'s"
        f" (± {-(-bound_ns // 100_000) / 10:.1f} ms)"
    )


def _what(event: Event) -> str:
    if event.kind == "send":
        lost = f", lost to {', '.join(event.lost)}" if event.lost else ""
        twice = f", twice to {', '.join(event.duplicated)}" if event.duplicated else ""
        return f"to {', '.join(event.to)}{lost}{twice}"
    if event.kind == "receive":
        return f"from {event.sender} (its event {event.cause}), {event.queue} left in the queue"
    return ""
