"""The report of an experiment, and the browser of all runs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert
from playwright.sync_api import Page
from polars.testing import assert_frame_equal

from analysis.charts.captioned import experiment_charts
from analysis.charts.experiment import EXPERIMENT_CHARTS, experiment_runs
from analysis.evaluation import State, evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.across import per_runs, statistics
from analysis.metrics.machine import per_machine
from analysis.metrics.run import METRICS, metrics_of
from analysis.report import experiment, index
from analysis.report import run as report
from analysis.report.experiment import axes_of
from example_runs import rows_of
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.spec import Spec

Open = Callable[..., Page]
RATES = (2, 6, 20)
SEEDS = (0, 1, 2)


class ExampleExperiment:
    """A small experiment over the first machine's rate, in a folder."""

    def __init__(self, folder: Path, axes: Mapping[str, Any]) -> None:
        self.folder = folder
        self.runs: list[Run] = []
        for rate in axes.get("tick_rates_hz.vm1", (4,)):
            for seed in SEEDS:
                spec = Spec.parse(
                    {"duration_s": 10, "tick_rates_hz": {"vm1": rate, "vm2": 10, "vm3": 10}}
                    | {"seed": seed}
                )
                self._carry_out(folder / f"vm1={rate}-seed{seed}", spec)
        values = {axis: [v for v in given for _ in SEEDS] for axis, given in axes.items()}
        self.rows = per_runs(list(map(metrics_of, self.runs))).select(
            "run",
            pl.Series("point", [run.name.rpartition("-")[0] for run in self.runs]),
            *(pl.Series(axis, given) for axis, given in values.items()),
            pl.Series("seed", list(SEEDS) * (len(self.runs) // len(SEEDS))),
            *METRICS,
        )
        self.every = list(map(metrics_of, self.runs))
        self.verdicts: list[State | None] = ["holds"] * len(self.runs)

    def _carry_out(self, directory: Path, spec: Spec) -> None:
        directory.mkdir(parents=True)
        write(simulate(spec, directory.name), directory)
        (directory / "spec.json").write_text(json.dumps(spec.plain()))
        recorded = {"run": directory.name, "backend": "simulation", "outcome": "finished"}
        (directory / "run.json").write_text(json.dumps(recorded))
        self.runs.append(load(directory))

    def page(self) -> Path:
        return experiment.write(self.folder, self.folder, self.rows, self.every, self.verdicts)


@pytest.fixture(scope="module")
def one_axis(tmp_path_factory: pytest.TempPathFactory) -> ExampleExperiment:
    return ExampleExperiment(
        tmp_path_factory.mktemp("runs") / "rates", {"tick_rates_hz.vm1": RATES}
    )


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> ExampleExperiment:
    return ExampleExperiment(tmp_path_factory.mktemp("runs") / "again", {})


def test_axes_are_the_columns_between_point_and_seed(
    one_axis: ExampleExperiment, repeated: ExampleExperiment
) -> None:
    assert axes_of(one_axis.rows) == ["tick_rates_hz.vm1"]
    assert axes_of(repeated.rows) == []


MEASURES = {
    "utilisation": ("utilisation", "predicted_utilisation"),
    "queue_growth": ("queue_growth_per_s", "predicted_queue_growth_per_s"),
    "skew": ("skew_mean", ""),
    "jump": ("jump_mean", ""),
    "time_in_queue": ("time_in_queue_mean_ms", ""),
}


@pytest.mark.parametrize("name", MEASURES)
def test_points_are_means_with_their_confidence(one_axis: ExampleExperiment, name: str) -> None:
    metric, predicted = MEASURES[name]
    chart = EXPERIMENT_CHARTS[name](
        experiment_runs(one_axis.rows, one_axis.every, axes_of(one_axis.rows))
    )
    assert chart
    rows = rows_of(chart.spec).sort("tick_rates_hz.vm1")
    for row, rate in zip(rows.iter_rows(named=True), RATES, strict=True):
        runs = one_axis.rows.filter(pl.col("tick_rates_hz.vm1") == rate)
        mean, _, half = statistics(runs.select("run", metric))[metric].to_list()
        assert row["mean"] == pytest.approx(mean)
        assert row["high"] - row["mean"] == pytest.approx(half)
        assert row["mean"] - row["low"] == pytest.approx(half)
        assert row["runs"] == len(SEEDS)
        if predicted:
            assert row["predicted"] == pytest.approx(runs[predicted].mean())
    assert f"all {len(one_axis.runs)} runs at 3 points" in chart.source


def test_the_map_shows_every_machine_along_one_axis(one_axis: ExampleExperiment) -> None:
    chart = EXPERIMENT_CHARTS["saturation"](
        experiment_runs(one_axis.rows, one_axis.every, axes_of(one_axis.rows))
    )
    assert chart
    rows = rows_of(chart.spec)
    assert len(rows) == len(RATES) * 3
    slow = rows.filter((pl.col("tick_rates_hz.vm1") == 2) & (pl.col("machine") == "vm1"))
    assert slow["saturates"].to_list() == [True]
    machines = pl.concat([per_machine(run) for run in one_axis.runs[:3]]).filter(machine="vm1")
    assert slow["utilisation"][0] == pytest.approx(machines["utilisation"].mean())
    assert not rows.filter(pl.col("machine") != "vm1")["saturates"].any()


def test_repetitions_are_compared_machine_by_machine(repeated: ExampleExperiment) -> None:
    runs = experiment_runs(repeated.rows, repeated.every, [])
    chart = EXPERIMENT_CHARTS["utilisation"](runs)
    assert chart
    rows = rows_of(chart.spec).select("machine", "mean")
    machines = pl.concat([per_machine(run) for run in repeated.runs])
    wanted = machines.group_by("machine", maintain_order=True).agg(
        mean=pl.col("utilisation").mean()
    )
    assert_frame_equal(rows, wanted)
    assert EXPERIMENT_CHARTS["saturation"](runs) is None
    assert [chart.name for chart in experiment_charts(runs)]


@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"tick_rates_hz.vm1": RATES},
        {"note[0]": ["4"]},
        {"tick_rates_hz.vm1": RATES, "note": ["slow", "slow", "fast"]},
    ],
)
def test_vega_lite_takes_every_chart_without_a_warning(
    axes: Mapping[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    example = ExampleExperiment(tmp_path, axes)
    for name, draw in EXPERIMENT_CHARTS.items():
        chart = draw(experiment_runs(example.rows, example.every, list(axes)))
        assert chart or (name == "saturation" and not axes), name
        if chart:
            vl_convert.vegalite_to_vega(chart.spec, show_warnings=True)
            assert capfd.readouterr().err == "", name


@pytest.mark.browser
def test_runs_are_sorted_and_filtered(one_axis: ExampleExperiment, opened: Open) -> None:
    report.write(evaluate(one_axis.runs[0]), one_axis.folder / one_axis.runs[0].name)
    one_axis.verdicts[1] = "violated"
    page = opened(one_axis.page())
    assert page.locator("#verdict-title").inner_text() == "Checks are violated in 1 of 9 runs"
    names = page.locator("#runs-table tbody tr:visible th")
    assert names.all_inner_texts() == [run.name for run in one_axis.runs]
    links = page.locator("#runs-table a")
    assert [link.get_attribute("href") for link in links.all()] == ["vm1%3D2-seed0/report.html"]
    page.get_by_role("button", name="jump mean").click()
    jumps = dict(one_axis.rows.select("run", "jump_mean").iter_rows())
    assert names.all_inner_texts() == sorted(jumps, key=lambda run: jumps[run])
    page.get_by_role("button", name="jump mean").click()
    assert names.all_inner_texts() == sorted(jumps, key=lambda run: -jumps[run])
    page.get_by_role("searchbox").fill("seed>0 tick_rates_hz.vm1=6")
    assert set(names.all_inner_texts()) == {"vm1=6-seed1", "vm1=6-seed2"}
    page.get_by_role("searchbox").fill("violated")
    assert names.all_inner_texts() == [one_axis.runs[1].name]
    page.locator("#charts").scroll_into_view_if_needed()
    page.wait_for_selector('html[data-ready="all"]', state="attached")
    assert page.locator("figure.chart canvas").count() == len(EXPERIMENT_CHARTS)
    links.first.evaluate("(link) => link.closest('tr').hidden = false")
    href = one_axis.folder / one_axis.runs[0].name / "report.html"
    assert links.first.evaluate("(link) => link.href") == href.as_uri()


@pytest.mark.browser
def test_the_run_browser_lists_what_there_is(one_axis: ExampleExperiment, opened: Open) -> None:
    one_axis.page()
    violated = {"run": "x", "verdict": "violated"}
    directories = [one_axis.folder / run.name for run in one_axis.runs]
    (directories[0] / "verdict.json").write_text(json.dumps(violated))
    (directories[1] / "verdict.json").write_text(json.dumps(violated | {"verdict": "holds"}))
    (directories[2] / "verdict.json").write_text("{")
    (one_axis.folder.parent / ".half").mkdir(exist_ok=True)
    page = opened(index.write(one_axis.folder.parent))
    assert page.locator("section.experiment").count() == 1
    assert "1 violated" in page.locator("h2").inner_text()
    assert page.locator("h2 a").get_attribute("href") == "rates/report.html"
    rows = page.locator("tbody tr")
    assert rows.locator("th").all_inner_texts() == [run.name for run in one_axis.runs]
    verdicts = rows.locator("td.word").all_inner_texts()
    assert verdicts == ["violated", "holds", *["not checked"] * 7]
    page.get_by_role("button", name="seed").click()
    seeds = rows.locator("td:nth-last-child(2)").all_inner_texts()
    assert seeds == sorted(seeds)


@pytest.mark.browser
def test_names_are_text_here_too(tmp_path: Path, opened: Open) -> None:
    evil = "<img src=x onerror=document.title='taken'>"
    run = tmp_path / evil / evil
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"run": evil, "backend": evil, "outcome": evil}))
    (run / "spec.json").write_text(json.dumps({"machines": evil, "faults": [{"kind": evil}]}))
    (run / "report.html").write_text("")
    page = opened(index.write(tmp_path))
    assert page.locator("img").count() == 0
    assert "taken" not in page.title()
    assert page.locator("th a").inner_text() == evil
