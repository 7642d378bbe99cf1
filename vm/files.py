"""The directory of a run: the names of its files, their JSON, and how they are written.

`docs/files.md` describes each file. A file or directory is written under a temporary name beside
its own and renamed when it is whole, so that what has its name is whole at any instant.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vm import __version__
from vm.log import FORMAT

# In the directory of a run.
LOG_SUFFIX = ".jsonl"
TRANSCRIPT_SUFFIX = ".out"
SPEC = "spec.json"
RUN = "run.json"
METRICS = "metrics.json"
VERDICT = "verdict.json"
REPORT = "report.html"
CHARTS = "charts"
# In the folder of an experiment.
EXPERIMENT = "experiment.json"
EXPERIMENT_COPY = "experiment.toml"
SUMMARY = "summary.csv"
#: Where an experiment keeps failed runs; readers look into it only if it is given.
FAILED = "failed"
# In the folder of all experiments.
INDEX = "index.html"

MachineResult = Literal["finished", "terminated", "killed", "failed"]
RunResult = Literal["finished", "failed", "interrupted"]


@dataclass(frozen=True)
class MachineOutcome:
    """How one machine ended; `exit_code` is None if it never ran, or was not observed."""

    outcome: MachineResult
    exit_code: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True)
class RunFile:
    """The contents of run.json.

    `versions` is the software that the run used beside vklocks. A run in virtual time has no
    `wall` times, so that equal runs have equal files.
    """

    run: str
    backend: str
    seed: int
    outcome: RunResult
    machines: Mapping[str, MachineOutcome]
    problem: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    wall: Mapping[str, Any] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Write run.json; OSError if the directory cannot be written."""
        plain = asdict(self)
        wall, versions = plain.pop("wall"), {"vklocks": __version__, **self.versions}
        write_json(directory / RUN, {"format": FORMAT, **plain, "versions": versions, **wall})


def file_of_run(home: Path, file: str, run: str) -> Path:
    """Return the path of a file about a run: in its directory, or beside a log of its own.

    The name of one of several executions of a log is a part of the file's name.
    """
    name = f"{home.resolve().name}#"
    execution = run.removeprefix(name) if run.startswith(name) else ""
    if home.is_dir():
        return home / (f"{execution}.{file}" if execution else file)
    return home.with_name(f"{home.name}{'#' * bool(execution)}{execution}.{file}")


def log_path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}{LOG_SUFFIX}"


def transcript_path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}{TRANSCRIPT_SUFFIX}"


def logs_in(directory: Path) -> list[Path]:
    """Return the logs directly in a directory, without unfinished ones: their names have a dot."""
    return sorted(path for path in directory.glob(f"*{LOG_SUFFIX}") if path.name[0] != ".")


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object that a JSON file holds; None if it is missing or not a whole object."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON; OSError if that fails."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> Path:
    """Write a file that appears when it is whole; returns its path. OSError if that fails."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` in the end, or disappears after an error.

    An error of the writing names the path, as those of the opening do.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_directory(folder: Path, name: str, tag: str = "") -> Iterator[Path]:
    """A fresh directory `.<name><tag>`, to be filled and renamed; it disappears if it is not.

    OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}{tag}"
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def rename_to_free(partial: Path, paths: Iterable[Path]) -> Path:
    """Rename a directory to the first free path, and return that.

    If none is free the directory stays as it is, and the last path is returned.
    """
    path = partial
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        try:
            return partial.rename(path)
        except OSError:
            # A path that another directory has, unless that is empty, is why a rename fails.
            if not path.exists():
                raise
    return path
