"""The format of logs that was recognised from their content."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from analysis.history.run import HEAD_BYTES, InputError, Run, renamed
from analysis.logs import texts
from analysis.logs.description import fields
from analysis.logs.importers.described import Described
from analysis.logs.lines.objects import on_one_line
from analysis.logs.recognition.described import description
from analysis.logs.recognition.machines import Lines
from analysis.logs.recognition.names import runs_of_files
from analysis.logs.recognition.recognise import Recognised, recognise
from analysis.logs.recognition.rivals import READING, question
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
#: The ways to divide files into runs that are tried out.
MAX_WAYS = 5
#: A reading by which fewer receives have a send, and more steps for each are unexplained, is wrong.
MIN_MATCHED, MAX_MISFIT = 0.1, 0.5
#: Of fewer receives none may have a send for other reasons.
MANY = 20
#: Lines of a file by which it is recognised.
MAX_LINES = 1_500
#: Lines of a file that stay if another one is much longer, and may not be a log.
MIN_LINES = 200


@dataclass(frozen=True)
class Group:
    """The logs of one run, with their names and their description.

    `question` is open if another reading explains them equally, or else "".
    """

    run: str
    files: tuple[str, ...]
    format: Described
    question: str = ""


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

    def check_decided(self, path: Path) -> None:
        """Raise InputError if two readings explain the logs of a run equally."""
        for group in self.groups:
            if group.question:
                raise InputError(f"{path}: {group.question}")

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Load the runs of a folder, or of the one file; InputError if a question is open."""
        self.check_decided(path)
        runs: list[Run] = []
        for group in self.groups:
            own = [file for file in files if file.name in group.files]
            for run in group.format.load(path, own):
                _check_sense(path, run)
                run = replace(run, format=NAME)
                runs.append(renamed(run, f"{run.name}#{group.run}") if group.run else run)
        return runs


def _check_sense(path: Path, run: Run) -> None:
    """Raise InputError if hardly a receive has a send, and many steps are unexplained.

    Then the reading is wrong, not the program.
    """
    received = run.events.filter(kind="receive")
    matched = received["cause"].count()
    is_odd = run.misfit > MAX_MISFIT * received.height
    if received.height >= MANY and is_odd and matched < MIN_MATCHED * received.height:
        raise InputError(
            f"{path}: the logs of {run.name} were read, but {received.height - matched:,} of"
            f" {received.height:,} receives have no send by this reading, so it is probably wrong:"
            " `vklocks describe` shows it as a description that can be edited"
        )


@dataclass(frozen=True)
class Recogniser:
    """Finds the format of the logs in a folder from all of them together.

    `settings` are fields of a description that replace those found, and READING, which decides
    between two readings that explain the logs equally.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)

    def among(self, files: Sequence[Path]) -> RecognisedFormat | None:
        """Return the format of logs among some files; None if none is recognised."""
        some = _samples(files[:MAX_FILES])
        lines = {name: own for name, own in some.items() if own}
        groups = [group_of(run, found, self.settings) for run, found in _best(lines).items()]
        return RecognisedFormat(tuple(groups)) if groups else None

    def knows(self, head: str) -> bool:
        """Return False: one file alone is not recognised."""
        return False

    def load(self, path: Path, files: Sequence[Path]) -> list[Run]:
        """Raise InputError: nothing was recognised."""
        raise InputError(f"{path}: its files were not recognised as logs")


def _best(lines: Mapping[str, Lines]) -> dict[str, Recognised]:
    """Return the recognised runs of some files, divided in the way that explains most in one run.

    Files of one machine in several runs explain nothing of each other.
    """
    ways = runs_of_files([*lines])[:MAX_WAYS]
    best: dict[str, Recognised] = {}
    most = 0.0
    for way in ways:
        first, *rest = ({name: lines[name] for name in names} for names in way.values())
        found = recognise(first)
        if found and (not best or found.explains > most):
            most = found.explains
            others = zip([*way][1:], map(recognise, rest), strict=True)
            best = {next(iter(way)): found} | {run: one for run, one in others if one}
        if found and found.reading.is_perfect:
            break
    return best


def group_of(run: str, found: Recognised, settings: Mapping[str, Any]) -> Group:
    """Return the logs of a run as they are read with settings."""
    asked = ""
    if found.rival:
        answer = settings.get(READING)
        asked = "" if answer in (1, 2) else question(found)
        found = replace(found, reading=found.rival) if answer == 2 else found
    its = {name: value for name, value in settings.items() if name != READING}
    given = fields.overridden(fields.plain(description(found)), its)
    return Group(escaped(run), tuple(found.files), Described(fields.parse(given)), asked)


def _logs_among(files: Sequence[Path]) -> list[Path]:
    """Return the files that may be logs by their suffix: output.C beside output.A is one."""
    some = [file for file in files if file.suffix.lower() not in NO_LOG_SUFFIXES]
    stems = Counter(file.stem for file in some)
    return [file for file in files if file in some or stems[file.stem] > 1]


def _lines(file: Path) -> Lines:
    """Return the first whole lines of a file, numbered; none of a file that is no text."""
    head = texts.head(file)
    if "\0" in head:
        return []
    lines = head.split("\n")
    if len(head) >= HEAD_BYTES // 4 and file.stat().st_size > HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]
    return list(islice(on_one_line(enumerate(lines, 1)), MAX_LINES))


def _samples(files: Sequence[Path]) -> dict[str, Lines]:
    """Return the first lines of all files that may be logs.

    Of long logs it is the same part of each: fast machines write more lines in the same time.
    """
    some = {file: own for file in _logs_among(files) if (own := _lines(file))}
    parts = {file: _part(file, own) for file, own in some.items()}
    least = min(parts.values(), default=1)
    kept = {file: ceil(len(own) * least / parts[file]) for file, own in some.items()}
    return {file.name: own[: max(MIN_LINES, kept[file])] for file, own in some.items()}


def _part(file: Path, lines: Lines) -> float:
    """Return how much of a file its first lines are."""
    size = file.stat().st_size
    if len(lines) < MAX_LINES and size <= HEAD_BYTES:
        return 1
    return min(1, sum(len(text) + 1 for _, text in lines) / size)
