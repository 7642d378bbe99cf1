"""Themes of charts, light and dark, and specs for chart files."""

from collections.abc import Iterable
from typing import Any

from analysis.charts.captioned import CaptionedChart

FILE_WIDTH_PX = 460
SANS = "Inter, 'Segoe UI', system-ui, 'Helvetica Neue', 'Liberation Sans', sans-serif"
#: Okabe and Ito's colours, as in the diagram (assets/page/page.js).
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


def standalone_specs(charts: Iterable[CaptionedChart]) -> dict[str, Any]:
    """Return each chart's spec for a file, by name, with a title and the light theme."""
    return {
        chart.name: {
            **chart.spec,
            "width": FILE_WIDTH_PX,
            "config": THEMES["light"],
            "title": {"text": chart.question, "anchor": "start"},
        }
        for chart in charts
    }


def _theme(ink: str, soft: str, line: str, hues: list[str]) -> dict[str, Any]:
    text = {"labelColor": soft, "titleColor": soft, "titleFontWeight": "normal"}
    symbols = {"symbolBaseFillColor": soft, "symbolBaseStrokeColor": soft}
    lines = {"gridColor": line, "domainColor": line, "tickColor": line}
    return {
        "background": "transparent",
        "font": SANS,
        "view": {"stroke": None},
        "axis": {**text, **lines, "labelFontSize": 11, "titleFontSize": 11},
        "legend": {**text, **symbols, "orient": "top", "symbolStrokeWidth": 3},
        "title": {"color": ink, "fontSize": 13, "fontWeight": 600},
        "range": {"category": hues},
        **{mark: {"color": hues[0]} for mark in ("line", "area", "bar", "point", "rule")},
        "tick": {"color": ink},
        "text": {"color": ink},
    }


THEMES = {
    "light": _theme("#1b2026", "#59636e", "#e2e4e0", HUES["light"]) | {"background": "#ffffff"},
    "dark": _theme("#e7eaee", "#9aa5b1", "#2c323a", HUES["dark"]),
}
