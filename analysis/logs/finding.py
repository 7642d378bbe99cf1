"""Run directories and foreign logs in, `Run` values with the events table out."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.history.run import SCHEMA, Damage, Format, InputError, Run, known_files
from analysis.logs import own
from analysis.logs.importers import IMPORTERS, described
from vm.spec import natural_order, suggestion

__all__ = [
    "FORMATS",
    "SCHEMA",
    "Damage",
    "InputError",
    "Run",
    "find_runs",
    "is_logged",
    "load",
    "load_all",
]

#: Of a run that was measured at once, its figures; there may be no logs of it.
FIGURES = "metrics.json"
#: Where runs are that did not finish: looked into only if pointed at.
FAILED = "failed"


def find_runs(paths: Iterable[Path], format_name: str = "") -> list[Path]:
    """The runs among and below the paths, each once, in natural order.

    A run is a directory that directly holds logs, or figures without logs, or, if given by
    itself, one log of a format that has all machines in one. Not looked into are folders whose
    names begin with a dot, and those called `failed` below the paths. InputError if a path does
    not exist or has no run below it.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            below = list(_runs_below(_there(path, format_name), format_name))
        except OSError as error:
            raise _unreadable(path, error) from None
        if not below:
            raise InputError(f"{path} holds no run: no logs were found there or in folders below")
        found |= {run.resolve(): run for run in below}
    return [run for _, run in sorted(found.items(), key=lambda run: _order(run[0]))]


def load_all(path: Path, format_name: str = "") -> list[Run]:
    """The runs that a directory or a log holds: one, or several executions if its format has them.

    `format_name` is a key of FORMATS or the path of a description of a format, and "" if the
    content is to tell. InputError if there is no run.
    """
    try:
        return _usable(path, format_name).load(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def load(path: Path, format_name: str = "") -> Run:
    """The run that a directory or a log holds; InputError if it holds none or more than one."""
    runs = load_all(path, format_name)
    if len(runs) > 1:
        raise InputError(f"{path} holds {len(runs)} executions, not one; --format takes all")
    return runs[0]


def _usable(path: Path, format_name: str) -> Format:
    """The format of a run; InputError if there is none, or only a part of one."""
    format_ = _format(path, format_name)
    if path.is_file() and format_ in (None, own):
        raise InputError(f"{path} is a file: give the directory of the run that it belongs to")
    if format_ is None:
        raise InputError(f"{path} is no run: it directly holds no logs")
    return format_


def _there(path: Path, format_name: str) -> Path:
    try:
        path.stat()
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: give a run directory, or a folder of runs"
        ) from None
    if not path.is_dir():
        _usable(path, format_name)
    return path


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{error.filename or path} cannot be read: {error.strerror}")


def is_logged(path: Path, format_name: str = "") -> bool:
    """Whether a run's directory holds logs, and not its figures alone; or a file is a log."""
    return _format(path, format_name) is not None


def _runs_below(path: Path, format_name: str) -> Iterator[Path]:
    if (path / FIGURES).exists() or _format(path, format_name):
        yield path
        return
    for folder in [p for p in path.iterdir() if p.is_dir() and not p.is_symlink()]:
        if not folder.name.startswith(".") and folder.name != FAILED:
            yield from _runs_below(folder, format_name)


def _format(path: Path, format_name: str) -> Format | None:
    """The format of the logs in a directory, or of a log; the first one that knows it."""
    formats = [_named(format_name)] if format_name else FORMATS.values()
    return next((format_ for format_ in formats if known_files(path, format_.knows)), None)


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
