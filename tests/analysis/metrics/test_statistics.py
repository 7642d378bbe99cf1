"""Metrics over several runs, and all metrics as programs and people get them."""

import json
from dataclasses import replace
from io import StringIO
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.across import statistics
from analysis.metrics.machine import per_machine
from analysis.metrics.run import METRICS, metrics_of, per_run
from analysis.metrics.student import t_quantile
from analysis.metrics.theory import predict
from analysis.text.plain import plain_metrics
from analysis.text.summary import print_across, print_run
from histories import World, worlds
from vm.spec import Spec


def loaded(world: World) -> Run:
    with TemporaryDirectory() as directory:
        return load(world.write(Path(directory)))


def rows(*values: float | None) -> pl.DataFrame:
    """Rows of `per_runs` that know one metric only."""
    columns = {"run": [f"run{n}" for n in range(len(values))], "jump_mean": values}
    return pl.DataFrame(columns, schema_overrides={"jump_mean": pl.Float64})


#: Student's t for 95 %, both sides, from the printed tables.
T = {2: 12.706, 3: 4.303, 5: 2.776, 11: 2.228}


@pytest.mark.parametrize("runs", T)
def test_the_confidence_interval_is_students(runs: int) -> None:
    mean, sd, half = statistics(rows(*range(runs))).to_dicts()
    assert [row["name"] for row in (mean, sd, half)] == ["mean", "sd", "ci95_half_width"]
    assert mean["jump_mean"] == (runs - 1) / 2
    assert sd["jump_mean"] == pytest.approx(sqrt(runs * (runs + 1) / 12))
    assert half["jump_mean"] == pytest.approx(T[runs] * sd["jump_mean"] / sqrt(runs), rel=1e-3)


#: Quantiles of the printed tables, by probability and degrees of freedom.
QUANTILES = {
    (0.6, 1): 0.325,
    (0.75, 3): 0.765,
    (0.9, 2): 1.886,
    (0.95, 7): 1.895,
    (0.975, 30): 2.042,
    (0.99, 24): 2.492,
    (0.995, 60): 2.660,
    (0.9995, 1): 636.619,
    (0.9995, 120): 3.373,
}


@pytest.mark.parametrize(("p", "freedom"), QUANTILES)
def test_quantiles_of_students_t(p: float, freedom: int) -> None:
    assert t_quantile(p, freedom) == pytest.approx(QUANTILES[p, freedom], abs=5.1e-4)


@given(st.floats(0.51, 0.9999), st.integers(1, 300))
def test_quantiles_fall_with_the_degrees_of_freedom(p: float, freedom: int) -> None:
    fewer, more = t_quantile(p, freedom), t_quantile(p, freedom + 1)
    assert fewer > more > NormalDist().inv_cdf(p)


def test_runs_without_a_value_do_not_count_for_it() -> None:
    some = statistics(rows(1, None, 3))
    assert some.equals(statistics(rows(1, 3)))


@pytest.mark.parametrize("values", [(4,), (4, None)])
def test_one_run_has_no_interval(values: tuple[float | None, ...]) -> None:
    assert statistics(rows(*values))["jump_mean"].to_list() == [4, None, None]


def test_nothing_is_known_of_what_no_run_has() -> None:
    assert statistics(rows(None, None))["jump_mean"].to_list() == [None] * 3


@settings(max_examples=30)
@given(some=st.lists(worlds(kills=True), min_size=2, max_size=3))
def test_any_histories_have_metrics_that_json_can_hold(some: list[World]) -> None:
    runs = [loaded(world) for world in some]
    plain = json.loads(json.dumps(plain_metrics(list(map(metrics_of, runs))), allow_nan=False))
    for run, row in zip(runs, plain["runs"], strict=True):
        assert row["machines"] == per_machine(run).to_dicts()
        assert row.items() >= per_run(run).items()
    assert plain["across"].keys() == {"mean", "sd", "ci95_half_width"}
    for over_runs in plain["across"].values():
        assert over_runs.keys() == set(METRICS)


def test_the_prediction_is_beside_the_measurement() -> None:
    (world,) = busy(1)
    flows = predict(world.spec.resolved().tick_rates_hz, world.spec.workload)
    for row in per_machine(loaded(world)).to_dicts():
        flow = flows[row["machine"]]
        assert row["predicted_utilisation"] == flow.utilisation
        assert row["predicted_sends_per_s"] == flow.sends_per_s
        assert row["predicted_receives_per_s"] == flow.receives_per_s
        assert row["predicted_queue_growth_per_s"] == flow.queue_growth_per_s


def test_nothing_is_predicted_for_unknown_peers(tmp_path: Path) -> None:
    (world,) = busy(1)
    world.write(tmp_path)
    (tmp_path / "vm2.jsonl").unlink()
    assert per_machine(load(tmp_path))["predicted_utilisation"].to_list() == [None] * 3


def test_the_tables_fit_into_80_columns_whole() -> None:
    out = StringIO()
    name = "20261124-201957-seed214748364"
    runs = [replace(loaded(world), name=name) for world in busy(6)]
    console = Console(file=out, width=80)
    for run in runs:
        print_run(evaluate(run), console)
    print_across(list(map(metrics_of, runs)), console)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in out.getvalue()
    assert sum(line.startswith("measured against the fluid model") for line in lines) == 6 + 1


def busy(runs: int) -> list[World]:
    """Worlds in which every kind of event has happened, and something is left everywhere."""
    some = []
    for seed in range(runs):
        world = World(Spec(seed=seed))
        for step in range(3000):
            world.tick(f"vm{1 + step % 3}")
            world.deliver(f"vm{1 + step % 3}", f"vm{1 + (step + step % 2) % 3}")
        some.append(world)
    return some
