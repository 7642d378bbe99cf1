"""Everything one run depends on, seed included, validated in one place.

A spec is written as a mapping of plain values (a TOML table, spec.json); `Spec.parse`
reads it and `Spec.plain` writes it. What is drawn (tick rates, phases, the workload's
choices) comes from one generator per owner and purpose, derived from the seed and the
machine's name, so that nothing depends on the order in which machines happen to run.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from random import Random
from typing import Any

from vm.clocks import CLOCKS
from vm.schedule import SECOND_NS, Schedule
from vm.workloads import WORKLOADS, Workload

MAX_MACHINES = 200
MAX_TICK_RATE_HZ = 10_000
MAX_DURATION_S = 24 * 60 * 60
MAX_SEED = 2**63 - 1
MAX_WEIGHT = 1_000_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")


class SpecError(ValueError):
    """A field that cannot be as it is written; says which, why, and what would do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class Spec:
    """One run. `tick_rates_hz` gives the rates of the machines for which none is to be drawn."""

    machines: tuple[str, ...] = ("vm1", "vm2", "vm3")
    duration_s: float = 60
    ticks: tuple[int, int] = (1, 6)
    tick_rates_hz: Mapping[str, int] = field(default_factory=dict)
    workload: Workload = WORKLOADS["assignment"]
    clocks: tuple[str, ...] = ("lamport",)
    seed: int = 0

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> "Spec":
        """The spec that a mapping of plain values describes; SpecError names the wrong field."""
        for key in plain:
            if key not in FIELDS:
                raise SpecError(key, f"there is no such field{suggestion(key, FIELDS)}")
        spec = cls(**{key: FIELDS[key](key, value) for key, value in plain.items()})
        for name in spec.tick_rates_hz:
            if name not in spec.machines:
                raise SpecError(
                    f"tick_rates_hz.{name}",
                    f"there is no such machine{suggestion(name, spec.machines)}",
                )
        return spec

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


def suggestion(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """The end of an error about an unknown word: the closest known one, or all of them."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def _whole(field: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(field, f"{value!r} is not a whole number")
    if not low <= value <= high:
        raise SpecError(field, f"{value} is outside {low}..{high}")
    return value


def _machines(field: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, int):
        return tuple(f"vm{n}" for n in range(1, _whole(field, value, 1, MAX_MACHINES) + 1))
    names = _names(field, value)
    _whole(field, len(names), 1, MAX_MACHINES)
    for name in names:
        if not NAME.fullmatch(name):
            raise SpecError(field, f"{name!r} is not a name: letters, digits and _ . : - only")
    return names


def _names(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise SpecError(field, f"{value!r} is not a list of names")
    for name in value:
        if value.count(name) > 1:
            raise SpecError(field, f"{name!r} is there more than once")
    return tuple(value)


def _duration_s(field: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpecError(field, f"{value!r} is not a number of seconds")
    if not 0 < value <= MAX_DURATION_S:
        raise SpecError(field, f"{value} s is not more than 0 and at most {MAX_DURATION_S}")
    return value


def _ticks(field: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SpecError(field, f"{value!r} is not a pair of the lowest and the highest tick rate")
    low, high = (_whole(field, v, 1, MAX_TICK_RATE_HZ) for v in value)
    if low > high:
        raise SpecError(field, f"the lowest rate comes first: {high}-{low}, not {low}-{high}")
    return low, high


def _tick_rates_hz(field: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise SpecError(field, f"{value!r} is not a table of machine and rate")
    return {m: _whole(f"{field}.{m}", rate, 1, MAX_TICK_RATE_HZ) for m, rate in value.items()}


def _workload(field: str, value: Any) -> Workload:
    if isinstance(value, str):
        if value not in WORKLOADS:
            raise SpecError(field, f"there is no workload {value!r}{suggestion(value, WORKLOADS)}")
        return WORKLOADS[value]
    weights = ("one", "all", "internal")
    if not isinstance(value, Mapping) or set(value) != set(weights):
        raise SpecError(field, f"{value!r} is neither a workload's name nor the weights {weights}")
    workload = Workload(**{w: _whole(f"{field}.{w}", value[w], 0, MAX_WEIGHT) for w in weights})
    if workload.one + workload.all + workload.internal == 0:
        raise SpecError(field, "at least one weight must be more than 0")
    return workload


def _clocks(field: str, value: Any) -> tuple[str, ...]:
    names = _names(field, value)
    if not names:
        raise SpecError(field, f"at least one clock is needed: {', '.join(CLOCKS)}")
    for name in names:
        if name not in CLOCKS:
            raise SpecError(field, f"there is no clock {name!r}{suggestion(name, CLOCKS)}")
    return names


def _seed(field: str, value: Any) -> int:
    return _whole(field, value, 0, MAX_SEED)


#: Every field of a spec and how its plain value is read.
FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "machines": _machines,
    "duration_s": _duration_s,
    "ticks": _ticks,
    "tick_rates_hz": _tick_rates_hz,
    "workload": _workload,
    "clocks": _clocks,
    "seed": _seed,
}
