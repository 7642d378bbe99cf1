"""Charts as Altair objects: the same picture as the chart's own spec."""

import re
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from analysis.charts.captioned import CaptionedChart, experiment_charts, run_charts
from analysis.charts.experiment import experiment_runs
from analysis.charts.notebook import altair_chart
from analysis.charts.themes import standalone_specs
from analysis.evaluation import evaluate
from analysis.logs.own import load
from analysis.metrics.points import RunPoint, by_run
from example_runs import EXAMPLE_RUNS, write_example

# Starting V8 takes two seconds, in each worker that does.
pytestmark = pytest.mark.xdist_group("charts")


def charts(folder: Path) -> list[CaptionedChart]:
    runs = [load(write_example(name, folder / name), ())[0] for name in EXAMPLE_RUNS]
    every = [evaluate(run).metrics for run in runs]
    points = [RunPoint(str(n), {"machines": n}, n) for n in range(len(runs))]
    experiment = experiment_runs(by_run(every, points), every, ["machines"])
    return [*run_charts(runs[0]), *experiment_charts(experiment)]


def svg(spec: dict[str, Any]) -> str:
    """Return a picture, without the numbers that its renderer gives to gradients and clips."""
    return re.sub(r"(gradient_|clip)\d+", r"\1", vl_convert.vegalite_to_svg(spec))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in EXAMPLE_RUNS:
        (tmp_path / name).mkdir()
    return tmp_path


def test_every_chart_is_the_same_picture(folder: Path) -> None:
    drawn = charts(folder)
    assert len({chart.name for chart in drawn}) > 12
    for chart in drawn:
        (spec,) = standalone_specs([chart]).values()
        assert svg(altair_chart(chart).to_dict()) == svg(spec)


def test_a_chart_is_shown_in_a_notebook(folder: Path) -> None:
    shown = altair_chart(charts(folder)[0])._repr_mimebundle_(None, None)
    assert "vega" in str(shown)
