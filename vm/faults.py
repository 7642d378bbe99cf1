"""Faults: scheduled failures of channels and machines in a run.

A fault is active from `at_ns` until just before `until_ns`. Loss, duplication and delay affect
the messages that are sent in this time, partitions those that would arrive in it; pause, crash
and restart affect machines.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vm.fields import (
    NAMES,
    SECONDS,
    Field,
    Schema,
    SpecError,
    plain_table,
    read_names,
    read_number,
    read_seconds_ns,
    read_table,
    suggestion,
    table_schema,
)
from vm.quoting import quoted
from vm.schedule import SECOND_NS

MAX_FAULTS = 1000


@dataclass(frozen=True)
class LastingFault:
    """A fault that is active from `at_ns` until just before `until_ns`."""

    at_ns: int
    until_ns: int


@dataclass(frozen=True)
class ChannelFault(LastingFault):
    """A fault that affects messages from `senders` to `receivers`."""

    senders: tuple[str, ...]
    receivers: tuple[str, ...]


@dataclass(frozen=True)
class Loss(ChannelFault):
    """Loss of messages from `senders` to `receivers`, each with this probability."""

    probability: float


@dataclass(frozen=True)
class Duplication(ChannelFault):
    """Duplication of messages from `senders` to `receivers`, each with this probability."""

    probability: float


@dataclass(frozen=True)
class Delay(ChannelFault):
    """Delay of each message from `senders` to `receivers` by a fixed time plus random jitter."""

    extra_ns: int = 0
    jitter_ns: int = 0


@dataclass(frozen=True)
class Partition(LastingFault):
    """A cut between `groups`, which cover all machines. Messages wait for its end; none is lost."""

    groups: tuple[tuple[str, ...], ...]

    def separates(self, one: str, other: str) -> bool:
        return not any(one in group and other in group for group in self.groups)


@dataclass(frozen=True)
class Pause(LastingFault):
    """A machine that does not tick: it misses its ticks and its inbox fills."""

    machine: str


@dataclass(frozen=True)
class Crash:
    """A machine that is killed and not started again."""

    at_ns: int
    machine: str


@dataclass(frozen=True)
class Restart(LastingFault):
    """A machine that is killed, and restarted from its own log when the fault ends."""

    machine: str


MachineFault = Pause | Crash | Restart
Fault = Loss | Duplication | Delay | Partition | MachineFault


def end_ns(fault: Fault) -> int:
    """Return when a fault ends; a crash ends at once."""
    return fault.at_ns if isinstance(fault, Crash) else fault.until_ns


def faults_of(machine: str, faults: Iterable[Fault]) -> list[MachineFault]:
    """Return the faults that affect a machine itself."""
    return [
        fault for fault in faults if isinstance(fault, MachineFault) and fault.machine == machine
    ]


def read_faults(
    field: str, tables: Sequence[Any], machines: tuple[str, ...], duration_ns: int
) -> tuple[Fault, ...]:
    """Return the faults that tables describe, in a run of these machines."""
    if len(tables) > MAX_FAULTS:
        raise SpecError(field, f"{len(tables)} faults are more than {MAX_FAULTS}")
    faults: list[Fault] = []
    for number, table in enumerate(tables):
        fault = _read(f"{field}.{number}", table, machines, duration_ns)
        _check_dates(f"{field}.{number}", fault, duration_ns)
        faults.append(fault)
    _check_not_down(field, faults)
    return tuple(faults)


def plain_fault(fault: Fault) -> dict[str, Any]:
    """Return a JSON-compatible table that `read_faults` reads back as an equal fault."""
    return plain_table(FAULTS, fault)


def faults_schema() -> Schema:
    """Return the JSON Schema of the tables that `read_faults` reads."""

    def is_optional(kind: str, key: str) -> bool:
        return key in ("at_s", "senders", "receivers") or (key == "until_s" and kind != "restart")

    return {
        "type": "array",
        "items": table_schema(FAULTS, KEYS, is_optional),
        "maxItems": MAX_FAULTS,
    }


def _read(field: str, table: Any, machines: tuple[str, ...], duration_ns: int) -> Fault:
    defaults = {"at_ns": 0, "senders": machines, "receivers": machines}
    if not (isinstance(table, dict) and table.get("kind") == "restart"):
        defaults["until_ns"] = duration_ns
    fault: Fault = read_table(field, table, FAULTS, KEYS, defaults)
    known = frozenset(machines)
    for key, names in _named(fault):
        for name in names:
            if name not in known:
                problem = f"there is no machine {quoted(name)}{suggestion(name, machines)}"
                raise SpecError(f"{field}.{key}", problem)
    return _whole_partition(field, fault, machines) if isinstance(fault, Partition) else fault


def _named(fault: Fault) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each key of a fault that names machines, with their names."""
    match fault:
        case ChannelFault():
            yield "senders", fault.senders
            yield "receivers", fault.receivers
        case Partition():
            yield "groups", [name for group in fault.groups for name in group]
        case Pause() | Crash() | Restart():
            yield "machine", (fault.machine,)


def _whole_partition(field: str, fault: Partition, machines: tuple[str, ...]) -> Partition:
    """Return the partition; machines that are in none of its groups form a further group."""
    named = [name for group in fault.groups for name in group]
    rest = tuple(machine for machine in machines if machine not in named)
    groups = (*fault.groups, rest) if rest else fault.groups
    if len(groups) < 2:
        raise SpecError(f"{field}.groups", "one group of all machines separates nobody")
    return Partition(fault.at_ns, fault.until_ns, groups)


def _check_dates(field: str, fault: Fault, duration_ns: int) -> None:
    if fault.at_ns >= duration_ns:
        raise SpecError(f"{field}.at_s", _late(fault.at_ns, duration_ns))
    if isinstance(fault, Crash):
        return
    if fault.until_ns <= fault.at_ns:
        begins_s = fault.at_ns / SECOND_NS
        raise SpecError(f"{field}.until_s", f"it must be after at_s, which is {begins_s:g}")
    # A machine restarted at the end of the run would have nothing left to do.
    is_late = isinstance(fault, Restart) and fault.until_ns == duration_ns
    if is_late or fault.until_ns > duration_ns:
        raise SpecError(f"{field}.until_s", _late(fault.until_ns, duration_ns))


def _late(time_ns: int, duration_ns: int) -> str:
    return f"{time_ns / SECOND_NS:g} s is not within the run of {duration_ns / SECOND_NS:g} s"


def _check_not_down(field: str, faults: Sequence[Fault]) -> None:
    """Check that no machine goes down while it is down; SpecError names the later table."""
    downs = sorted(
        (fault.machine, fault.at_ns, number, fault)
        for number, fault in enumerate(faults)
        if isinstance(fault, MachineFault)
    )
    for (machine, _, number, before), (other, at_ns, next_number, _) in pairwise(downs):
        if machine != other:
            continue
        at = f"{field}.{max(number, next_number)}.at_s"
        if isinstance(before, Crash):
            raise SpecError(at, f"nothing can follow the crash of {machine}")
        if before.until_ns > at_ns:
            raise SpecError(at, f"{machine} is down at that time already, by another fault")


def _probability(field: str, value: Any) -> float:
    probability = read_number(field, value)
    if not 0 < probability <= 1:
        raise SpecError(field, f"{quoted(probability)} is not more than 0 and at most 1")
    return probability


def _some_names(field: str, value: Any) -> tuple[str, ...]:
    names = read_names(field, value)
    if not names:
        raise SpecError(field, "at least one machine is needed; leave it out for all")
    return names


def _machine(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SpecError(field, f"{quoted(value)} is not a machine's name")
    return value


def _groups(field: str, value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list | tuple) or not value:
        raise SpecError(field, f"{quoted(value)} is not a list of groups, as in [['vm1'], ['vm2']]")
    groups = tuple(read_names(field, group) for group in value)
    if not all(groups):
        raise SpecError(field, "a group without machines separates nobody")
    read_names(field, [name for group in groups for name in group])
    return groups


#: The keys of a fault's table.
KEYS: dict[str, Field] = {
    "at_s": Field(read_seconds_ns, "when the fault begins (default: when the run begins)", SECONDS),
    "until_s": Field(read_seconds_ns, "when the fault ends (default: when the run ends)", SECONDS),
    "senders": Field(_some_names, "senders of the affected messages (default: all)", NAMES),
    "receivers": Field(_some_names, "receivers of the affected messages (default: all)", NAMES),
    "probability": Field(
        _probability,
        "the probability for each message",
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ),
    "extra_s": Field(read_seconds_ns, "delay of each message", SECONDS),
    "jitter_s": Field(read_seconds_ns, "largest additional delay, drawn for each message", SECONDS),
    "groups": Field(
        _groups,
        "groups that stay connected; machines in no group form one more",
        {"type": "array", "items": NAMES, "minItems": 1},
    ),
    "machine": Field(_machine, "the machine that the fault affects", {"type": "string"}),
}

FAULTS: dict[str, type[Fault]] = {
    "loss": Loss,
    "duplication": Duplication,
    "delay": Delay,
    "partition": Partition,
    "pause": Pause,
    "crash": Crash,
    "restart": Restart,
}
