"""Run directories and foreign logs in, `Run` values with the events table out."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis import jsonl
from analysis.history import SCHEMA, Damage, Format, InputError, Run, known_files
from analysis.importers import IMPORTERS
from vm.spec import natural_order

__all__ = ["FORMATS", "SCHEMA", "Damage", "InputError", "Run", "find_runs", "is_logged", "load"]

#: Of a run that was measured at once, its figures; there may be no logs of it.
FIGURES = "metrics.json"
#: Where runs are that did not finish: looked into only if pointed at.
FAILED = "failed"


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """The run directories among and below the paths, each once, in natural order.

    A run directory directly holds logs, or figures without logs. Not looked into are folders
    whose names begin with a dot, and those called `failed` below the paths.
    InputError if a path does not exist or has no run below it.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            below = list(_runs_below(_folder(path)))
        except OSError as error:
            raise _unreadable(path, error) from None
        if not below:
            raise InputError(f"{path} holds no run: no logs were found there or in folders below")
        found |= {run.resolve(): run for run in below}
    return [run for _, run in sorted(found.items(), key=lambda run: _order(run[0]))]


def load(path: Path) -> Run:
    """The run that a directory holds; InputError if it holds none or more than one."""
    try:
        format_name = _format(path)
        if format_name is None:
            raise InputError(f"{path} is no run: it directly holds no logs")
        return FORMATS[format_name].load(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _folder(path: Path) -> Path:
    try:
        path.stat()
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: give a run directory, or a folder of runs"
        ) from None
    if not path.is_dir():
        raise InputError(f"{path} is a file: give the directory of the run that it belongs to")
    return path


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{error.filename or path} cannot be read: {error.strerror}")


def is_logged(path: Path) -> bool:
    """Whether a run's directory holds logs, and not its figures alone."""
    return _format(path) is not None


def _runs_below(path: Path) -> Iterator[Path]:
    if (path / FIGURES).exists() or _format(path):
        yield path
        return
    for folder in [p for p in path.iterdir() if p.is_dir() and not p.is_symlink()]:
        if not folder.name.startswith(".") and folder.name != FAILED:
            yield from _runs_below(folder)


def _format(directory: Path) -> str | None:
    for name, format_ in FORMATS.items():
        if known_files(directory, format_.knows):
            return name
    return None


def _order(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(part) for part in path.parts]


#: How logs are read, by the format's name; the first that knows a file of a directory reads it.
FORMATS: dict[str, Format] = {jsonl.NAME: jsonl, **IMPORTERS}
