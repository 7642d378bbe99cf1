"""What a machine that was killed goes on from: its own log."""

from dataclasses import dataclass
from pathlib import Path

from vm.host.settings import HostError, Settings
from vm.host.startup import Agreement
from vm.host.wire.frames import Membership
from vm.log import LogError, decode
from vm.records import Event, Record, Start, Stop
from vm.spec import SpecError
from vm.start import spec_of

#: What the log says about the run, and the machine is told again.
TOLD = ("machines", "duration_s", "workload", "clocks", "latency", "fifo", "faults")


@dataclass(frozen=True)
class Past:
    """A log that began in this very run; a machine that `has_ended` has nothing left to do."""

    agreement: Agreement
    events: tuple[Event, ...]
    has_ended: bool


def read_past(settings: Settings) -> Past | None:
    """What the machine's log holds of this run, or None if it does not hold a whole line of it.

    A torn last line is cut off: its event's messages have not left. HostError if the log is
    spoilt, or tells of another run under the same name.
    """
    path = settings.log / f"{settings.name}.jsonl"
    if not path.exists():
        return None
    first, *others = _whole_lines(path)
    start = _start(first)
    if start is None or (start.machine, start.run) != (settings.name, settings.run):
        return None
    records = [_record(path, number, line) for number, line in enumerate(others, 2)]
    return Past(
        agreement=_agreement(settings, start),
        events=tuple(record for record in records if isinstance(record, Event)),
        has_ended=bool(records) and isinstance(records[-1], Stop),
    )


def _whole_lines(path: Path) -> list[str]:
    """The lines of a log, of which there is at least one, empty perhaps."""
    with path.open("rb+") as log:
        text = log.read()
        log.truncate(whole := text.rfind(b"\n") + 1)
    return text[:whole].decode(errors="replace").removesuffix("\n").split("\n")


def _start(line: str) -> Start | None:
    try:
        record = decode(line)
    except LogError:
        return None
    return record if isinstance(record, Start) else None


def _record(path: Path, number: int, line: str) -> Record:
    try:
        return decode(line)
    except LogError as error:
        raise HostError(f"--recover: {path}:{number}: {error}") from None


def _agreement(settings: Settings, start: Start) -> Agreement:
    try:
        spec = spec_of({settings.name: start})
    except SpecError as error:
        raise HostError(f"--recover: the log's first line: {error}") from None
    told = {field: getattr(settings.spec, field) for field in TOLD}
    if settings.seed is not None:
        told["seed"] = settings.seed
    for field, value in told.items():
        if (logged := getattr(spec, field)) != value:
            raise HostError(f"--recover: {field} was {logged} by the log, but is {value} now")
    membership = Membership(start.run, start.machine, start.machines, start.clocks)
    return Agreement(membership, spec, start.epoch_unix_ns)
