"""Latencies of the network between two machines.

A latency is a distribution, given by its quantiles: `quantile_ns(u)`, for u uniform in [0, 1),
is a draw from it. Every kind takes exactly one number per message copy, so the other draws of a
channel do not depend on its latency.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import Any

from vm.fields import (
    MAX_DURATION_S,
    SECONDS,
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

QUANTILES = 1024
MAX_SIGMA = 5


@dataclass(frozen=True)
class Constant:
    """The same latency for every message."""

    delay_ns: int

    def quantile_ns(self, u: float) -> int:
        return self.delay_ns


@dataclass(frozen=True)
class Uniform:
    """Uniform over whole nanoseconds, both limits included."""

    low_ns: int
    high_ns: int

    def quantile_ns(self, u: float) -> int:
        return self.low_ns + int(u * (self.high_ns - self.low_ns + 1))


@dataclass(frozen=True)
class Lognormal:
    """exp(N(ln median, sigma²)): a hump and a long tail, as in measured networks."""

    median_ns: int
    sigma: float

    @cached_property
    def quantiles_ns(self) -> tuple[int, ...]:
        """The middles of QUANTILES equal parts. Whole numbers, because the last bit of an
        exponential depends on the platform, and draws must not."""
        # Imported here because it takes a tenth of a machine's start-up, which does not need it.
        from statistics import NormalDist

        normal = NormalDist(0, self.sigma) if self.sigma else None
        middles = ((n + 0.5) / QUANTILES for n in range(QUANTILES))
        exponents = (normal.inv_cdf(middle) if normal else 0.0 for middle in middles)
        return tuple(max(1, round(self.median_ns * exp(exponent))) for exponent in exponents)

    def quantile_ns(self, u: float) -> int:
        return self.quantiles_ns[int(u * QUANTILES)]


Latency = Constant | Uniform | Lognormal

#: The latency that a real channel adds if the spec gives none.
AS_IT_IS = Constant(0)
#: The latency in virtual time if the spec gives none: about that measured for gRPC between
#: containers on one computer.
LOCAL_BRIDGE = Lognormal(median_ns=1_000_000, sigma=0.3)


def in_virtual_time(latency: Latency | None) -> Latency:
    """Return the latency in virtual time, where no message arrives at the instant of its send."""
    match latency:
        case None:
            return LOCAL_BRIDGE
        case Constant(delay_ns):
            return Constant(max(1, delay_ns))
        case Uniform(low_ns, high_ns):
            return Uniform(max(1, low_ns), max(1, high_ns))
        case Lognormal():
            return latency


def read_latency(field: str, value: Any) -> Latency | None:
    """Return the latency that a table describes, or None if the spec gives none."""
    if value is None:
        return None
    latency: Latency = read_table(field, value, LATENCIES, KEYS, {})
    if isinstance(latency, Uniform) and latency.low_ns > latency.high_ns:
        raise SpecError(f"{field}.high_s", "it is less than low_s")
    return latency


def latency_schema() -> Schema:
    """Return the JSON Schema of the tables that `read_latency` reads."""
    return table_schema(LATENCIES, KEYS, is_optional=lambda kind, key: False)


def plain_latency(latency: Latency | None) -> dict[str, Any] | None:
    return None if latency is None else plain_table(LATENCIES, latency)


def _median_ns(field: str, value: Any) -> int:
    median_ns = read_seconds_ns(field, value)
    if median_ns == 0:
        raise SpecError(field, f"{quoted(value)} s is not at least a nanosecond")
    return median_ns


def _sigma(field: str, value: Any) -> float:
    sigma = read_number(field, value)
    if not 0 <= sigma <= MAX_SIGMA:
        raise SpecError(field, f"{quoted(sigma)} is outside 0..{MAX_SIGMA}")
    return sigma


#: The keys of a latency's table.
KEYS: dict[str, Field] = {
    "delay_s": Field(read_seconds_ns, "latency of every message", SECONDS),
    "low_s": Field(read_seconds_ns, "smallest latency", SECONDS),
    "high_s": Field(read_seconds_ns, "largest latency", SECONDS),
    "median_s": Field(
        _median_ns,
        "median latency",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DURATION_S},
    ),
    "sigma": Field(
        _sigma,
        "standard deviation of the latency's logarithm",
        {"type": "number", "minimum": 0, "maximum": MAX_SIGMA},
    ),
}

LATENCIES: dict[str, type[Latency]] = {
    "constant": Constant,
    "uniform": Uniform,
    "lognormal": Lognormal,
}
