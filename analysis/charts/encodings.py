"""Axes, colours and sizes of all charts, as parts of Vega-Lite specs."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.history.run import Run

HEIGHT_PX = 210
MAX_HEIGHT_PX = 560
BAR_PX = 14
#: With more machines, colours follow tick rates: more hues cannot be distinguished.
MAX_HUES = 8
#: A logarithmic axis, with few ticks.
LOG = {
    "scale": {"type": "log"},
    "axis": {"tickCount": 4, "format": "~g", "labelOverlap": "greedy", "gridOpacity": 0.6},
}

Spec = dict[str, Any]


Cells = tuple[str, ...]
#: Headings and rows.
Table = tuple[Cells, tuple[Cells, ...]]


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite spec, its data source in words, and the metrics for the table beside it.

    A chart of other things than machines and runs has its own `table`; the first cell of a row is
    the name of one.
    """

    spec: Spec
    source: str
    metrics: Cells = ()
    table: Table | None = None


def picture(rows: pl.DataFrame, *layers: Spec, bars: int = 0) -> Spec:
    """Return a spec that draws rows, as wide as its container and higher for many bars."""
    height = max(HEIGHT_PX, min(MAX_HEIGHT_PX, BAR_PX * bars))
    drawn = layers[0] if len(layers) == 1 else {"layer": list(layers)}
    return {"data": data(rows), "width": "container", "height": height, **drawn}


def layer(mark: str, encoding: Spec, **options: Any) -> Spec:
    return {"mark": {"type": mark, **options}, "encoding": encoding}


def data(rows: pl.DataFrame) -> Spec:
    # JSON has no NaN, the share 0 / 0.
    return {"values": rows.fill_nan(None).to_dicts()}


def quantitative(column: str, **options: Any) -> Spec:
    return {"field": field(column), "type": "quantitative", **options}


def ordinal(column: str, **options: Any) -> Spec:
    return {"field": field(column), "type": "ordinal", **options}


def nominal(column: str, **options: Any) -> Spec:
    return {"field": field(column), "type": "nominal", **options}


def field(column: str) -> str:
    """Escape a column's name for Vega-Lite, where dots and brackets have a meaning."""
    return column.replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


def time() -> Spec:
    return quantitative("at_s", title="wall time since the epoch (s)")


def tooltip(rows: pl.DataFrame, *columns: str, **formats: str) -> list[Spec]:
    """Show columns at the pointer; `formats` gives number formats of further columns."""
    plain = [
        (quantitative if rows[column].dtype.is_numeric() else nominal)(column, title=column)
        for column in columns
    ]
    return plain + [quantitative(column, format=format_) for column, format_ in formats.items()]


def bounds(title: str) -> Spec:
    """Encode a range from the column `low` to the column `high`."""
    return {"y": quantitative("low", title=title), "y2": {"field": "high"}}


def translucent(opacity: float) -> Spec:
    """Make only the fill transparent: renderers draw marks with `opacity` as images."""
    # By default, Vega-Lite makes points and ticks transparent as a whole.
    return {"opacity": 1, "fillOpacity": opacity}


def machines(run: Run) -> Spec:
    return nominal("machine", title=None, sort=list(run.machines), axis={"labelOverlap": True})


def colour(run: Run, **options: Any) -> Spec:
    """Encode each machine's colour, the same in every chart and in the diagram."""
    if len(run.machines) <= MAX_HUES:
        return nominal("machine", title=None, scale={"domain": list(run.machines)}, **options)
    by_rate = sorted(run.machines, key=lambda machine: run.tick_rates_hz.get(machine, 0))
    scale = {"domain": by_rate, "scheme": "viridis"}
    return nominal("machine", title=None, scale=scale, legend=None)
