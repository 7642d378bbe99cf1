"""Axes, colours and sizes that all charts share.

Charts pass encodings as Altair objects: to turn a string into one, Altair hashes its whole schema,
which takes 10 ms each time.
"""

from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.history.run import Run

HEIGHT_PX = 210
MAX_HEIGHT_PX = 560
BAR_PX = 14
#: With more machines, colours follow tick rates: more hues cannot be told apart.
MAX_HUES = 8
LOG = alt.Scale(type="log")
FEW_TICKS = alt.Axis(tickCount=4, format="~g", labelOverlap="greedy", gridOpacity=0.6)
MACHINE = alt.Detail("machine:N")


@dataclass(frozen=True)
class Chart:
    """A picture, its data source in words, and the metrics for the table beside it."""

    picture: alt.Chart | alt.LayerChart
    source: str
    metrics: tuple[str, ...]


def time() -> alt.X:
    return alt.X("at_s:Q", title="wall time since the epoch (s)")


def tooltip(*fields: str, **formats: str) -> list[alt.Tooltip]:
    """Show fields at the pointer, numbers of some of them in formats of their own."""
    plain = [alt.Tooltip(field) for field in fields]
    return plain + [alt.Tooltip(f"{field}:Q", format=format_) for field, format_ in formats.items()]


def bounds(title: str) -> dict[str, Any]:
    """Draw from the column `low` to the column `high`."""
    return {"y": alt.Y("low:Q", title=title), "y2": alt.Y2("high:Q")}


def machines(run: Run) -> alt.Y:
    return alt.Y("machine:N", title=None, sort=list(run.machines), axis=alt.Axis(labelOverlap=True))


def colour(run: Run, *, legend: bool = True) -> alt.Color:
    """Encode each machine's colour, the same in every chart and in the diagram."""
    scale = alt.Scale(domain=list(run.machines))
    if len(run.machines) > MAX_HUES:
        by_rate = sorted(run.machines, key=lambda machine: run.tick_rates_hz.get(machine, 0))
        scale, legend = alt.Scale(domain=by_rate, scheme="viridis"), False
    shown = alt.Undefined if legend else None
    return alt.Color("machine:N", title=None, scale=scale, legend=shown)


def sized(chart: Any, bars: int = 0) -> Any:
    """Make a chart as wide as the page allows, and higher for many bars."""
    height = max(HEIGHT_PX, min(MAX_HEIGHT_PX, BAR_PX * bars))
    return chart.properties(width="container", height=height)
