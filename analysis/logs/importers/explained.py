"""How the logs in a folder are read: what matched, what was captured, and a description of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.history.run import Format, InputError, Run
from analysis.logs.description.description import Description
from analysis.logs.importers import delimited, described
from analysis.logs.importers.delimited import Delimited
from analysis.logs.importers.rows import Row
from analysis.logs.importers.runs import runs_in
from analysis.logs.lines.names import Directory
from analysis.logs.recognition.format import RecognisedFormat


@dataclass(frozen=True)
class Match:
    """A way in which events were found, the number of its events, and the first rows."""

    way: str
    events: int
    examples: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Explained:
    """The reading of the logs of one folder; `events` counts the rows by file."""

    description: Description
    matches: tuple[Match, ...]
    events: dict[str, int]
    runs: list[Run]


def explained(format_: Format, path: Path, files: Sequence[Path]) -> list[Explained]:
    """Return how the logs of each run are read; InputError if the format needs no description."""
    if isinstance(format_, RecognisedFormat):
        format_.check_decided(path)
        return [
            _explained(group.format, path, [file for file in files if file.name in group.files])
            for group in format_.groups
        ]
    if format_ is delimited:
        format_ = Delimited()
    if isinstance(format_, Delimited):
        format_ = described.Described(_of_columns(format_, files))
    if not isinstance(format_, described.Described):
        raise InputError(
            f"{path}: logs of this format need no description: `vklocks check` reads them"
        )
    return [_explained(format_, path, files)]


def _explained(format_: described.Described, path: Path, files: Sequence[Path]) -> Explained:
    reader, cutter = format_.cut(path, files)
    rows = Counter(file for part in reader.parts.values() for file in part.table["file"])
    ways = _ways(format_.description)
    own = Directory((), format_.description.machines).own
    matches = tuple(
        Match(way, count, tuple(row._replace(machine=own(row.machine)) for row in some))
        for way, count, some in zip(ways, cutter.counts, cutter.examples, strict=True)
    )
    runs = runs_in(reader, path, described.NAME)
    return Explained(format_.description, matches, dict(rows), runs)


def _ways(given: Description) -> list[str]:
    table = {**given.paths, **given.columns}
    listed = ", ".join(f"{part} = {where}" for part, where in table.items())
    return [one.expression for one in given.lines] or [listed]


def _of_columns(format_: Delimited, files: Sequence[Path]) -> Description:
    separator, columns = format_.columns(files[0])
    return replace(format_.given, columns=columns, separator=separator)
