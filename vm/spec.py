"""A spec: every value on which one run depends.

`Spec.parse` reads a spec from plain values, `Spec.plain` writes them; they are the same in an
experiment file, in `spec.json`, in the start record of a log and on a machine's command line. A
field is declared once, in `Spec`: type, default, reader, description and JSON Schema. Random values
(tick rates, phases, choices of the workload) come from one generator per owner and purpose, derived
from the seed and the machine's name, so they do not depend on the order in which machines run.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from vm.clocks import clock_of
from vm.clocks.physical.readings import (
    PhysicalClocks,
    Reading,
    origin_ns,
    physical_clocks_schema,
    plain_physical_clocks,
    read_physical_clocks,
    reading_of,
)
from vm.clocks.reading import check_borne, check_limits, clocks_schema, read_clocks
from vm.faults import Crash, Fault, Loss, MachineFault, faults_schema, plain_fault, read_faults
from vm.fields import (
    MAX_DURATION_S,
    NAMES,
    Field,
    Reader,
    Schema,
    plain_value,
    read_names,
    read_number,
    read_whole,
)

# Exported again, for code that reads specs.
from vm.fields import SpecError as SpecError
from vm.fields import suggestion as suggestion
from vm.latency import Latency, latency_schema, plain_latency, read_latency
from vm.quoting import quoted
from vm.schedule import SECOND_NS, Schedule
from vm.workloads import WORKLOADS, Workload

MAX_MACHINES = 200
MAX_TICK_RATE_HZ = 10_000
MAX_SEED = 2**63 - 1
MAX_WEIGHT = 1_000_000
WEIGHTS = ("one", "all", "internal")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")
NAME_RULE = "a letter or digit, then at most 62 letters, digits and _ . : -"

A_NAME: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
RATE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_TICK_RATE_HZ}
WEIGHT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_WEIGHT}


def generator(seed: int, owner: str, purpose: str) -> Random:
    """Return the generator of one owner for one purpose: the same on every platform."""
    return Random(f"{seed}/{owner}/{purpose}")


def draw_schedule(tick_rate_hz: int, seed: int, machine: str) -> Schedule:
    """Return the machine's schedule, with a phase drawn from one period."""
    phase_ns = int(generator(seed, machine, "phase").random() * (SECOND_NS // tick_rate_hz))
    return Schedule(tick_rate_hz, phase_ns)


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts vm2 before vm10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _read_machines(field: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, int):
        return tuple(f"vm{n}" for n in range(1, read_whole(field, value, 1, MAX_MACHINES) + 1))
    names = read_names(field, value)
    read_whole(field, len(names), 1, MAX_MACHINES)
    for name in names:
        if not NAME.fullmatch(name):
            raise SpecError(field, f"{quoted(name)} is not a name: {NAME_RULE}")
    # Draws depend on the order, and machines given by address have no other order.
    return tuple(sorted(names, key=natural_order))


def _read_duration_s(field: str, value: Any) -> float:
    duration_s = read_number(field, value, "number of seconds")
    if not 0 < duration_s <= MAX_DURATION_S:
        raise SpecError(
            field, f"{quoted(duration_s)} s is not more than 0 and at most {MAX_DURATION_S}"
        )
    return duration_s


def _read_ticks(field: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SpecError(
            field, f"{quoted(value)} is not a pair of the lowest and the highest tick rate"
        )
    low, high = (read_whole(field, v, 1, MAX_TICK_RATE_HZ) for v in value)
    if low > high:
        raise SpecError(field, f"the lowest rate comes first: {high}-{low}, not {low}-{high}")
    return low, high


def _read_tick_rates_hz(field: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise SpecError(field, f"{quoted(value)} is not a table of machine and rate")
    return {m: read_whole(f"{field}.{m}", rate, 1, MAX_TICK_RATE_HZ) for m, rate in value.items()}


def _read_workload(field: str, value: Any) -> Workload:
    if isinstance(value, str):
        if value not in WORKLOADS:
            raise SpecError(
                field, f"there is no workload {quoted(value)}{suggestion(value, WORKLOADS)}"
            )
        return WORKLOADS[value]
    for key in value if isinstance(value, Mapping) else ():
        if key not in WEIGHTS:
            raise SpecError(f"{field}.{key}", f"there is no such weight{suggestion(key, WEIGHTS)}")
    if not isinstance(value, Mapping) or set(value) != set(WEIGHTS):
        raise SpecError(
            field, f"{quoted(value)} is neither a workload's name nor the weights {WEIGHTS}"
        )
    workload = Workload(**{w: read_whole(f"{field}.{w}", value[w], 0, MAX_WEIGHT) for w in WEIGHTS})
    if workload.one + workload.all + workload.internal == 0:
        raise SpecError(field, "at least one weight must be more than 0")
    return workload


def _read_fifo(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SpecError(field, f"{quoted(value)} is neither true nor false")
    return value


def _read_fault_tables(field: str, value: Any) -> Sequence[Any]:
    """Check for a list; `Spec.parse` reads the tables in it, which depend on other fields."""
    if not isinstance(value, list | tuple):
        raise SpecError(field, f"{quoted(value)} is not a list of tables")
    return value


def _declared(
    default: Any,
    read: Reader,
    text: str,
    schema: Schema,
    plain: Callable[[Any], Any] = plain_value,
) -> Any:
    """Declare a field of the spec; the arguments after the default are those of `Field`."""
    return dataclasses.field(
        default_factory=lambda: default, metadata={"field": Field(read, text, schema, plain)}
    )


@dataclass(frozen=True)
class Spec:
    """The spec of one run. `tick_rates_hz` holds the tick rates that are not drawn.

    Without a `latency` the backend's own applies; `fifo` states whether channels keep order.
    """

    machines: tuple[str, ...] = _declared(
        ("vm1", "vm2", "vm3"),
        _read_machines,
        "number of machines, or their names",
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_MACHINES},
                NAMES | {"items": A_NAME, "maxItems": MAX_MACHINES},
            ]
        },
    )
    duration_s: float = _declared(
        60,
        _read_duration_s,
        "how long the machines tick",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DURATION_S},
    )
    ticks: tuple[int, int] = _declared(
        (1, 6),
        _read_ticks,
        "range from which each machine's ticks per second are drawn",
        {"type": "array", "items": RATE, "minItems": 2, "maxItems": 2},
    )
    tick_rates_hz: Mapping[str, int] = _declared(
        {},
        _read_tick_rates_hz,
        "ticks per second of machines, instead of a drawn rate",
        {"type": "object", "additionalProperties": RATE},
    )
    workload: Workload = _declared(
        WORKLOADS["assignment"],
        _read_workload,
        "idle ticks: a workload's name, or weights: send to one, send to all, internal event",
        {
            "anyOf": [
                {"enum": list(WORKLOADS)},
                {
                    "type": "object",
                    "properties": dict.fromkeys(WEIGHTS, WEIGHT),
                    "required": list(WEIGHTS),
                    "additionalProperties": False,
                },
            ]
        },
        vars,
    )
    clocks: tuple[str, ...] = _declared(
        ("lamport",),
        read_clocks,
        "clocks that the machines carry, the main one first: names, or tables with parameters",
        clocks_schema(),
    )
    seed: int = _declared(
        0,
        lambda field, value: read_whole(field, value, 0, MAX_SEED),
        "seed for all random choices; the same seed repeats them",
        {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
    )
    latency: Latency | None = _declared(
        None,
        read_latency,
        "latency of the network (default: that of the backend)",
        latency_schema(),
        plain_latency,
    )
    fifo: bool = _declared(
        True, _read_fifo, "whether channels keep the order of messages", {"type": "boolean"}
    )
    physical_clocks: PhysicalClocks | None = _declared(
        None,
        read_physical_clocks,
        "wall clocks of the machines: one table for all, or one by machine (default: true time)",
        physical_clocks_schema(),
        plain_physical_clocks,
    )
    faults: tuple[Fault, ...] = _declared(
        (),
        _read_fault_tables,
        "faults, each with its time",
        faults_schema(),
        lambda faults: [plain_fault(fault) for fault in faults],
    )

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> "Spec":
        """Return the spec that plain values describe; SpecError names the wrong field."""
        for key in plain:
            if key not in FIELDS:
                raise SpecError(key, f"there is no such field{suggestion(key, FIELDS)}")
        read = {key: FIELDS[key].read(key, value) for key, value in plain.items()}
        spec = cls(**(read | {"faults": ()}))
        for field in ("tick_rates_hz", "physical_clocks"):
            by_machine = getattr(spec, field)
            for name in by_machine if isinstance(by_machine, Mapping) else ():
                if name not in spec.machines:
                    near = suggestion(name, spec.machines)
                    raise SpecError(f"{field}.{name}", f"there is no such machine{near}")
        # Which faults are possible depends on the machines and the duration.
        tables = read.get("faults", ())
        faults = read_faults("faults", tables, spec.machines, spec.duration_ns)
        check_borne(spec.clocks, spec.fifo, any(isinstance(fault, Loss) for fault in faults))
        check_limits(spec.clocks, spec.most_events)
        return replace(spec, faults=faults)

    def plain(self) -> dict[str, Any]:
        """Return JSON-compatible values that `parse` reads back as an equal spec."""
        return {name: field.plain(getattr(self, name)) for name, field in FIELDS.items()}

    @property
    def duration_ns(self) -> int:
        return round(self.duration_s * SECOND_NS)

    def resolved(self) -> "Spec":
        """Return the spec with the tick rate of every machine."""
        return replace(self, tick_rates_hz={m: self.tick_rate_hz(m) for m in self.machines})

    def tick_rate_hz(self, machine: str) -> int:
        """Return the given rate of a machine, or draw it."""
        if machine in self.tick_rates_hz:
            return self.tick_rates_hz[machine]
        low, high = self.ticks
        draw = generator(self.seed, machine, "tick rate").random()
        return low + int(draw * (high - low + 1))

    def schedule(self, machine: str) -> Schedule:
        return draw_schedule(self.tick_rate_hz(machine), self.seed, machine)

    def most_events(self) -> list[int]:
        """Return the number of ticks of each machine, none of them missed."""
        return [self.schedule(m).ticks_before(self.duration_ns) for m in self.machines]

    @property
    def reads_physical(self) -> bool:
        """Whether a clock reads the machine's physical clock, which is then logged."""
        return any(clock_of(name).reads_physical for name in self.clocks)

    @property
    def physical_origin_ns(self) -> int:
        """The reading of a physical clock without a fault at the epoch."""
        return origin_ns(self.physical_clocks, self.duration_ns)

    def physical_clock(self, machine: str) -> Reading:
        """Return the readings of a machine's physical clock."""
        draws = generator(self.seed, machine, "physical clock")
        return reading_of(self.physical_clocks, machine, self.duration_ns, draws)

    def planned_ticks(self, machine: str) -> Iterator[range]:
        """Yield a machine's ticks outside its pauses, restarts and crash, as ranges."""
        due_before, first = self.schedule(machine).ticks_before, 0
        own = [f for f in self.faults if isinstance(f, MachineFault) and f.machine == machine]
        for fault in sorted(own, key=lambda fault: fault.at_ns):
            yield range(first, due_before(fault.at_ns))
            if isinstance(fault, Crash):
                return
            first = due_before(fault.until_ns)
        yield range(first, due_before(self.duration_ns))


#: Every field of a spec by its name; `read_faults` reads the tables in `faults`.
FIELDS: dict[str, Field] = {
    declared.name: declared.metadata["field"] for declared in dataclasses.fields(Spec)
}
