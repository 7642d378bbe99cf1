"""Vega and the specs of charts, as text for a page."""

import json
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from analysis.charts.captioned import CaptionedChart
from analysis.charts.themes import THEMES
from analysis.report.encoding import deflated
from vm.files import write_text

#: The folder of the files that Python caches.
CACHE = Path(__file__).parent / "__pycache__"
#: Exposes the function that the page calls (assets/page/charts.js).
SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def bundle() -> str:
    """Return a bundle of Vega, Vega-Lite and Vega-Embed, deflated.

    Bundling takes a second, so the text is cached for later processes if CACHE can be written. The
    image of the analysis holds only the cached text.
    """
    made_of = zlib.crc32(f"{version('vl-convert-python')} {SNIPPET}".encode())
    cached = CACHE / f"vega-{made_of:08x}.txt"
    with suppress(OSError):
        return cached.read_text(encoding="utf-8")
    import vl_convert

    made = deflated(vl_convert.javascript_bundle(SNIPPET).encode())
    with suppress(OSError):
        CACHE.mkdir(exist_ok=True)
        write_text(cached, made)
    return made


def packed(charts: Iterable[CaptionedChart]) -> str:
    """Return the themes and the specs of charts, deflated."""
    plain = {"themes": THEMES, "charts": {chart.name: chart.spec for chart in charts}}
    return deflated(json.dumps(plain, separators=(",", ":")).encode())
