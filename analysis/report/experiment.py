"""The report of an experiment: `report.html` beside its runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from analysis.charts.captioned import experiment_charts
from analysis.charts.experiment import ExperimentRuns, experiment_runs
from analysis.evaluation import State
from analysis.metrics.labels import counted, label, show
from analysis.report import vega
from analysis.report.page import render
from analysis.report.verdict_card import plain_card
from vm import files

#: The metrics in the table of runs.
METRICS_SHOWN = (
    *("final_spread", "skew_mean", "jump_mean", "jump_over_1_share"),
    *("queue_mean_on_tick", "utilisation", "predicted_utilisation", "queue_growth_per_s"),
    "concurrency_share",
)
#: The axes of an experiment are the columns between these two in a table of runs.
AROUND_AXES = ("point", "seed")


def write(
    folder: Path,
    home: Path,
    runs: pl.DataFrame,
    every: Sequence[Mapping[str, Any]],
    verdicts: Sequence[State | None],
    file: str = files.REPORT,
) -> Path:
    """Write the report on runs of an experiment's folder to `home`, beside their own reports.

    Return its path, which ends with `file`. `runs` has a row for each run: `run`, `point`, the
    axes, `seed`, and the metrics. `every` holds the metrics of each run with those of its machines,
    `verdicts` the state of its verdict (None if it has not been checked), both in the order of
    `runs`.
    """
    experiment = experiment_runs(runs, every, axes_of(runs))
    charts = experiment_charts(experiment)
    page = render(
        "experiment",
        name=files.name_of(folder),
        verdict=_card(verdicts),
        sentences=_sentences(experiment),
        toml=_text(folder / files.EXPERIMENT_COPY),
        command=f"vklocks run {files.name_of(folder)}.toml",
        charts=charts,
        headings=[_heading(name, experiment) for name in ("run", "verdict", *_shown(experiment))],
        rows=[
            _row(home, row, verdict, experiment)
            for row, verdict in zip(runs.iter_rows(named=True), verdicts, strict=True)
        ],
        specs=vega.packed(charts),
        vega=vega.bundle(),
    )
    return files.write_text(home / file, page)


def axes_of(runs: pl.DataFrame) -> list[str]:
    """Return the axes of the experiment: the columns between a run's point and its seed."""
    begin, end = (runs.columns.index(name) for name in AROUND_AXES)
    return runs.columns[begin + 1 : end]


def _card(verdicts: Sequence[State | None]) -> dict[str, Any]:
    counts, total = Counter(verdicts), len(verdicts)
    of_all, open_ = f"of {counted(total, 'run')}", total - counts["holds"]
    state: State = "violated" if counts["violated"] else "inconclusive"
    if counts["holds"] == total:
        state = "holds"
    titles = {
        "holds": "No check is violated in any run",
        "violated": f"Checks are violated in {counts['violated']:,} {of_all}",
        "inconclusive": f"Not fully checked: {open_:,} {of_all}",
    }
    parts = [f"{counts[one]:,} {text}" for one, text in LABELS.items() if counts[one]]
    return plain_card(state, titles[state], f"{counted(total, 'run')}: {', '.join(parts)}.")


def _sentences(experiment: ExperimentRuns) -> list[str]:
    points = experiment.runs["point"].n_unique()
    sentences = [f"{counted(len(experiment.runs), 'run')} at {counted(points, 'point')}."]
    for axis in experiment.axes:
        values = experiment.runs[axis].unique(maintain_order=True).to_list()
        sentences.append(f"{axis}: {', '.join(map(str, values))}.")
    return sentences


def _shown(experiment: ExperimentRuns) -> list[str]:
    known = [name for name in METRICS_SHOWN if experiment.runs[name].count()]
    return [*experiment.axes, "seed", *known]


def _heading(name: str, experiment: ExperimentRuns) -> dict[str, Any]:
    number = name in experiment.runs.columns and experiment.runs[name].dtype.is_numeric()
    return {"text": label(name) if name in METRICS_SHOWN else name, "number": number}


def _row(
    home: Path, row: Mapping[str, Any], verdict: State | None, experiment: ExperimentRuns
) -> dict[str, Any]:
    page = home / row["run"] / files.REPORT
    link = f"{row['run']}/{page.name}" if page.exists() else ""
    cells = [{"text": show(row[name]), "value": row[name]} for name in _shown(experiment)]
    return {"run": row["run"], "link": link, "verdict": verdict or "", "cells": cells}


def _text(path: Path) -> str:
    try:
        return files.read_bytes(path, files.MAX_JSON_BYTES).decode(errors="replace")
    except OSError:
        return ""


#: Names of the states of verdicts in the count of runs.
LABELS: dict[State | None, str] = {
    "holds": "hold",
    "violated": "violated",
    "inconclusive": "inconclusive",
    None: "measured without logs, so not checked",
}
