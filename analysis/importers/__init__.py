"""Logs that other programs wrote. One module per format; each knows its own by content."""

from analysis.history import Format
from analysis.importers import vklocks

IMPORTERS: dict[str, Format] = {
    "vklocks": vklocks,
}
