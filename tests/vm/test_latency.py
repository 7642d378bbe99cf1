from math import exp, log
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import latencies
from vm.latency import (
    LATENCIES,
    LOCAL_BRIDGE,
    QUANTILES,
    Constant,
    Latency,
    Lognormal,
    Uniform,
    in_virtual_time,
    plain_latency,
    read_latency,
)
from vm.spec import SpecError

below_one = st.floats(0, 1, exclude_max=True)
read_latencies = latencies.map(lambda plain: read_latency("latency", plain))


@pytest.mark.parametrize(
    ("table", "latency"),
    [
        (None, None),
        ({"kind": "constant", "delay_s": 0.01}, Constant(10_000_000)),
        ({"kind": "uniform", "low_s": 0, "high_s": 1e-9}, Uniform(0, 1)),
        ({"kind": "lognormal", "median_s": 0.5, "sigma": 1}, Lognormal(500_000_000, 1)),
    ],
)
def test_a_table_is_read_as_the_latency_of_its_kind(table: Any, latency: Latency | None) -> None:
    assert read_latency("latency", table) == latency
    assert plain_latency(latency) == table


@pytest.mark.parametrize(
    ("table", "field", "says"),
    [
        (0.01, "latency", "0.01 is not a table, as in {kind = 'constant'}"),
        ({"kind": "constnat"}, "latency.kind", "did you mean constant?"),
        ({"kind": "constant"}, "latency.delay_s", "constant needs it"),
        ({"kind": "constant", "delay_s": -1}, "latency.delay_s", "-1 s is outside"),
        ({"kind": "constant", "delay": 1}, "latency.delay", "did you mean delay_s?"),
        ({"kind": "uniform", "low_s": 2, "high_s": 1}, "latency.high_s", "less than low_s"),
        ({"kind": "lognormal", "median_s": 0, "sigma": 1}, "latency.median_s", "at least a nano"),
        ({"kind": "lognormal", "median_s": 1, "sigma": 9}, "latency.sigma", "9 is outside 0..5"),
        ({"kind": "lognormal", "median_s": 1, "sigma": True}, "latency.sigma", "not a number"),
    ],
)
def test_an_impossible_latency_is_refused_and_named(table: Any, field: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        read_latency("latency", table)
    assert error.value.field == field
    assert says in error.value.problem


@given(latency=read_latencies, u=below_one, v=below_one)
def test_quantiles_are_whole_and_do_not_fall(latency: Latency, u: float, v: float) -> None:
    low_ns, high_ns = sorted((latency.quantile_ns(u), latency.quantile_ns(v)))
    assert type(low_ns) is int
    assert low_ns >= 0
    assert (latency.quantile_ns(min(u, v)), latency.quantile_ns(max(u, v))) == (low_ns, high_ns)


@given(latency=st.none() | read_latencies, u=below_one)
def test_in_virtual_time_everything_takes_time(latency: Latency | None, u: float) -> None:
    virtual = in_virtual_time(latency)
    assert virtual.quantile_ns(u) >= 1
    if latency is not None:
        assert 0 <= virtual.quantile_ns(u) - latency.quantile_ns(u) <= 1


def test_a_uniform_latency_takes_every_value_alike() -> None:
    drawn = [Uniform(10, 13).quantile_ns(n / 400) for n in range(400)]
    assert [drawn.count(ns) for ns in range(9, 15)] == [0, 100, 100, 100, 100, 0]


def test_a_lognormal_latency_has_its_median_and_its_spread() -> None:
    latency = Lognormal(1_000_000, 0.5)
    drawn = [latency.quantile_ns(n / QUANTILES) for n in range(QUANTILES)]
    assert latency.quantile_ns(0.4999) < 1_000_000 < latency.quantile_ns(0.5001)
    assert fmean(drawn) == pytest.approx(1_000_000 * exp(0.5**2 / 2), rel=0.01)
    assert pstdev(map(log, drawn)) == pytest.approx(0.5, rel=0.01)
    assert set(Lognormal(7, 0).quantiles_ns) == {7}


def test_the_quantiles_of_a_local_bridge_stay_what_they_are() -> None:
    table = LOCAL_BRIDGE.quantiles_ns
    assert [table[0], table[511], table[512], table[1023]] == [371890, 999633, 1000367, 2688969]


def test_every_kind_of_latency_is_tested_here() -> None:
    assert list(LATENCIES) == ["constant", "uniform", "lognormal"]
