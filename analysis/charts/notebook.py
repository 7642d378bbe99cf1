"""Charts as Altair objects, which show themselves in a notebook and can be changed there."""

import json
from typing import Any

import altair as alt

from analysis.charts.captioned import CaptionedChart
from analysis.charts.themes import standalone_specs

NO_ROWS = {"values": list[object]()}


def altair_chart(chart: CaptionedChart) -> alt.Chart | alt.LayerChart:
    """Return a chart with title and light theme."""
    # Altair takes lists, not tuples.
    spec = json.loads(json.dumps(standalone_specs([chart])[chart.name]))
    parts = [spec, *spec.get("layer", [])]
    rows = [part.get("data") for part in parts]
    for part, data in zip(parts, rows, strict=True):
        if data:
            # Altair would validate row by row, which takes seconds.
            part["data"] = NO_ROWS
    drawn = alt.Chart.from_dict(spec)
    assert isinstance(drawn, alt.Chart | alt.LayerChart)
    layers: list[Any] = drawn.layer if isinstance(drawn, alt.LayerChart) else []
    for one, data in zip([drawn, *layers], rows, strict=True):
        if data:
            one.data = data
    return drawn
