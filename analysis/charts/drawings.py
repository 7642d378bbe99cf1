"""Charts in a page, in words, and as files: one source of each, `analysis.charts.run`."""

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from analysis.charts.encodings import Plot
from analysis.charts.experiment import SWEEP_PLOTS, Sweep
from analysis.charts.run import PLOTS
from analysis.history.run import Run
from analysis.metrics.labels import label, question, show
from analysis.metrics.run import MACHINE_METRICS, per_machine, per_run
from analysis.report.encoding import deflated

FOLDER = "charts"
#: Where Python keeps what it made of modules, and Numba what it made of functions.
KEPT = Path(__file__).parent / "__pycache__"
#: What of the bundle the page calls (assets/charts.js).
SNIPPET = "window.vegaEmbed = vegaEmbed;"
FILE_WIDTH_PX = 460
SANS = "Inter, 'Segoe UI', system-ui, 'Helvetica Neue', 'Liberation Sans', sans-serif"
#: Okabe and Ito's colours, as in the diagram (assets/page.js).
HUES = {
    "light": [
        *("#0072b2", "#d55e00", "#009e73", "#b8508f"),
        *("#4aa3d8", "#b98500", "#6b5bbd", "#5a6470"),
    ],
    "dark": [
        *("#56b4e9", "#f0883e", "#2bbf94", "#e08fc0"),
        *("#8fd0f5", "#e6b020", "#a99cf0", "#a8b2bc"),
    ],
}


Cells = tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """A plot as a page needs it: `spec` is Vega-Lite, `text` and the table say the same."""

    name: str
    question: str
    drawn: str
    text: str
    headings: Cells
    rows: tuple[Cells, ...]
    spec: Mapping[str, Any]


@lru_cache(maxsize=1)
def drawings(run: Run) -> tuple[Drawing, ...]:
    """The charts that a run's logs have data for; the last answer is kept."""
    plots = {name: plot(run) for name, plot in PLOTS.items()}
    return tuple(
        _drawing(name, question(PLOTS[name]), plot, *_table(run, plot.metrics))
        for name, plot in plots.items()
        if plot
    )


def sweep_drawings(swept: Sweep) -> tuple[Drawing, ...]:
    """The charts of an experiment that its runs have figures for."""
    plots = {name: plot(swept) for name, plot in SWEEP_PLOTS.items()}
    return tuple(
        _drawing(name, question(SWEEP_PLOTS[name]), plot, *_points_table(swept, plot.metrics))
        for name, plot in plots.items()
        if plot
    )


def packed(drawn: Iterable[Drawing]) -> str:
    """Specs and themes, as text for a page."""
    plain = {"themes": THEMES, "charts": {drawing.name: drawing.spec for drawing in drawn}}
    return deflated(json.dumps(plain, separators=(",", ":")).encode())


@cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, as text for a page.

    A second's work, so it is kept from one process to the next where there is a place for it.
    """
    made_of = zlib.crc32(f"{version('vl-convert-python')} {SNIPPET}".encode())
    kept = KEPT / f"vega-{made_of:08x}.txt"
    with suppress(OSError):
        return kept.read_text(encoding="utf-8")
    made = deflated(vl_convert.javascript_bundle(SNIPPET).encode())
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):
        KEPT.mkdir(exist_ok=True)
        partial.write_text(made, encoding="utf-8")
        partial.replace(kept)
    return made


def as_files(drawn: Iterable[Drawing]) -> dict[str, Any]:
    """The specs of charts by name, as they stand alone: with a title, and in light colours."""
    return {
        drawing.name: {
            **drawing.spec,
            "width": FILE_WIDTH_PX,
            "config": THEMES["light"],
            "title": {"text": drawing.question, "anchor": "start"},
        }
        for drawing in drawn
    }


def _drawing(
    name: str, asked: str, plot: Plot, headings: Cells, rows: tuple[Cells, ...]
) -> Drawing:
    return Drawing(
        name=name,
        question=asked,
        drawn=f"Drawn from {plot.drawn}.",
        text=_text(headings, rows),
        headings=headings,
        rows=rows,
        spec=_spec(plot),
    )


def _spec(plot: Plot) -> dict[str, Any]:
    # Plots bound their rows themselves; Altair's own limit would refuse the report of a large run.
    with alt.data_transformers.disable_max_rows():
        spec: dict[str, Any] = plot.chart.to_dict(validate=False)
    return spec


def _table(run: Run, metrics: Cells) -> tuple[Cells, tuple[Cells, ...]]:
    """The metrics that say in numbers what a chart shows."""
    if metrics[0] not in MACHINE_METRICS:
        values = per_run(run)
        return tuple(map(label, metrics)), (tuple(show(values[name]) for name in metrics),)
    figures = per_machine(run).select("machine", *metrics)
    headings = ("machine", *map(label, metrics))
    return headings, tuple(tuple(map(show, row)) for row in figures.iter_rows())


def _points_table(swept: Sweep, metrics: Cells) -> tuple[Cells, tuple[Cells, ...]]:
    """The means at each point of the metrics that a chart shows."""
    known = [name for name in metrics if name in swept.runs.columns]
    means = swept.runs.group_by("point", maintain_order=True).agg(pl.col(known).mean())
    headings = ("point", *map(label, known))
    return headings, tuple(tuple(map(show, row)) for row in means.iter_rows())


def _text(headings: Cells, rows: tuple[Cells, ...]) -> str:
    """A table as sentences."""
    if headings[0] not in ("machine", "point"):
        said = zip(headings, rows[0], strict=True)
        return "; ".join(f"{name} {value}" for name, value in said) + "."
    sentences = []
    for row in rows:
        said = zip(headings[1:], row[1:], strict=True)
        sentences.append(f"{row[0]}: " + ", ".join(f"{name} {value}" for name, value in said))
    return "; ".join(sentences) + "."


def _theme(ink: str, soft: str, line: str, hues: list[str]) -> dict[str, Any]:
    axis = {
        "labelColor": soft,
        "titleColor": soft,
        "gridColor": line,
        "domainColor": line,
        "tickColor": line,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
    }
    return {
        "background": "transparent",
        "font": SANS,
        "view": {"stroke": None},
        "axis": axis,
        "legend": {
            "labelColor": soft,
            "titleColor": soft,
            "titleFontWeight": "normal",
            "orient": "top",
            "symbolStrokeWidth": 3,
        },
        "title": {"color": ink, "fontSize": 13, "fontWeight": 600},
        "range": {"category": hues},
        "line": {"color": hues[0]},
        "area": {"color": hues[0]},
        "bar": {"color": hues[0]},
        "point": {"color": hues[0]},
        "tick": {"color": ink},
        "rule": {"color": hues[0]},
    }


THEMES = {
    "light": _theme("#1b2026", "#59636e", "#e2e4e0", HUES["light"]) | {"background": "#ffffff"},
    "dark": _theme("#e7eaee", "#9aa5b1", "#2c323a", HUES["dark"]),
}
