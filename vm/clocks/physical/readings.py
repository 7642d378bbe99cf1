"""Physical clocks: the wall clocks of machines, as pure functions of the instant and the seed.

A reading is in whole nanoseconds. A clock without a fault reads the run's time plus the run's
`origin_ns`, which is large enough that no clock of the run reads less than 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from vm.fields import (
    Field,
    Schema,
    SpecError,
    plain_table,
    read_number,
    read_seconds_ns,
    read_table,
    table_schema,
)
from vm.quoting import quoted

MAX_OFFSET_S = 3600
MAX_DRIFT_PPM = 100_000
MIN_EVERY_S = 0.001
BILLION = 1_000_000_000

#: The reading of a physical clock at an instant of the run, both in nanoseconds.
Reading = Callable[[int], int]


@dataclass(frozen=True)
class Drift:
    """A clock that is never set: a constant offset, and a constant drift from the epoch on."""

    max_offset_ns: int
    max_drift_ppm: float = 0.0

    def bound_ns(self, duration_ns: int) -> int:
        """Return the largest distance from the true time within a run."""
        return self.max_offset_ns + duration_ns * self._max_drift_ppb // BILLION + 1

    def reading(self, random: Random, origin_ns: int) -> Reading:
        """Return the readings of a clock with offset and drift drawn from a generator."""
        offset_ns = _between(random, self.max_offset_ns)
        drift_ppb = _between(random, self._max_drift_ppb)
        zero_ns = origin_ns + offset_ns
        return lambda at_ns: zero_ns + at_ns + at_ns * drift_ppb // BILLION

    @property
    def _max_drift_ppb(self) -> int:
        return round(self.max_drift_ppm * 1000)


@dataclass(frozen=True)
class Synchronised:
    """A clock that is set every `every_s`, first at the epoch, as by a simple NTP: it steps, also
    back, to the true time with an error of at most `error_s`, and keeps that error until then."""

    error_ns: int
    every_ns: int

    def bound_ns(self, duration_ns: int) -> int:
        """Return the largest distance from the true time within a run."""
        return self.error_ns

    def reading(self, random: Random, origin_ns: int) -> Reading:
        """Return the readings of a clock whose errors are drawn from a generator, one by one."""
        errors_ns, every_ns = list[int](), self.every_ns

        def read(at_ns: int) -> int:
            period = at_ns // every_ns
            while len(errors_ns) <= period:
                errors_ns.append(_between(random, self.error_ns))
            return origin_ns + at_ns + errors_ns[period]

        return read


PhysicalClock = Drift | Synchronised
#: One for all machines, or by machine; the other machines read the true time.
PhysicalClocks = PhysicalClock | Mapping[str, PhysicalClock]


def origin_ns(clocks: PhysicalClocks | None, duration_ns: int) -> int:
    """Return the reading of a clock without a fault at the epoch of a run: the largest distance of
    any of its clocks from the true time."""
    if clocks is None:
        return 0
    every = list(clocks.values()) if isinstance(clocks, Mapping) else [clocks]
    return max((clock.bound_ns(duration_ns) for clock in every), default=0)


def reading_of(
    clocks: PhysicalClocks | None, machine: str, duration_ns: int, random: Random
) -> Reading:
    """Return the readings of a machine's physical clock; `random` is its generator."""
    true_ns = origin_ns(clocks, duration_ns)
    clock = clocks.get(machine) if isinstance(clocks, Mapping) else clocks
    return clock.reading(random, true_ns) if clock else lambda at_ns: true_ns + at_ns


def read_physical_clocks(field: str, value: Any) -> PhysicalClocks | None:
    """Return the physical clocks that a table describes, or None if the spec gives none.

    `Spec.parse` checks the names of machines, which depend on another field.
    """
    if value is None:
        return None
    if isinstance(value, Mapping) and not _is_one_clock(value):
        return {name: _read(f"{field}.{name}", table) for name, table in value.items()}
    return _read(field, value)


def plain_physical_clocks(clocks: PhysicalClocks | None) -> dict[str, Any] | None:
    """Return a JSON-compatible table that `read_physical_clocks` reads back."""
    if clocks is None:
        return None
    if isinstance(clocks, Mapping):
        return {name: plain_table(PHYSICAL_CLOCKS, clock) for name, clock in clocks.items()}
    return plain_table(PHYSICAL_CLOCKS, clocks)


def physical_clocks_schema() -> Schema:
    """Return the JSON Schema of the tables that `read_physical_clocks` reads."""
    one = table_schema(PHYSICAL_CLOCKS, KEYS, is_optional=lambda kind, key: False)
    return {"anyOf": [*one["anyOf"], {"type": "object", "additionalProperties": one}]}


def _is_one_clock(table: Mapping[str, Any]) -> bool:
    """Return whether a table has the keys of a clock, rather than the names of machines."""
    return any(not isinstance(table.get(key, {}), Mapping) for key in ("kind", *KEYS))


def _read(field: str, table: Any) -> PhysicalClock:
    clock: PhysicalClock = read_table(field, table, PHYSICAL_CLOCKS, KEYS, {})
    return clock


def _between(random: Random, most: int) -> int:
    """Draw a whole number from -most..most."""
    return int(random.random() * (2 * most + 1)) - most


def _offset_ns(field: str, value: Any) -> int:
    offset_s = read_number(field, value, "number of seconds")
    if not 0 <= offset_s <= MAX_OFFSET_S:
        raise SpecError(field, f"{quoted(value)} s is outside 0..{MAX_OFFSET_S}")
    return round(offset_s * BILLION)


def _drift_ppm(field: str, value: Any) -> float:
    drift_ppm = read_number(field, value)
    if not 0 <= drift_ppm <= MAX_DRIFT_PPM:
        raise SpecError(field, f"{quoted(drift_ppm)} is outside 0..{MAX_DRIFT_PPM}")
    return drift_ppm


def _every_ns(field: str, value: Any) -> int:
    if (every_ns := read_seconds_ns(field, value)) < MIN_EVERY_S * BILLION:
        raise SpecError(field, f"{quoted(value)} s is less than {MIN_EVERY_S}")
    return every_ns


OFFSET: Schema = {"type": "number", "minimum": 0, "maximum": MAX_OFFSET_S}
#: The keys of a physical clock's table.
KEYS: dict[str, Field] = {
    "max_offset_s": Field(_offset_ns, "largest distance from the true time at the epoch", OFFSET),
    "max_drift_ppm": Field(
        _drift_ppm,
        "largest drift, in millionths (default: 0)",
        {"type": "number", "minimum": 0, "maximum": MAX_DRIFT_PPM},
    ),
    "error_s": Field(_offset_ns, "largest error when the clock is set", OFFSET),
    "every_s": Field(
        _every_ns, "time between two settings", {"type": "number", "minimum": MIN_EVERY_S}
    ),
}

PHYSICAL_CLOCKS: dict[str, type[PhysicalClock]] = {
    "drift": Drift,
    "synchronised": Synchronised,
}
