"""Everything one run depends on, seed included, validated in one place.

A spec is written as a mapping of plain values (a TOML table, spec.json); `Spec.parse`
reads it and `Spec.plain` writes it. What is drawn (tick rates, phases, the workload's
choices) comes from one generator per owner and purpose, derived from the seed and the
machine's name, so that nothing depends on the order in which machines happen to run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from vm.clocks import CLOCKS
from vm.faults import Fault, faults_schema, plain_fault, read_faults
from vm.fields import MAX_DURATION_S, NAMES, Field, Schema, read_names, read_number, read_whole

# Whoever reads a spec needs these two with it.
from vm.fields import SpecError as SpecError
from vm.fields import suggestion as suggestion
from vm.latency import Latency, latency_schema, plain_latency, read_latency
from vm.schedule import SECOND_NS, Schedule
from vm.workloads import WORKLOADS, Workload

MAX_MACHINES = 200
MAX_TICK_RATE_HZ = 10_000
MAX_SEED = 2**63 - 1
MAX_WEIGHT = 1_000_000
WEIGHTS = ("one", "all", "internal")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")


@dataclass(frozen=True)
class Spec:
    """One run. `tick_rates_hz` gives the rates of the machines for which none is to be drawn.

    Without a `latency` the network is as it is; `fifo` says whether channels keep their order.
    """

    machines: tuple[str, ...] = ("vm1", "vm2", "vm3")
    duration_s: float = 60
    ticks: tuple[int, int] = (1, 6)
    tick_rates_hz: Mapping[str, int] = field(default_factory=dict)
    workload: Workload = WORKLOADS["assignment"]
    clocks: tuple[str, ...] = ("lamport",)
    seed: int = 0
    latency: Latency | None = None
    fifo: bool = True
    faults: tuple[Fault, ...] = ()

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> "Spec":
        """The spec that a mapping of plain values describes; SpecError names the wrong field."""
        for key in plain:
            if key not in FIELDS:
                raise SpecError(key, f"there is no such field{suggestion(key, FIELDS)}")
        read = {key: FIELDS[key].read(key, value) for key, value in plain.items()}
        spec = cls(**(read | {"faults": ()}))
        for name in spec.tick_rates_hz:
            if name not in spec.machines:
                raise SpecError(
                    f"tick_rates_hz.{name}",
                    f"there is no such machine{suggestion(name, spec.machines)}",
                )
        # What a fault may be depends on the machines and the duration.
        return replace(
            spec,
            faults=read_faults("faults", read.get("faults", ()), spec.machines, spec.duration_ns),
        )

    def plain(self) -> dict[str, Any]:
        """The mapping that `parse` reads back as an equal spec; JSON can hold it."""
        return {
            "machines": list(self.machines),
            "duration_s": self.duration_s,
            "ticks": list(self.ticks),
            "tick_rates_hz": dict(self.tick_rates_hz),
            "workload": vars(self.workload),
            "clocks": list(self.clocks),
            "seed": self.seed,
            "latency": plain_latency(self.latency),
            "fifo": self.fifo,
            "faults": [plain_fault(fault) for fault in self.faults],
        }

    @property
    def duration_ns(self) -> int:
        return round(self.duration_s * SECOND_NS)

    def resolved(self) -> "Spec":
        """The same run with every tick rate given."""
        return replace(self, tick_rates_hz={m: self.tick_rate_hz(m) for m in self.machines})

    def tick_rate_hz(self, machine: str) -> int:
        given = self.tick_rates_hz.get(machine)
        return given if given else draw_tick_rate_hz(self.ticks, self.seed, machine)

    def schedule(self, machine: str) -> Schedule:
        return draw_schedule(self.tick_rate_hz(machine), self.seed, machine)


def generator(seed: int, owner: str, purpose: str) -> Random:
    """The generator of one owner for one purpose; the same on every platform and version."""
    return Random(f"{seed}/{owner}/{purpose}")


def draw_tick_rate_hz(ticks: tuple[int, int], seed: int, machine: str) -> int:
    low, high = ticks
    return low + int(generator(seed, machine, "tick rate").random() * (high - low + 1))


def draw_schedule(tick_rate_hz: int, seed: int, machine: str) -> Schedule:
    """The machine's ticks, begun at a phase drawn from one period."""
    phase_ns = int(generator(seed, machine, "phase").random() * (SECOND_NS // tick_rate_hz))
    return Schedule(tick_rate_hz, phase_ns)


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sort key that puts vm2 before vm10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _machines(field: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, int):
        return tuple(f"vm{n}" for n in range(1, read_whole(field, value, 1, MAX_MACHINES) + 1))
    names = read_names(field, value)
    read_whole(field, len(names), 1, MAX_MACHINES)
    for name in names:
        if not NAME.fullmatch(name):
            raise SpecError(field, f"{name!r} is not a name: letters, digits and _ . : - only")
    # The order in which machines find themselves that have only met: draws depend on it.
    return tuple(sorted(names, key=natural_order))


def _duration_s(field: str, value: Any) -> float:
    duration_s = read_number(field, value, "number of seconds")
    if not 0 < duration_s <= MAX_DURATION_S:
        raise SpecError(field, f"{duration_s} s is not more than 0 and at most {MAX_DURATION_S}")
    return duration_s


def _ticks(field: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SpecError(field, f"{value!r} is not a pair of the lowest and the highest tick rate")
    low, high = (read_whole(field, v, 1, MAX_TICK_RATE_HZ) for v in value)
    if low > high:
        raise SpecError(field, f"the lowest rate comes first: {high}-{low}, not {low}-{high}")
    return low, high


def _tick_rates_hz(field: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise SpecError(field, f"{value!r} is not a table of machine and rate")
    return {m: read_whole(f"{field}.{m}", rate, 1, MAX_TICK_RATE_HZ) for m, rate in value.items()}


def _workload(field: str, value: Any) -> Workload:
    if isinstance(value, str):
        if value not in WORKLOADS:
            raise SpecError(field, f"there is no workload {value!r}{suggestion(value, WORKLOADS)}")
        return WORKLOADS[value]
    for key in value if isinstance(value, Mapping) else ():
        if key not in WEIGHTS:
            raise SpecError(f"{field}.{key}", f"there is no such weight{suggestion(key, WEIGHTS)}")
    if not isinstance(value, Mapping) or set(value) != set(WEIGHTS):
        raise SpecError(field, f"{value!r} is neither a workload's name nor the weights {WEIGHTS}")
    workload = Workload(**{w: read_whole(f"{field}.{w}", value[w], 0, MAX_WEIGHT) for w in WEIGHTS})
    if workload.one + workload.all + workload.internal == 0:
        raise SpecError(field, "at least one weight must be more than 0")
    return workload


def _clocks(field: str, value: Any) -> tuple[str, ...]:
    names = read_names(field, value)
    if not names:
        raise SpecError(field, f"at least one clock is needed: {', '.join(CLOCKS)}")
    for name in names:
        if name not in CLOCKS:
            raise SpecError(field, f"there is no clock {name!r}{suggestion(name, CLOCKS)}")
    return names


def _seed(field: str, value: Any) -> int:
    return read_whole(field, value, 0, MAX_SEED)


def _fifo(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SpecError(field, f"{value!r} is neither true nor false")
    return value


def _faults(field: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise SpecError(field, f"{value!r} is not a list of tables")
    return value


A_NAME: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
RATE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_TICK_RATE_HZ}
WEIGHT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_WEIGHT}

#: Every field of a spec; of the tables in `faults`, `read_faults` reads more.
FIELDS: dict[str, Field] = {
    "machines": Field(
        _machines,
        "how many machines there are, or their names",
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_MACHINES},
                NAMES | {"items": A_NAME, "maxItems": MAX_MACHINES},
            ]
        },
    ),
    "duration_s": Field(
        _duration_s,
        "how long the machines tick",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DURATION_S},
    ),
    "ticks": Field(
        _ticks,
        "the range that each machine's ticks per second are drawn from",
        {"type": "array", "items": RATE, "minItems": 2, "maxItems": 2},
    ),
    "tick_rates_hz": Field(
        _tick_rates_hz,
        "ticks per second of machines for which they are not to be drawn",
        {"type": "object", "additionalProperties": RATE},
    ),
    "workload": Field(
        _workload,
        "what an idle tick does: a workload's name, or how often it sends to one, to all, or not",
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
    ),
    "clocks": Field(
        _clocks,
        "the clocks that the machines carry, the main one first",
        NAMES | {"items": {"enum": list(CLOCKS)}},
    ),
    "seed": Field(
        _seed,
        "what all draws derive from",
        {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
    ),
    "latency": Field(
        read_latency,
        "what the network takes; as it is, if not given",
        latency_schema(),
    ),
    "fifo": Field(_fifo, "whether channels keep the order of messages", {"type": "boolean"}),
    "faults": Field(_faults, "what goes wrong, and when", faults_schema()),
}
