"""What charts have in common: axes, colours, sizes."""

from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.history.run import Run

HEIGHT_PX = 210
MAX_HEIGHT_PX = 560
BAR_PX = 14
#: More machines than this get their colours by tick rate: nobody tells so many hues apart.
MAX_HUES = 8
LOG = alt.Scale(type="log")
FEW_TICKS = alt.Axis(tickCount=4, format="~g", labelOverlap="greedy", gridOpacity=0.6)


@dataclass(frozen=True)
class Plot:
    """A chart, what it is drawn from in words, and the metrics that say the same in numbers."""

    chart: alt.Chart | alt.LayerChart
    drawn: str
    metrics: tuple[str, ...]


def time() -> alt.X:
    return alt.X("at_s:Q", title="wall time since the epoch (s)")


def machines(run: Run) -> alt.Y:
    return alt.Y("machine:N", title=None, sort=list(run.machines), axis=alt.Axis(labelOverlap=True))


def colour(run: Run, *, legend: bool = True) -> alt.Color:
    """The machine's own colour, the same in every chart and in the diagram."""
    names = list(run.machines)
    given: dict[str, Any] = {} if legend else {"legend": None}
    if len(names) <= MAX_HUES:
        return alt.Color("machine:N", title=None, scale=alt.Scale(domain=names), **given)
    return alt.Color(
        "machine:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=_by_rate(run), scheme="viridis"),
        **({"legend": None} | given),
    )


def _by_rate(run: Run) -> list[str]:
    """The machines from the slowest to the fastest."""
    return sorted(run.machines, key=lambda machine: run.tick_rates_hz.get(machine, 0))


def sized(chart: Any, bars: int = 0) -> Any:
    """As wide as there is room; higher if there are many bars."""
    height = max(HEIGHT_PX, min(MAX_HEIGHT_PX, BAR_PX * bars))
    return chart.properties(width="container", height=height)
