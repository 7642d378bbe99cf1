"""The format of logs that was recognised from their content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.history.run import HEAD_BYTES, InputError, Run, renamed
from analysis.logs import texts
from analysis.logs.description import fields
from analysis.logs.importers.described import Described
from analysis.logs.recognition.described import description
from analysis.logs.recognition.machines import Lines
from analysis.logs.recognition.names import runs_of_files
from analysis.logs.recognition.recognise import Recognised, recognise
from vm.quoting import escaped

NAME = "recognised"
#: Files of other kinds are no logs.
NO_LOG_SUFFIXES = {
    *(".py", ".md", ".rst", ".ipynb", ".html", ".htm", ".pdf", ".png", ".svg", ".jpg", ".proto"),
    *(".toml", ".cfg", ".ini", ".yml", ".yaml", ".sh", ".js", ".ts", ".go", ".java", ".c", ".h"),
    *(".cpp", ".rs", ".lock", ".pyc", ".zip", ".tar", ".tex", ".docx"),
}
#: More files of one folder are not looked at together.
MAX_FILES = 200
#: Lines of a file by which it is recognised.
MAX_LINES = 1_500


@dataclass(frozen=True)
class Group:
    """The logs of one run, with their names and their description."""

    run: str
    files: tuple[str, ...]
    format: Described


@dataclass(frozen=True)
class RecognisedFormat:
    """The descriptions of the logs in a folder, one for each run that the names of files tell."""

    groups: tuple[Group, ...]

    @property
    def files(self) -> frozenset[str]:
        return frozenset(file for group in self.groups for file in group.files)

    def knows(self, head: str) -> bool:
        """Return whether a file with this beginning is a log of this format."""
        return any(group.format.knows(head) for group in self.groups)

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the runs of a folder, or of the one file."""
        runs: list[Run] = []
        for group in self.groups:
            own = [file for file in files if file.name in group.files]
            for run in group.format.load(path, own):
                run = replace(run, format=NAME)
                runs.append(renamed(run, f"{run.name}#{group.run}") if group.run else run)
        return runs


@dataclass(frozen=True)
class Recogniser:
    """Finds the format of the logs in a folder from all of them together.

    `settings` are fields of a description that replace those found.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)

    def among(self, files: Sequence[Path]) -> RecognisedFormat | None:
        """Return the format of logs among some files; None if none is recognised."""
        some = {file.name: _lines(file) for file in files[:MAX_FILES] if _may_be_log(file)}
        lines = {name: own for name, own in some.items() if own}
        groups = []
        for run, names in runs_of_files(list(lines)).items():
            if found := recognise({name: lines[name] for name in names}):
                groups.append(self._group(run, found))
        return RecognisedFormat(tuple(groups)) if groups else None

    def _group(self, run: str, found: Recognised) -> Group:
        given = fields.overridden(fields.plain(description(found)), self.settings)
        return Group(escaped(run), tuple(found.files), Described(fields.parse(given)))

    def knows(self, head: str) -> bool:
        """Return False: one file alone is not recognised."""
        return False

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Raise InputError: nothing was recognised."""
        raise InputError(f"{path}: its files were not recognised as logs")


def _may_be_log(file: Path) -> bool:
    return file.suffix.lower() not in NO_LOG_SUFFIXES


def _lines(file: Path) -> Lines:
    """Return the first whole lines of a file, numbered; none of a file that is no text."""
    head = texts.head(file)
    if "\0" in head:
        return []
    lines = head.split("\n")
    if len(head) >= HEAD_BYTES // 4 and file.stat().st_size > HEAD_BYTES:
        lines = lines[:-1]
    return list(enumerate(lines[:MAX_LINES], 1))
