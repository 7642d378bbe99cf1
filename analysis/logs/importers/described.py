"""Logs of any program, by a description: `analysis.logs.description` lists its fields.

    expression = '^\\[(?<time>\\S+)\\] (?<kind>\\w+) clock=(?<clock>\\d+)( peer=(?<peer>\\S+))?'
    time = "ms"
    queue = "before"
    files = "*.log"

    [kinds]
    send = ["SND", "BCAST"]
    receive = ["RCV"]
    internal = ["LOCAL"]

The file or `--set FIELD=VALUE` gives the fields; a table of columns, JSON paths or expressions find
the events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from analysis.history.run import InputError, Run
from analysis.logs import texts
from analysis.logs.description import fields
from analysis.logs.description.description import Description
from analysis.logs.importers.cutting import Cutter
from analysis.logs.importers.rows import Reader
from analysis.logs.importers.runs import runs_in
from analysis.logs.limits import MAX_TEXT_BYTES
from vm.quoting import quoted

NAME = "described"
SUFFIX = ".toml"


@dataclass(frozen=True)
class Described:
    """The format of a description."""

    description: Description

    def knows(self, head: str) -> bool:
        """Return whether a file with this beginning is a log of this format."""
        return Cutter(self.description).knows(head)

    def knows_file(self, file: Path, head: str) -> bool:
        """Return whether a file has an event, in its beginning or, as it is asked for, later."""
        if self.knows(head):
            return True
        is_asked_for = fnmatch(file.name, self.description.files) and "\0" not in head
        if not is_asked_for or texts.size(file) > MAX_TEXT_BYTES:
            return False
        text, _ = texts.read(file)
        return len(text) > len(head) and self.knows(text)

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the runs from the logs in a directory, or from one file."""
        reader, _ = self.cut(path, files)
        return runs_in(reader, path, NAME)

    def cut(self, path: Path, files: Sequence[Path]) -> tuple[Reader, Cutter]:
        """Return the rows in the logs, and the cutter with an account of its expressions."""
        pattern = self.description.files
        matching = [file for file in files if fnmatch(file.name, pattern)]
        if not matching:
            raise InputError(f"{path}: files: no file is called {quoted(pattern)}")
        # The time to search for expressions is limited for each run.
        reader, cutter = Reader(self.description), Cutter(self.description)
        for file in matching:
            cutter.cut(file, reader)
        return reader, cutter


def read(path: Path, settings: Mapping[str, Any] | None = None) -> Described:
    """Read the description of a format; InputError names the wrong field."""
    return Described(fields.read(path, settings))
