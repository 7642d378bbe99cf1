"""The fluid model against its own equations, by two other ways to solve them, and by hand."""

from collections.abc import Iterable
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.metrics.theory import Flow, expected_messages, predict
from vm.spec import MAX_MACHINES, MAX_TICK_RATE_HZ, MAX_WEIGHT
from vm.workloads import WORKLOADS, Workload

ASSIGNMENT = WORKLOADS["assignment"]

rates = st.integers(1, MAX_TICK_RATE_HZ)


def some_workloads(max_weight: int) -> st.SearchStrategy[Workload]:
    weight = st.integers(0, max_weight)
    workloads = st.builds(Workload, one=weight, all=weight, internal=weight)
    return workloads.filter(lambda w: w.one + w.all + w.internal > 0)


def named(rates_hz: list[int]) -> dict[str, int]:
    return {f"vm{n}": rate for n, rate in enumerate(rates_hz, 1)}


def idle_ticks_per_s(rates_hz: Iterable[int], flows: Iterable[Flow]) -> list[float]:
    """Every tick is idle or receives a message."""
    return [rate - flow.receives_per_s for rate, flow in zip(rates_hz, flows, strict=True)]


class Rigged(Random):
    """A generator that draws what it is given."""

    def __init__(self, *draws: float) -> None:
        super().__init__()
        self.draws = list(draws)

    def random(self) -> float:
        return self.draws.pop(0)


@given(workload=some_workloads(6), machines=st.integers(2, 6))
def test_expected_messages_are_the_mean_over_all_draws(workload: Workload, machines: int) -> None:
    peers = range(1, machines)
    weights = workload.one + workload.all + workload.internal
    draws = [
        Rigged((roll + 0.5) / weights, peer / len(peers) - 0.5 / len(peers))
        for roll in range(weights)
        for peer in peers
    ]
    names = [str(peer) for peer in peers]
    sent = [workload.receivers(names, draw) for draw in draws]
    for name in names:
        mean = Fraction(sum(name in to for to in sent), len(sent))
        assert mean == expected_messages(workload, machines)


def test_the_assignments_messages() -> None:
    """2 of 10 to one of two peers, 1 of 10 to both."""
    assert expected_messages(ASSIGNMENT, 3) == Fraction(1, 5)
    assert expected_messages(ASSIGNMENT, 1) == 0


@given(
    rates_hz=st.lists(rates, min_size=1, max_size=8) | st.lists(st.integers(1, 6), min_size=1),
    workload=some_workloads(MAX_WEIGHT) | some_workloads(3),
)
def test_the_flows_solve_the_problem(rates_hz: list[int], workload: Workload) -> None:
    """x ≥ 0, w = x + λ − r ≥ 0, x w = 0; and all that is sent arrives."""
    a = float(expected_messages(workload, len(rates_hz)))
    flows = list(predict(named(rates_hz), workload).values())
    idle = idle_ticks_per_s(rates_hz, flows)
    for rate, flow, own_idle in zip(rates_hz, flows, idle, strict=True):
        arrivals = a * (sum(idle) - own_idle)
        assert flow.receives_per_s + flow.queue_growth_per_s == pytest.approx(
            arrivals, rel=1e-6, abs=1e-6
        )
        assert own_idle >= 0
        assert flow.queue_growth_per_s >= 0
        assert own_idle * flow.queue_growth_per_s == 0
        assert flow.utilisation == pytest.approx(flow.receives_per_s / rate)
    sent = a * (len(flows) - 1) * sum(idle)
    arrived = sum(flow.receives_per_s + flow.queue_growth_per_s for flow in flows)
    assert sent == pytest.approx(arrived, abs=1e-6)


@given(rates_hz=st.lists(rates, min_size=2, max_size=12), workload=some_workloads(10))
def test_water_filling_says_the_same(rates_hz: list[int], workload: Workload) -> None:
    """The closed form: of all k, the k fastest machines that give the highest level do not drown.

    A machine above the level of the others raises it by joining them, and one below lowers it.
    """
    a = float(expected_messages(workload, len(rates_hz)))
    fastest_first = np.sort(rates_hz)[::-1]
    k = np.arange(1, len(rates_hz) + 1)
    level = max(a * np.cumsum(fastest_first) / (1 + (k - 1) * a))
    for rate, flow in zip(rates_hz, predict(named(rates_hz), workload).values(), strict=True):
        assert flow.queue_growth_per_s == pytest.approx(max(0, level - rate), abs=1e-6)
        if a < 1:
            idle = max(0, rate - level) / (1 - a)
            assert rate - flow.receives_per_s == pytest.approx(idle, rel=1e-6, abs=1e-6)


@given(rates_hz=st.lists(rates, min_size=2, max_size=6), workload=some_workloads(10))
def test_a_projected_gauss_seidel_iteration_ends_there(
    rates_hz: list[int], workload: Workload
) -> None:
    """Converges for symmetric positive definite matrices (Cryer 1971): here for a < 1."""
    a = float(expected_messages(workload, len(rates_hz)))
    assume(a < 0.95)
    matrix = a * (1 - np.eye(len(rates_hz)))
    idle = np.zeros(len(rates_hz))
    for _ in range(1000):
        before = idle.copy()
        for j, rate in enumerate(rates_hz):
            idle[j] = max(0.0, rate - matrix[:, j] @ idle)
        if np.allclose(before, idle, rtol=1e-12, atol=1e-9):
            break
    flows = predict(named(rates_hz), workload).values()
    assert idle_ticks_per_s(rates_hz, flows) == pytest.approx(idle, rel=1e-6, abs=1e-6)


@given(rates_hz=st.lists(rates, min_size=3, max_size=3) | st.lists(st.integers(1, 50), min_size=3))
def test_the_slowest_of_three_saturates_below_a_seventh_of_the_sum(rates_hz: list[int]) -> None:
    rates_hz = rates_hz[:3]
    flows = predict(named(rates_hz), ASSIGNMENT)
    slowest = flows[f"vm{rates_hz.index(min(rates_hz)) + 1}"]
    assert (slowest.queue_growth_per_s > 0) == (7 * min(rates_hz) < sum(rates_hz))


@pytest.mark.parametrize("others", [(3, 3), (2, 4), (5, 1), (600, 600), (201, 999)])
def test_at_a_seventh_it_is_busy_all_the_time_and_keeps_up(others: tuple[int, int]) -> None:
    seventh = sum(others) // 6
    flow = predict({"slowest": seventh, "b": others[0], "c": others[1]}, ASSIGNMENT)["slowest"]
    assert (flow.utilisation, flow.queue_growth_per_s) == (1.0, 0.0)


def test_an_overloaded_run_by_hand() -> None:
    """1, 3 and 6 ticks: the first drowns; of the others x = (r − S/5) / (4/5), S = 9 / (6/5)."""
    flows = predict({"vm1": 1, "vm2": 3, "vm3": 6}, ASSIGNMENT)
    assert idle_ticks_per_s([1, 3, 6], flows.values()) == [0, 1.875, 5.625]
    assert [flow.queue_growth_per_s for flow in flows.values()] == [0.5, 0, 0]
    assert [flow.utilisation for flow in flows.values()] == [1, 0.375, 0.0625]
    assert [flow.sends_per_s for flow in flows.values()] == [0, 0.5625, 1.6875]


@given(
    rate=rates,
    machines=st.integers(1, MAX_MACHINES),
    workload=some_workloads(MAX_WEIGHT) | some_workloads(1),
)
def test_equal_machines_do_the_same_and_keep_up(
    rate: int, machines: int, workload: Workload
) -> None:
    flows = set(predict(named([rate] * machines), workload).values())
    assert len(flows) == 1
    (flow,) = flows
    shares = 1 + (machines - 1) * expected_messages(workload, machines)
    assert flow.receives_per_s == float(rate - rate / shares)
    assert flow.queue_growth_per_s == 0


def test_without_internal_events_only_the_fastest_have_idle_ticks() -> None:
    """Every idle tick gives everybody a message: all others only receive, and never catch up."""
    flows = predict({"a": 5, "b": 3, "c": 5, "d": 4}, Workload(one=0, all=1, internal=0))
    assert idle_ticks_per_s([5, 3, 5, 4], flows.values()) == [2.5, 0, 2.5, 0]
    assert [flow.queue_growth_per_s for flow in flows.values()] == [0, 2, 0, 1]


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_machine_alone_has_nobody_to_hear_from(workload: Workload) -> None:
    (flow,) = predict({"vm1": 3}, workload).values()
    assert (flow.sends_per_s, flow.receives_per_s) == (0, 0)
    assert (flow.utilisation, flow.queue_growth_per_s) == (0, 0)
