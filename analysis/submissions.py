"""The runs among the paths of a command, each under its own path, and folders without a run.

A folder of folders is a class: each folder in it is a submission, which is listed even without a
log. It is the folder of a program, whose other parts are no submissions, if it directly holds
source code or folders of usual names, and few folders with logs.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from operator import eq
from pathlib import Path
from typing import Any

from analysis.evaluation import Evaluation, Verdict, evaluate
from analysis.history.run import Format, InputError, Run
from analysis.logs.archives import Room, is_archive
from analysis.logs.finding import Source, check_usable, path_order, source_among, sources_below
from analysis.logs.formats import formats_of
from vm.files import EXPERIMENT, FAILED, METRICS, RUN, is_regular, name_of, read_json
from vm.quoting import escaped

#: Folders and files with such names belong to programs.
PARTS = ("src", "lib", "bin", "build", "doc", "docs", "log", "logs", "proto", "test", "tests")
#: Folders with such names hold the pictures, settings and tables of a lab.
BESIDE = (
    *("plots", "figures", "images", "graphs", "charts", "analysis", "media", "assets", "config"),
    *("trials", "experiments", "results", "runs"),
)
BUILD_FILES = ("makefile", "dockerfile", "go.mod", "cargo.toml", "package.json", "pom.xml")
SOURCE_CODE = (".py", ".go", ".java", ".c", ".cc", ".cpp", ".h", ".js", ".ts", ".rs", ".kt", ".cs")
#: The most folders with logs in the folder of a program; scripts lie beside more submissions, too.
MAX_TRIALS = 10
#: Folders that programs make for themselves, also beside submissions.
NO_SUBMISSIONS = (FAILED, "__macosx", "__pycache__", "node_modules", "venv")


@dataclass(frozen=True)
class Submission:
    """A run, or a folder without one; `place` is its path below the folder that was given.

    `problem` is the reason if there is no run. `is_beside` means that it is no submission: a file
    beside submissions, or a part of a program whose runs are elsewhere.
    """

    path: Path
    source: Source | None
    problem: str = ""
    is_beside: bool = False
    place: Path = Path()

    @property
    def label(self) -> str:
        return escaped(str(self.place))

    @property
    def without_logs(self) -> str:
        """The problem of a run that has only metrics."""
        return f"only its metrics were written, no logs: {self.path / METRICS}"

    def label_of(self, run: str) -> str:
        """Return the label of a run by its name, which can be that of an execution."""
        return str(Path(self.label).parent / run)

    def evaluations(self) -> list[Evaluation]:
        """Evaluate the run, or the executions in its log; none if there are only metrics.

        InputError if it cannot be read.
        """
        if self.source is None:
            raise InputError(self.problem)
        return list(map(evaluate, self.source.load())) if self.source.is_logged else []

    def judged(self) -> list[tuple[Run | None, Verdict]]:
        """Return each run with its verdict; the run is None if it cannot be read."""
        try:
            evaluations = self.evaluations()
        except InputError as error:
            return [self.unreadable(str(error))]
        if not evaluations:
            return [self.unreadable(self.without_logs)]
        return [(one.run, one.verdict) for one in evaluations]

    def unreadable(self, problem: str) -> tuple[None, Verdict]:
        """Return the verdict if the run cannot be read."""
        begin = f"{self.path} "
        reason = f"it {problem.removeprefix(begin)}" if problem.startswith(begin) else problem
        return None, Verdict(name_of(self.path), None, (), (reason,))


def find_submissions(
    paths: Sequence[Path], format_name: str, settings: Mapping[str, Any], out: Path | None
) -> list[Submission]:
    """Find the runs of the paths and the submissions without one, each once, in natural order.

    `out` is the folder for output, and so no submission. InputError if a path does not exist, or
    if no run is below any of them.
    """
    found, formats = dict[Path, Submission](), formats_of(format_name, settings)
    for path in paths:
        try:
            below = list(_below(path, formats, out, is_only=len(paths) == 1))
        except OSError as error:
            problem = f"{error.filename or path} cannot be read: {error.strerror}"
            raise InputError(problem) from None
        if settings:
            below = [_set(one) for one in below]
        found |= {one.path.resolve(): one for one in below}
    ordered = sorted(found, key=path_order)
    base = _base(paths, ordered)
    return [replace(found[path], place=path.relative_to(base)) for path in ordered]


def are_one_experiment(submissions: Sequence[Submission]) -> bool:
    """Return whether all are runs of one experiment, or of `vklocks run` in one folder.

    Then they lie in one folder, under their own names; submissions have the names of their owners.
    """
    folders = {one.path.resolve().parent for one in submissions}
    if len(folders) > 1:
        return False
    (folder,) = folders
    runs = [(read_json(one.path / RUN) or {}).get("run") for one in submissions]
    has_file = is_regular(folder / EXPERIMENT)
    return has_file or all(map(eq, runs, [one.path.name for one in submissions]))


def _set(one: Submission) -> Submission:
    return replace(one, source=replace(one.source, is_set=True)) if one.source else one


def _base(paths: Sequence[Path], found: Sequence[Path]) -> Path:
    """Return the folder that labels begin in: the one that was given, unless it is a run.

    The folders in an archive are beside it: `labs.zip:ann` is not below `labs.zip`.
    """
    if len(paths) == 1 and all(paths[0].resolve() in path.parents for path in found):
        return paths[0].resolve()
    return Path(os.path.commonpath([path.resolve().parent for path in paths]))


def _below(
    path: Path, formats: Sequence[Format], out: Path | None, is_only: bool
) -> Iterator[Submission]:
    """Yield the runs of a path, or its submissions if it is a class."""
    numbers, room = count(1), Room()
    whole = source_among(path, formats, numbers) if path.is_dir() else None
    if whole and whole.is_run:
        yield Submission(path, whole)
        return
    folders = list(_folders(path, out)) if whole else []
    submissions = [_in_folder(folder, formats, numbers, room) for folder in folders]
    logged = sum(any(one.source for one in some) for some in submissions)
    if logged:
        is_program = logged <= MAX_TRIALS and _is_of_a_program(path)
        for one in (one for some in submissions for one in some):
            is_beside = is_program or one.path.name.lower() in BESIDE
            yield one if one.source else replace(one, is_beside=is_beside)
        for file in whole.unknown if whole else ():
            yield Submission(file, None, is_beside=True)
        return
    try:
        below = sources_below(path, formats, numbers, room)
        check_usable(path, below)
        yield from (Submission(one.path, one) for one in below)
    except InputError as error:
        if is_only or not path.exists():
            raise
        yield Submission(path, None, str(error))


def _folders(path: Path, out: Path | None) -> Iterator[Path]:
    for folder in path.iterdir():
        is_ours = folder.name.startswith(".") or folder.name.lower() in NO_SUBMISSIONS
        if is_ours or folder.is_symlink() or not (folder.is_dir() or is_archive(folder)):
            continue
        if out is None or folder.resolve() != out.resolve():
            yield folder


def _in_folder(
    folder: Path, formats: Sequence[Format], numbers: Iterator[int], room: Room
) -> list[Submission]:
    try:
        sources = sources_below(folder, formats, numbers, room)
    except InputError as error:
        return [Submission(folder, None, str(error))]
    if sources:
        return [Submission(source.path, source) for source in sources]
    is_failed = (folder / FAILED).is_dir() and (folder / EXPERIMENT).exists()
    unrecognised = "holds no file that was recognised as a log"
    reason = "holds only failed runs" if is_failed else unrecognised
    return [Submission(folder, None, f"{folder} {reason}")]


def _is_of_a_program(folder: Path) -> bool:
    """Return whether a folder directly holds source code, or folders of usual names."""
    return any(
        path.name.lower() in PARTS
        if path.is_dir()
        else path.suffix.lower() in SOURCE_CODE or path.name.lower() in BUILD_FILES
        for path in folder.iterdir()
    )
