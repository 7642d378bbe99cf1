"""Logs found in folders, each with its format, and loaded as `Run` values.

A folder is searched once: `find_runs` returns sources, which hold the files that were found, and
are loaded without another search.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from analysis.history.run import HEAD_BYTES, Format, InputError, Run
from analysis.logs import own
from analysis.logs.importers import IMPORTERS, described
from analysis.logs.limits import MAX_DEPTH, MAX_NAMES, MAX_OWN_BYTES, MAX_TEXT_BYTES
from vm.files import FAILED, METRICS, is_regular, open_regular
from vm.quoting import escaped
from vm.spec import natural_order, suggestion

#: A file of unknown format seems to be a log if it has such a suffix, and digits in most lines.
LOG_SUFFIXES = (".log", ".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".trace")
NO_LOGS = ("requirements.txt", "cmakelists.txt")
MAX_FILES_NAMED = 5


@dataclass(frozen=True)
class Source:
    """A folder or a file with logs of one format: of one run, or of several executions.

    `format` is None if no format knows any of the files. `unknown` are other files that seem to
    be logs; it is empty beside logs of vklocks machines, since their exports lie there.
    """

    path: Path
    format: Format | None
    files: tuple[Path, ...]
    unknown: tuple[Path, ...]

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
        return is_regular(self.path / METRICS)

    def load(self) -> list[Run]:
        """Load the run, or the executions if there are several; InputError if there is none."""
        try:
            format_ = self.usable_format()
            most = MAX_OWN_BYTES if format_ is own else MAX_TEXT_BYTES
            if sum(file.stat().st_size for file in self.files) > most:
                raise InputError(f"{self.path}: its logs have more than {most:,} bytes together")
            runs = format_.load(self.path, self.files)
        except OSError as error:
            raise _unreadable(self.path, error) from None
        except UnicodeEncodeError as error:
            raise InputError(f"{self.path}: a name that is not text: {error}") from None
        # Of several executions only the first, which is printed first, lists the unknown files.
        names = tuple(escaped(file.name) for file in self.unknown)
        return [replace(runs[0], unknown_files=names), *runs[1:]] if names else runs

    def usable_format(self) -> Format:
        """Return the format; InputError if there is none, or for a single log of a run of ours."""
        if self.path.is_file() and self.format is own:
            raise InputError(
                f"{self.path} is a file: give the directory of the run that it belongs to"
            )
        if self.format:
            return self.format
        if self.path.is_file():
            raise InputError(
                f"{self.path} is a file that was not recognised as a log: give the directory of a"
                " run, or the format of the log with --format"
            )
        if not self.unknown:
            raise InputError(f"{self.path} is no run: it directly holds no logs")
        named = [file.name for file in self.unknown[:MAX_FILES_NAMED]]
        more = len(self.unknown) - len(named)
        rest = f" and {more} more" if more else ""
        raise InputError(
            f"{self.path} is no run: its files {', '.join(named)}{rest} were not recognised as logs"
        )


def find_runs(paths: Iterable[Path], format_name: str = "") -> list[Source]:
    """Find the runs among and below the paths, each once, in natural order.

    A run is a directory that directly holds logs, or metrics without logs; or a file given as a
    path, in a format with all machines in one log. A folder with files that seem to be logs of an
    unknown format is a source, too, unless folders below hold runs. The search skips links, names
    with a leading dot, folders called `failed` below the paths, and folders deeper than MAX_DEPTH.
    InputError if a path does not exist, or if the only path has no run below it; of several paths,
    such a path is a source that cannot be loaded.
    """
    paths, found = list(paths), dict[Path, Source]()
    for path in paths:
        try:
            below = list(_sources_below(_there(path), format_name, count(1)))
        except OSError as error:
            raise _unreadable(path, error) from None
        if len(paths) == 1:
            _check_usable(path, below)
        below = below or [Source(path, None, (), ())]
        found |= {source.path.resolve(): source for source in below}
    return [source for _, source in sorted(found.items(), key=lambda one: _order(one[0]))]


def _check_usable(path: Path, below: list[Source]) -> None:
    """Raise InputError unless one of the sources below a path can be loaded."""
    if not below:
        raise InputError(f"{path} holds no run: no logs were found there or in folders below")
    if path.is_file() or not any(source.is_run for source in below):
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
    try:
        return _source(path, format_name, count(1))
    except OSError as error:
        raise _unreadable(path, error) from None


def _source(path: Path, format_name: str, numbers: Iterator[int]) -> Source:
    formats = [_named(format_name)] if format_name else list(FORMATS.values())
    known: dict[Path, int] = {}
    unknown = []
    for file in _files(path, numbers):
        head = _head(file)
        number = next((n for n, format_ in enumerate(formats) if format_.knows(head)), None)
        if number is not None:
            known[file] = number
        elif _seems_a_log(file, head):
            unknown.append(file)
    if not known:
        return Source(path, None, (), tuple(unknown))
    first = min(known.values())
    files = tuple(file for file, number in known.items() if number == first)
    unread = sorted([*unknown, *(file for file in known if file not in files)])
    return Source(path, formats[first], files, () if formats[first] is own else tuple(unread))


def _files(path: Path, numbers: Iterator[int]) -> list[Path]:
    """Return the regular files directly in a directory, or the one file.

    Names with a leading dot, as those of unfinished runs, are skipped. `numbers` count the names;
    InputError if they are too many.
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
        if file.name[0] != "." and is_regular(file):
            files.append(file)
    return sorted(files)


def _head(path: Path) -> str:
    # Virtual files of the kernel have size 0, and may have no end.
    if not path.stat().st_size:
        return ""
    with open_regular(path) as file:
        return file.read(HEAD_BYTES).decode(errors="replace")


def _seems_a_log(file: Path, head: str) -> bool:
    if file.suffix.lower() not in LOG_SUFFIXES or file.name.lower() in NO_LOGS:
        return False
    lines = [line for line in head.splitlines() if line.strip()]
    return 2 * sum(any(map(str.isdigit, line)) for line in lines) > len(lines)


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
    path: Path, format_name: str, numbers: Iterator[int], depth: int = 0
) -> Iterator[Source]:
    source = _source(path, format_name, numbers)
    if source.is_run or path.is_file():
        yield source
        return
    below = list[Source]()
    if depth < MAX_DEPTH:
        for folder in [p for p in path.iterdir() if not p.is_symlink() and p.is_dir()]:
            if not folder.name.startswith(".") and folder.name != FAILED:
                below += _sources_below(folder, format_name, numbers, depth + 1)
    if source.unknown and not below:
        yield source
    yield from below


def _named(name: str) -> Format:
    if name in FORMATS:
        return FORMATS[name]
    if name.endswith(described.SUFFIX):
        return described.read(Path(name))
    raise InputError(
        f"there is no format {name!r}{suggestion(name, FORMATS)}; or give a description of it,"
        f" a file that ends in {described.SUFFIX}"
    )


def _order(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(part) for part in path.parts]


#: How logs are read, by the format's name; the first that knows a file of a directory reads it.
FORMATS: dict[str, Format] = {own.NAME: own, **IMPORTERS}
