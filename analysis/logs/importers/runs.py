"""The runs in the rows of logs: with scalar clocks or vectors, one or several in the files."""

from pathlib import Path

from analysis.history.run import InputError, Run
from analysis.logs.foreign import runs_of
from analysis.logs.importers.rows import Reader
from analysis.logs.vectors.named import VECTOR, run_of_vectors


def runs_in(reader: Reader, path: Path, format_name: str) -> list[Run]:
    """Return the runs in the rows of a reader; InputError if there is none.

    Lines before the first line of any run are reported with the first run.
    """
    labels = [label for label, part in reader.parts.items() if part.has_rows]
    if not labels:
        raise InputError(reader.problem(path))
    for label, part in reader.parts.items():
        if label not in labels:
            reader.parts[labels[0]].leftover.add(part.leftover)
    several = len(labels) > 1
    runs = list[Run]()
    for label in labels:
        extract = reader.extract(path, format_name, label, is_named=several)
        has_vectors = VECTOR in extract.events.columns
        runs += [run_of_vectors(extract)] if has_vectors else runs_of(extract)
    return runs
