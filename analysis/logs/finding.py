"""Logs found in folders, each with its format, and loaded as `Run` values.

A folder is searched once: `find_runs` returns sources, which hold the files that were found, and
are loaded without another search.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from analysis.history.run import Format, InputError, Run, renamed
from analysis.logs import own, texts
from analysis.logs.archives import Gathered, Room, Unpacked, is_archive
from analysis.logs.formats import FORMATS as FORMATS
from analysis.logs.formats import can_be_set, formats_of
from analysis.logs.importers import delimited, described, table
from analysis.logs.importers.nearest import REMEDY, seems_json, why_not
from analysis.logs.limits import MAX_DEPTH, MAX_NAMES, MAX_OWN_BYTES, MAX_TEXT_BYTES
from analysis.logs.recognition.evidence.claims import UNREADABLE, doubts
from analysis.logs.recognition.format import RecognisedFormat, Recogniser
from analysis.logs.recognition.names import called_as_machines
from vm.files import EXPERIMENT, FAILED, METRICS, RUN, SPEC, SUMMARY, VERDICT, is_regular, name_of
from vm.quoting import escaped
from vm.spec import natural_order

#: A file of unknown format seems to be a log if it has such a suffix, and digits in most lines.
LOG_SUFFIXES = (".log", ".out", ".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".trace")
OWN_JSON = (SPEC, RUN, METRICS, VERDICT, EXPERIMENT)
#: The beginning of a Perfetto trace, as exported or made by other programs.
TRACE = re.compile(r'\s*\{[^\[]{0,200}"traceEvents"\s*:')
NUMBER = re.compile(r"[-+.\d]+(?:e[-+]?\d+)?")
#: What is behind the name of a log without a suffix: output.1.
DIGITS = ".0123456789"
NO_LOGS = ("requirements.txt", "cmakelists.txt")
MAX_FILES_NAMED = 5
#: Larger logs are not read once more, to see how well a format reads them.
MAX_TRIED_BYTES = 2_000_000
#: More folders are those of a class, not of the machines of one run.
MAX_TOGETHER = 12


@dataclass(frozen=True)
class Source:
    """A folder or a file with logs of one format: of one run, or of several executions.

    `format` is None if no format knows any of the files. `unknown` are other files that seem to
    be logs; it is empty beside logs of vklocks machines, since their exports lie there. A source in
    an archive has a `path` beside the archive, and its files in a folder of `unpacked`, as one
    whose machines have a folder each; `problem` is the reason why an archive cannot be used. It
    `is_set` if settings say how to read its logs.
    """

    path: Path
    format: Format | None
    files: tuple[Path, ...]
    unknown: tuple[Path, ...]
    unpacked: Unpacked | Gathered | None = None
    folder: Path | None = None
    problem: str = ""
    is_set: bool = False

    @property
    def is_logged(self) -> bool:
        """Whether there are logs, or files that seem to be logs, and not metrics alone."""
        return self.format is not None or not self.has_metrics

    @property
    def is_run(self) -> bool:
        return self.format is not None or self.has_metrics

    @property
    def has_metrics(self) -> bool:
        """Whether the run has been evaluated, and its metrics lie in the folder."""
        return not self.unpacked and is_regular(self.path / METRICS)

    def load(self) -> list[Run]:
        """Load the run, or the executions if there are several; InputError if there is none."""
        if self.folder is None:
            return self._loaded(self.path)
        try:
            runs = self._loaded(self.folder)
        except InputError as error:
            raise InputError(str(error).replace(str(self.folder), str(self.path))) from None
        here, name = name_of(self.folder), name_of(self.path)
        return [renamed(run, f"{name}{run.name.removeprefix(here)}") for run in runs]

    def _loaded(self, folder: Path) -> list[Run]:
        try:
            format_ = self.usable_format()
            most = MAX_OWN_BYTES if format_ is own else MAX_TEXT_BYTES
            if sum(map(texts.size, self.files)) > most:
                raise InputError(f"{folder}: its logs have more than {most:,} bytes together")
            runs = format_.load(folder, self.files)
        except OSError as error:
            raise _unreadable(folder, error) from None
        except UnicodeEncodeError as error:
            raise InputError(f"{folder}: a name that is not text: {error}") from None
        # Of several executions only the first, which is printed first, lists the unknown files.
        files = self.unread()
        return [replace(runs[0], unknown_files=files), *runs[1:]] if files else runs

    def unread(self) -> tuple[tuple[str, str], ...]:
        """Return the names of the unknown files, each with the reason why it is not read."""
        return tuple((escaped(one.name), why_not(one, texts.head(one))) for one in self.unknown)

    def usable_format(self) -> Format:
        """Return the format; InputError if there is none, or for a single log of a run of ours."""
        if self.problem:
            raise InputError(self.problem)
        if self.path.is_file() and self.format is own and not self.unpacked:
            raise InputError(
                f"{self.path} is a file: give the directory of the run that it belongs to"
            )
        if self.format and self.is_set and not can_be_set(self.format):
            problem = "of this format no field can be set; delimited and described logs have some"
            raise InputError(f"{self.path}: --set: {problem}")
        if self.format:
            return self.format
        if self.path.is_file() and not self.unpacked:
            raise InputError(
                f"{self.path} is a file that was not recognised as a log: give the directory of a"
                " run, or the format of the log with --format"
            )
        if not self.unknown:
            if self.has_metrics:
                raise InputError(f"{self.path} holds only the metrics of a run, no logs")
            raise InputError(f"{self.path} is no run: it directly holds no logs")
        named = [file.name for file in self.unknown[:MAX_FILES_NAMED]]
        more = len(self.unknown) - len(named)
        rest = f" and {more} more" if more else ""
        one = self.unknown[0]
        unread = f"its files {', '.join(named)}{rest} were not recognised as logs"
        if len(self.unknown) == 1:
            unread = f"its file {named[0]} was not recognised as a log"
        raise InputError(
            f"{self.path} is no run: {unread}."
            f" {escaped(one.name)}: {why_not(one, texts.head(one))}. {REMEDY}"
        )


def find_runs(
    paths: Iterable[Path], format_name: str = "", settings: Mapping[str, Any] | None = None
) -> list[Source]:
    """Find the runs among and below the paths, each once, in natural order.

    A run is a directory that directly holds logs, or metrics without logs; or a file given as a
    path, in a format with all machines in one log. A folder with files that seem to be logs of an
    unknown format is a source, too, unless folders below hold runs. The search skips links, names
    with a leading dot, folders called `failed` below the paths, and folders deeper than MAX_DEPTH.
    InputError if a path does not exist, or if the only path has no run below it; of several paths,
    such a path is a source that cannot be loaded. `settings` are fields of a description by name.
    """
    formats = formats_of(format_name, settings or {})
    paths, found, room = list(paths), dict[Path, Source](), Room()
    for path in paths:
        below = sources_below(path, formats, count(1), room)
        if len(paths) == 1:
            check_usable(path, below)
        if settings:
            below = [replace(source, is_set=True) for source in below]
        below = below or [Source(path, None, (), ())]
        found |= {source.path.resolve(): source for source in below}
    return [source for _, source in sorted(found.items(), key=lambda one: path_order(one[0]))]


def sources_below(
    path: Path, formats: Sequence[Format], numbers: Iterator[int], room: Room
) -> list[Source]:
    """Return the runs at and below a path, as `find_runs`, but none is no error.

    `numbers` count the names that are searched, up to MAX_NAMES.
    """
    try:
        return list(_sources_below(_there(path), formats, numbers, room))
    except OSError as error:
        raise _unreadable(path, error) from None


def check_usable(path: Path, below: list[Source]) -> None:
    """Raise InputError unless one of the sources below a path can be loaded."""
    if not below:
        raise InputError(f"{path} holds no run: no logs were found there or in folders below")
    if (path.is_file() and not is_archive(path)) or not any(source.is_run for source in below):
        below[0].usable_format()


def load(path: Path, format_name: str = "") -> Run:
    """Load the run of a directory or a log; InputError if it holds none or more than one.

    `format_name` is a key of FORMATS, the path of a description of a format, or "" to decide by
    the content.
    """
    runs = source_of(path, format_name).load()
    if len(runs) > 1:
        raise InputError(f"{path} holds {len(runs)} executions, not one; --format takes all")
    return runs[0]


def source_of(path: Path, format_name: str = "") -> Source:
    """Find the format of a log, or of a directory's logs: the first that knows one of the files."""
    return source_among(path, formats_of(format_name, {}), count(1))


def source_among(path: Path, formats: Sequence[Format], numbers: Iterator[int]) -> Source:
    """Find the format of a log, or of a directory's logs, among some formats."""
    try:
        return _source(path, formats, numbers)
    except OSError as error:
        raise _unreadable(path, error) from None


def _source(path: Path, formats: Sequence[Format], numbers: Iterator[int]) -> Source:
    found = _directly_in(path, formats, numbers)
    if found.is_run or path.is_file():
        return found
    return _in_folders_of_machines(path, formats) or found


def _in_folders_of_machines(path: Path, formats: Sequence[Format]) -> Source | None:
    """Return the run whose machines have a folder each, None if the folders are something else.

    Their logs are read together, before each alone: the log of one machine can look like a run.
    """
    folders = [one for one in path.iterdir() if one.is_dir() and not one.is_symlink()]
    called = called_as_machines([folder.name for folder in folders])
    by_word = len(called) > 1
    if by_word:
        folders = [folder for folder in folders if folder.name in called]
    logs = _logs_by_folder(folders) if len(folders) <= MAX_TOGETHER else {}
    # Without a word for machines, only logs that explain each other are those of one run.
    if len(logs) < 2 or not (by_word or all(len(some) == 1 for some in logs.values())):
        return None
    gathered = Gathered(path, [file for some in logs.values() for file in some])
    found = _directly_in(gathered.folder, formats, count(1))
    used = {file.name.partition(":")[0] for file in found.files}
    is_sure = by_word or isinstance(found.format, RecognisedFormat)
    if not (found.is_run and is_sure and used == {folder.name for folder in logs}):
        return None
    return replace(found, path=path, folder=gathered.folder, unpacked=gathered)


def _logs_by_folder(folders: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the files that seem to be logs of other programs, by folder; none if they are big."""
    logs: dict[Path, list[Path]] = {}
    for folder in sorted(folders):
        if folder.name[0] == "." or folder.name == FAILED:
            continue
        heads = {file: texts.head(file) for file in _files(_innermost(folder), count(1))}
        if any(map(own.knows, heads.values())):
            return {}
        if some := [file for file, head in heads.items() if _seems_a_log(file, head)]:
            logs[folder] = some
    size = sum(texts.size(file) for some in logs.values() for file in some)
    return logs if size <= MAX_TEXT_BYTES else {}


def _innermost(folder: Path) -> Path:
    """Return the first folder in a chain of folders that holds more than another folder."""
    for _ in range(MAX_DEPTH):
        within = [one for one in folder.iterdir() if one.name[0] != "."]
        if len(within) != 1 or within[0].is_symlink() or not within[0].is_dir():
            break
        folder = within[0]
    return folder


def _directly_in(path: Path, formats: Sequence[Format], numbers: Iterator[int]) -> Source:
    known: dict[Path, int] = {}
    unknown, heads = [], dict[Path, str]()
    there = _files(path, numbers)
    for file in there:
        head = texts.head(file)
        number = next((n for n, one in enumerate(formats) if _knows(one, file, head)), None)
        heads[file] = head
        if number is not None:
            known[file] = number
        elif _seems_a_log(file, head):
            unknown.append(file)
    if not known and not unknown:
        unknown = [file for file in there if _may_be_a_log(file, heads[file])]
    alone = len(known) == 1
    is_sure = any(_is_sure(formats[n], heads[file], alone) for file, n in known.items())
    first = min(known.values(), default=0)
    files = tuple(file for file, number in known.items() if number == first)
    own_doubts = _doubts(formats[first], path, files) if known else UNREADABLE
    if not is_sure or own_doubts:
        exports = {file for file, number in known.items() if formats[number] is table}
        # Neither an export beside logs is read, nor what an earlier check or report wrote.
        candidates = [
            file
            for file, head in heads.items()
            if file not in exports and not _is_output(file) and not TRACE.match(head)
        ]
        found = _recognised(path, candidates, unknown, formats)
        if not known or (found.format and _is_better(found, own_doubts, is_sure)):
            return found
    others = [file for file, n in known.items() if n != first and formats[n] is not table]
    unread = sorted([*unknown, *others])
    return Source(path, formats[first], files, () if formats[first] is own else tuple(unread))


def _doubts(format_: Format, path: Path, files: Sequence[Path]) -> float:
    """Return what a format leaves unexplained that other formats may explain; 0 if none may."""
    is_claim = isinstance(format_, delimited.Delimited) or format_ is delimited
    if not is_claim or sum(map(texts.size, files)) > MAX_TRIED_BYTES:
        return 0
    return doubts(format_, path, files)


def _is_better(found: Source, own_doubts: float, is_sure: bool) -> bool:
    """Return whether logs are recognised better than a format reads them that claims them."""
    assert found.format
    its = doubts(found.format, found.path, found.files)
    # A question that is open is better than a reading that leaves violations.
    if its == UNREADABLE or not own_doubts:
        return own_doubts > 0 or not is_sure
    return its < own_doubts or (its == own_doubts and not is_sure)


def _is_sure(format_: Format, head: str, is_alone: bool) -> bool:
    """Return whether a format that knows a file reads it best, and not an export beside logs."""
    if isinstance(format_, delimited.Delimited) or format_ is delimited:
        return delimited.is_sure(head, is_alone)
    return format_ is not table


def _recognised(
    path: Path, files: Sequence[Path], unknown: Sequence[Path], formats: Sequence[Format]
) -> Source:
    """Return the source of files that no format knows: by their content, or not at all."""
    tries = (one.among(files) for one in formats if isinstance(one, Recogniser))
    found = next(tries, None)
    if found is None:
        return Source(path, None, (), tuple(unknown))
    used = tuple(file for file in files if file.name in found.files)
    return Source(path, found, used, tuple(file for file in unknown if file not in used))


def _knows(format_: Format, file: Path, head: str) -> bool:
    """Return whether a format knows a file; one that was asked for looks beyond its beginning."""
    if isinstance(format_, described.Described):
        return format_.knows_file(file, head)
    return format_.knows(head)


def _files(path: Path, numbers: Iterator[int]) -> list[Path]:
    """Return the regular files directly in a directory, or the one file.

    Archives and names with a leading dot, as those of unfinished runs, are skipped. `numbers`
    count the names; InputError if they are too many.
    """
    if path.is_file():
        return [path.resolve()]
    files = []
    for file in path.iterdir():
        if next(numbers) > MAX_NAMES:
            raise InputError(
                f"{path}: more than {MAX_NAMES:,} files and folders were searched up to here:"
                " give the folders of the runs"
            )
        if file.name[0] != "." and is_regular(file) and not is_archive(file):
            files.append(file)
    return sorted(files)


def _is_output(file: Path) -> bool:
    return file.name.endswith((*OWN_JSON, SUMMARY))


def _seems_a_log(file: Path, head: str) -> bool:
    if seems_json(file, head):
        return not _is_output(file)
    named = texts.unpacked_name(file)
    if named.suffix.lower() not in LOG_SUFFIXES or named.name.lower() in NO_LOGS:
        return False
    if not head and texts.unreadable(file):
        return True
    return _has_events(head)


def _may_be_a_log(file: Path, head: str) -> bool:
    """Return whether a file without a suffix seems to be a log, where no other file does."""
    return not file.suffix.strip(DIGITS) and "\0" not in head and _has_events(head)


def _has_events(head: str) -> bool:
    """Return whether most lines have digits beside other text."""
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    # A list of numbers, as of the lengths of a queue, has no events.
    events = sum(any(map(str.isdigit, line)) and not NUMBER.fullmatch(line) for line in lines)
    return 2 * events > len(lines)


def _there(path: Path) -> Path:
    try:
        path.stat()
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: give a run directory, or a folder of runs"
        ) from None
    return path


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{error.filename or path} cannot be read: {error.strerror}")


def _sources_below(
    path: Path, formats: Sequence[Format], numbers: Iterator[int], room: Room, depth: int = 0
) -> Iterator[Source]:
    if is_archive(path):
        yield from _sources_in(path, formats, numbers, room, depth)
        return
    source = _source(path, formats, numbers)
    if source.is_run or path.is_file():
        yield source
        return
    below = list[Source]()
    if depth < MAX_DEPTH:
        for folder in [p for p in path.iterdir() if not p.is_symlink() and p.is_dir()]:
            if not folder.name.startswith(".") and folder.name != FAILED:
                below += _sources_below(folder, formats, numbers, room, depth + 1)
        archives = [file for file in sorted(path.iterdir()) if is_archive(file)]
        packed = [
            source
            for archive in archives
            if not archive.name.startswith(".")
            for source in _sources_in(archive, formats, numbers, room, depth + 1)
        ]
        # Beside logs in folders, archives without logs hold the program.
        below += packed if any(source.is_run for source in packed) or not below else []
    if source.unknown and not below:
        yield source
    yield from below


def _sources_in(
    archive: Path, formats: Sequence[Format], numbers: Iterator[int], room: Room, depth: int
) -> Iterator[Source]:
    """Yield the sources in an archive, with paths beside it; at least one, with the problem."""
    try:
        unpacked = Unpacked(archive, room)
    except InputError as error:
        yield Source(archive, None, (), (), problem=str(error))
        return
    there = unpacked.folder
    found = list(_sources_below(there, formats, numbers, room, depth))
    for source in found:
        path = archive.with_name(":".join([archive.name, *source.path.relative_to(there).parts]))
        yield replace(
            source,
            path=path,
            folder=source.folder or source.path,
            unpacked=source.unpacked or unpacked,
            problem=source.problem.replace(str(there), str(archive)),
        )
    if not found:
        yield Source(archive, None, (), (), problem=f"{archive}: no logs were found in it")


def path_order(path: Path) -> list[list[tuple[int, str]]]:
    """Return the key of the natural order of paths: run2 before run10."""
    return [natural_order(part) for part in path.parts]
