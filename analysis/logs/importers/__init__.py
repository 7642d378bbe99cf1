"""Importers for logs of other programs. One module per format, recognised by content.

`described` is not in the table: it needs a file that describes the logs.
"""

from analysis.history.run import Format
from analysis.logs.importers import delimited, shiviz, table, vector_objects, vklocks

IMPORTERS: dict[str, Format] = {
    "vklocks": vklocks,
    "shiviz": shiviz,
    "vector-objects": vector_objects,
    "delimited": delimited,
    # The last: an export beside logs is not read.
    "table": table,
}
