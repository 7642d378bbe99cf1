"""Charts with captions: question, data source, and a table of the same metrics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import polars as pl

from analysis.charts.encodings import Cells, Chart, Table
from analysis.charts.experiment import EXPERIMENT_CHARTS, ExperimentRuns
from analysis.charts.run import RUN_CHARTS
from analysis.history.derived import derived
from analysis.history.run import Run
from analysis.metrics.labels import label, question, show
from analysis.metrics.machine import MACHINE_METRICS, per_machine
from analysis.metrics.run import per_run

Drawn = TypeVar("Drawn", Run, ExperimentRuns)


@dataclass(frozen=True)
class CaptionedChart:
    """A chart for a page or a file.

    `spec` is Vega-Lite; `headings` and `rows` are the table beside it, `text` is the same as prose.
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
    return tuple(_captioned(RUN_CHARTS, run, _run_table))


def experiment_charts(experiment: ExperimentRuns) -> tuple[CaptionedChart, ...]:
    """Draw the charts of an experiment for which its runs have metrics."""
    return tuple(_captioned(EXPERIMENT_CHARTS, experiment, _experiment_table))


def _captioned(
    charts: Mapping[str, Callable[[Drawn], Chart | None]],
    drawn: Drawn,
    table: Callable[[Drawn, Cells], Table],
) -> Iterator[CaptionedChart]:
    for name, draw in charts.items():
        if chart := draw(drawn):
            headings, rows = chart.table or table(drawn, chart.metrics)
            source, text = f"Drawn from {chart.source}.", _text(headings, rows)
            yield CaptionedChart(name, question(draw), source, text, headings, rows, chart.spec)


def _run_table(run: Run, metrics: Cells) -> Table:
    """Return headings and rows of a chart's metrics, for each machine or for the run."""
    if metrics[0] not in MACHINE_METRICS:
        values = per_run(run)
        return tuple(map(label, metrics)), (tuple(show(values[name]) for name in metrics),)
    by_machine = per_machine(run).select("machine", *metrics)
    headings = ("machine", *map(label, metrics))
    return headings, tuple(tuple(map(show, row)) for row in by_machine.iter_rows())


def _experiment_table(experiment: ExperimentRuns, metrics: Cells) -> Table:
    """Return headings and rows of a chart's metrics: their means at each point."""
    known = [name for name in metrics if name in experiment.runs.columns]
    means = experiment.runs.group_by("point", maintain_order=True).agg(pl.col(known).mean())
    headings = ("point", *map(label, known))
    return headings, tuple(tuple(map(show, row)) for row in means.iter_rows())


def _text(headings: Cells, rows: tuple[Cells, ...]) -> str:
    """Turn a table into sentences."""
    if headings[0] not in ("machine", "point", "clock"):
        return f"{'; '.join(map(' '.join, zip(headings, rows[0], strict=True)))}."
    sentences = [
        f"{name}: {', '.join(map(' '.join, zip(headings[1:], values, strict=True)))}"
        for name, *values in rows
    ]
    return f"{'; '.join(sentences)}."
