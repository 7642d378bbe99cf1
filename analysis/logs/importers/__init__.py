"""Importers for logs of other programs. One module per format, recognised by content.

`described` is not in the table: it needs a file that describes the logs.
"""

from analysis.history.run import Format
from analysis.logs.importers import delimited, shiviz, vklocks

IMPORTERS: dict[str, Format] = {
    "vklocks": vklocks,
    "shiviz": shiviz,
    "delimited": delimited,
}
