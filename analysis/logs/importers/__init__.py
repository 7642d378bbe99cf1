"""Logs that other programs wrote. One module per format; each knows its own by content.

`described` is none of them: a file has to say what the logs look like.
"""

from analysis.history.run import Format
from analysis.logs.importers import delimited, shiviz, vklocks

IMPORTERS: dict[str, Format] = {
    "vklocks": vklocks,
    "shiviz": shiviz,
    "delimited": delimited,
}
