"""Recovery of a killed machine from its own log."""

from dataclasses import dataclass, replace
from pathlib import Path

from vm.files import log_path
from vm.host.settings import HostError, Settings
from vm.host.startup import Agreement
from vm.host.wire.frames import Membership
from vm.log import LogError, StartError, decode
from vm.records import Event, Record, Start, Stop


@dataclass(frozen=True)
class Past:
    """The log of this run so far; a machine that `has_ended` has nothing left to do."""

    agreement: Agreement
    events: tuple[Event, ...]
    has_ended: bool


def read_past(settings: Settings) -> Past | None:
    """Return the machine's log of this run, or None if no log begins with its start record.

    A torn last line is cut off: its event's messages have not left. HostError if the log is
    damaged, or does not fit the settings.
    """
    path = log_path(settings.log, settings.name)
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
    """Cut off a torn last line; return the other lines, at least one, which may be empty."""
    with path.open("rb+") as log:
        text = log.read()
        log.truncate(whole := text.rfind(b"\n") + 1)
    return text[:whole].decode(errors="replace").removesuffix("\n").split("\n")


def _start(line: str) -> Start | None:
    try:
        record = decode(line)
    except StartError as error:
        raise HostError(f"--recover: the log's first line: {error}") from None
    except LogError:
        return None
    return record if isinstance(record, Start) else None


def _record(path: Path, number: int, line: str) -> Record:
    try:
        return decode(line)
    except LogError as error:
        raise HostError(f"--recover: {path}:{number}: {error}") from None


def _agreement(settings: Settings, start: Start) -> Agreement:
    """Return the agreement in the log; HostError if the machine is given another spec now."""
    given = settings.spec
    # Rates that this machine was not given, and perhaps the seed, came from peers.
    rates_hz = {**start.spec.tick_rates_hz, **given.tick_rates_hz}
    seed = start.spec.seed if settings.seed is None else settings.seed
    logged, now = start.spec.plain(), replace(given, tick_rates_hz=rates_hz, seed=seed).plain()
    for field, value in now.items():
        if logged[field] != value:
            raise HostError(
                f"--recover: {field} was {logged[field]} by the log, but is {value} now"
            )
    machines, clocks = start.spec.machines, start.spec.clocks
    membership = Membership(start.run, start.machine, machines, clocks, settings.key)
    offsets = {machine: start.wall_offset(machine) for machine in machines}
    return Agreement(membership, start.spec, start.run_epoch_unix_ns, offsets)
