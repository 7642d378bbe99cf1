"""The report of an experiment: `report.html` beside its runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from analysis.charts.drawings import packed, sweep_drawings, vega
from analysis.charts.experiment import Sweep, sweep
from analysis.metrics.labels import label, show
from analysis.report.page import leave, render
from analysis.report.run import FILE
from analysis.report.verdict_card import plain_card

#: What the table of runs says of each, of some dozens of metrics.
METRICS_SHOWN = (
    *("final_spread", "skew_mean", "jump_mean", "jump_over_1_share"),
    *("queue_mean_on_tick", "utilisation", "predicted_utilisation", "queue_growth_per_s"),
    "concurrency_share",
)
#: Between these two columns of a table of runs are the axes of the sweep.
AROUND_AXES = ("point", "seed")


def write(
    folder: Path,
    home: Path,
    runs: pl.DataFrame,
    every: Sequence[Mapping[str, Any]],
    verdicts: Sequence[str],
) -> Path:
    """Leave the report of an experiment's folder at its home, where those of its runs are as well.

    Returns its path. `runs` has a row for each run: `run`, `point`, the axes, `seed`, and the
    metrics; `every` its figures, with those of its machines; `verdicts` says fine, violated or
    unknown, "" if nobody has checked it. All in the same order.
    """
    return leave(home / FILE, html(folder, home, runs, every, verdicts))


def html(
    folder: Path,
    home: Path,
    runs: pl.DataFrame,
    every: Sequence[Mapping[str, Any]],
    verdicts: Sequence[str],
) -> str:
    swept = sweep(runs, every, axes_of(runs))
    drawn = sweep_drawings(swept)
    return render(
        "experiment",
        name=folder.resolve().name,
        verdict=_card(swept, verdicts),
        said=_said(swept),
        toml=_text(folder / "experiment.toml"),
        command=f"vklocks run {folder.resolve().name}.toml",
        charts=drawn,
        headings=[_heading(name, swept) for name in ("run", "verdict", *_shown(swept))],
        rows=[
            _row(home, row, verdict, swept)
            for row, verdict in zip(runs.iter_rows(named=True), verdicts, strict=True)
        ],
        specs=packed(drawn),
        vega=vega(),
    )


def axes_of(runs: pl.DataFrame) -> list[str]:
    """What was swept over: the columns between a run's point and its seed."""
    begin, end = (runs.columns.index(name) for name in AROUND_AXES)
    return runs.columns[begin + 1 : end]


def _card(swept: Sweep, verdicts: Sequence[str]) -> dict[str, Any]:
    counts = Counter(verdicts)
    colour = "violated" if counts["violated"] else "fine"
    if colour == "fine" and counts["fine"] < len(verdicts):
        colour = "unknown"
    titles = {
        "fine": "Every check holds in every run",
        "violated": f"{counts['violated']:,} of {len(verdicts):,} runs violate a check",
        "unknown": f"{len(verdicts) - counts['fine']:,} of {len(verdicts):,} runs not checked",
    }
    words = {"fine": "fine", "violated": "violated", "unknown": "could not be checked"}
    said = [f"{counts[word]:,} {text}" for word, text in words.items() if counts[word]]
    if counts[""]:
        said.append(f"{counts['']:,} measured without logs, so not checked")
    return plain_card(colour, titles[colour], f"{len(verdicts):,} runs: {', '.join(said)}.")


def _said(swept: Sweep) -> list[str]:
    points = swept.runs["point"].n_unique()
    sentences = [f"{_count(len(swept.runs), 'run')} at {_count(points, 'point')}."]
    for axis in swept.axes:
        values = swept.runs[axis].unique(maintain_order=True).to_list()
        sentences.append(f"{axis}: {', '.join(map(str, values))}.")
    return sentences


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _shown(swept: Sweep) -> list[str]:
    known = [name for name in METRICS_SHOWN if swept.runs[name].count()]
    return [*swept.axes, "seed", *known]


def _heading(name: str, swept: Sweep) -> dict[str, Any]:
    number = name in swept.runs.columns and swept.runs[name].dtype.is_numeric()
    return {"text": label(name) if name in METRICS_SHOWN else name, "number": number}


def _row(home: Path, row: Mapping[str, Any], verdict: str, swept: Sweep) -> dict[str, Any]:
    link = f"{row['run']}/{FILE}" if (home / row["run"] / FILE).exists() else ""
    cells = [{"text": show(row[name]), "value": row[name]} for name in _shown(swept)]
    return {"run": row["run"], "link": link, "verdict": verdict, "cells": cells}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
