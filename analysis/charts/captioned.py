"""Charts with captions: each with its question, its data source and a table of the same metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from analysis.charts.encodings import Chart
from analysis.charts.experiment import EXPERIMENT_CHARTS, ExperimentRuns
from analysis.charts.run import RUN_CHARTS
from analysis.history.derived import derived
from analysis.history.run import Run
from analysis.metrics.labels import label, question, show
from analysis.metrics.machine import MACHINE_METRICS, per_machine
from analysis.metrics.run import per_run

Cells = tuple[str, ...]


@dataclass(frozen=True)
class CaptionedChart:
    """A chart for a page or a file.

    `spec` is Vega-Lite; `headings` and `rows` are the table beside it, `text` the same in words.
    """

    name: str
    question: str
    source: str
    text: str
    headings: Cells
    rows: tuple[Cells, ...]
    spec: Mapping[str, Any]


@derived
def run_charts(run: Run) -> tuple[CaptionedChart, ...]:
    """Draw the charts of a run for which its logs have data."""
    charts = {name: draw(run) for name, draw in RUN_CHARTS.items()}
    return tuple(
        _captioned(name, question(RUN_CHARTS[name]), chart, *_run_table(run, chart.metrics))
        for name, chart in charts.items()
        if chart
    )


def experiment_charts(experiment: ExperimentRuns) -> tuple[CaptionedChart, ...]:
    """Draw the charts of an experiment for which its runs have metrics."""
    charts = {name: draw(experiment) for name, draw in EXPERIMENT_CHARTS.items()}
    return tuple(
        _captioned(
            name,
            question(EXPERIMENT_CHARTS[name]),
            chart,
            *_experiment_table(experiment, chart.metrics),
        )
        for name, chart in charts.items()
        if chart
    )


def _captioned(
    name: str, asked: str, chart: Chart, headings: Cells, rows: tuple[Cells, ...]
) -> CaptionedChart:
    return CaptionedChart(
        name=name,
        question=asked,
        source=f"Drawn from {chart.source}.",
        text=_text(headings, rows),
        headings=headings,
        rows=rows,
        spec=_spec(chart),
    )


def _spec(chart: Chart) -> dict[str, Any]:
    # Charts limit their rows themselves; Altair's own limit would refuse the report of a large run.
    with alt.data_transformers.disable_max_rows():
        spec: dict[str, Any] = chart.picture.to_dict(validate=False)
    return spec


def _run_table(run: Run, metrics: Cells) -> tuple[Cells, tuple[Cells, ...]]:
    """Return headings and rows of a chart's metrics."""
    if metrics[0] not in MACHINE_METRICS:
        values = per_run(run)
        return tuple(map(label, metrics)), (tuple(show(values[name]) for name in metrics),)
    by_machine = per_machine(run).select("machine", *metrics)
    headings = ("machine", *map(label, metrics))
    return headings, tuple(tuple(map(show, row)) for row in by_machine.iter_rows())


def _experiment_table(
    experiment: ExperimentRuns, metrics: Cells
) -> tuple[Cells, tuple[Cells, ...]]:
    """Return headings and rows of a chart's metrics: their means at each point."""
    known = [name for name in metrics if name in experiment.runs.columns]
    means = experiment.runs.group_by("point", maintain_order=True).agg(pl.col(known).mean())
    headings = ("point", *map(label, known))
    return headings, tuple(tuple(map(show, row)) for row in means.iter_rows())


def _text(headings: Cells, rows: tuple[Cells, ...]) -> str:
    """Turn a table into sentences."""
    if headings[0] not in ("machine", "point"):
        return f"{'; '.join(map(' '.join, zip(headings, rows[0], strict=True)))}."
    sentences = [
        f"{name}: {', '.join(map(' '.join, zip(headings[1:], values, strict=True)))}"
        for name, *values in rows
    ]
    return f"{'; '.join(sentences)}."
