"""How long the network takes from one machine to another.

A latency is a distribution, given by its quantiles: `quantile_ns(u)`, for u uniform in [0, 1),
is a draw from it. Whoever draws takes exactly one number per message copy, whatever the kind,
so that what else is drawn for a channel does not depend on its latency.
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
    """Always the same."""

    delay_ns: int

    def quantile_ns(self, u: float) -> int:
        return self.delay_ns


@dataclass(frozen=True)
class Uniform:
    """Every whole number of nanoseconds from `low_ns` to `high_ns` alike."""

    low_ns: int
    high_ns: int

    def quantile_ns(self, u: float) -> int:
        return self.low_ns + int(u * (self.high_ns - self.low_ns + 1))


@dataclass(frozen=True)
class Lognormal:
    """exp(N(ln median, sigma²)), as measured networks have it: a hump and a long tail."""

    median_ns: int
    sigma: float

    @cached_property
    def quantiles_ns(self) -> tuple[int, ...]:
        """The middles of QUANTILES equal parts. Whole numbers: platforms differ in the last bit
        of an exponential, and must not in what they draw."""
        # Imported here because it takes a tenth of a machine's start, which needs none of it.
        from statistics import NormalDist

        normal = NormalDist(0, self.sigma) if self.sigma else None
        middles = ((n + 0.5) / QUANTILES for n in range(QUANTILES))
        exponents = (normal.inv_cdf(middle) if normal else 0.0 for middle in middles)
        return tuple(max(1, round(self.median_ns * exp(exponent))) for exponent in exponents)

    def quantile_ns(self, u: float) -> int:
        return self.quantiles_ns[int(u * QUANTILES)]


Latency = Constant | Uniform | Lognormal

#: What a real channel adds where the spec gives no latency.
AS_IT_IS = Constant(0)
#: What a simulated network takes where the spec gives no latency: about what gRPC between
#: containers on one computer was measured to take.
LOCAL_BRIDGE = Lognormal(median_ns=1_000_000, sigma=0.3)


def in_virtual_time(latency: Latency | None) -> Latency:
    """The latency of a simulated network: there nothing arrives at the instant it was sent."""
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
    """The latency that a table describes, or None for the network as it is."""
    if value is None:
        return None
    latency: Latency = read_table(field, value, LATENCIES, KEYS, {})
    if isinstance(latency, Uniform) and latency.low_ns > latency.high_ns:
        raise SpecError(f"{field}.high_s", "it is less than low_s")
    return latency


def latency_schema() -> Schema:
    """The JSON Schema of the tables that `read_latency` reads."""
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
    "delay_s": Field(read_seconds_ns, "what every message takes", SECONDS),
    "low_s": Field(read_seconds_ns, "the least that a message takes", SECONDS),
    "high_s": Field(read_seconds_ns, "the most that a message takes", SECONDS),
    "median_s": Field(
        _median_ns,
        "what half of the messages take at most",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DURATION_S},
    ),
    "sigma": Field(
        _sigma,
        "the standard deviation of the logarithm",
        {"type": "number", "minimum": 0, "maximum": MAX_SIGMA},
    ),
}

LATENCIES: dict[str, type[Latency]] = {
    "constant": Constant,
    "uniform": Uniform,
    "lognormal": Lognormal,
}
