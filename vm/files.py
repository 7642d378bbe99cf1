"""The directory of a run: the names of its files, their JSON, and how they are read and written.

`docs/files.md` describes each file. A file or directory is written under a temporary name beside
its own and renamed when it is complete, so it is complete whenever it has its own name. Directories
are not trusted: only regular files in them are read, and nothing is written through a link.
"""

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from errno import EFBIG, EINVAL, ELOOP
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vm import __version__
from vm.log import FORMAT, LogError, decode
from vm.quoting import escaped, input_problem
from vm.records import Start

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

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
#: The folder of an experiment's failed runs; it is read only if its path is given.
FAILED = "failed"
# In the folder of all experiments.
INDEX = "index.html"
#: A longer JSON file is refused; the largest, of an experiment, holds a spec for each point.
MAX_JSON_BYTES = 16 << 20
#: A longer line of a log is refused; vector timestamps have a number for each machine.
MAX_LINE_BYTES = 1 << 20

MachineResult = Literal["finished", "terminated", "killed", "failed"]
RunResult = Literal["finished", "failed", "interrupted"]


@dataclass(frozen=True)
class MachineOutcome:
    """The end of one machine; `exit_code` is None if it never ran, or was not observed."""

    outcome: MachineResult
    exit_code: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True)
class RunFile:
    """The contents of run.json.

    `versions` lists the software that the run used besides vklocks. A run in virtual time has
    no `wall` times, so that equal runs have equal files.
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
    """Return the path of a file about a run: in its directory, or beside its single log file.

    If a log holds several executions, the file's name contains the name of the execution.
    """
    name = f"{name_of(home)}#"
    execution = run.removeprefix(name) if run.startswith(name) else ""
    if home.is_dir():
        return home / (f"{execution}.{file}" if execution else file)
    return home.with_name(f"{home.name}{'#' * bool(execution)}{execution}.{file}")


def log_path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}{LOG_SUFFIX}"


def transcript_path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}{TRANSCRIPT_SUFFIX}"


def logs_in(directory: Path) -> list[Path]:
    """Return the logs directly in a directory, except unfinished ones, which begin with a dot."""
    logs = directory.glob(f"*{LOG_SUFFIX}")
    return sorted(path for path in logs if path.name[0] != "." and is_regular(path))


def start_in(log: Path) -> Start | None:
    """Return the start record of a log; None if it cannot be read, or has none."""
    try:
        with open_regular(log) as file:
            record = decode(file.readline(MAX_LINE_BYTES).decode())
    except (OSError, LogError, UnicodeDecodeError, RecursionError):
        return None
    return record if isinstance(record, Start) else None


def name_of(path: Path) -> str:
    """Return the name of a file or directory as printable text, even if it is not UTF-8."""
    return escaped(path.resolve().name)


def is_regular(path: Path) -> bool:
    """Return whether a path is itself a regular file: no link, directory, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; OSError for anything else, including a link to one."""
    if path.is_symlink():
        raise OSError(ELOOP, "it is a link", str(path))
    # Not blocking: opening a pipe would block before it is recognised.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return os.fdopen(file, "rb")
    os.close(file)
    raise OSError(EINVAL, "it is no regular file", str(path))


def read_bytes(path: Path, most: int) -> bytes:
    """Return the contents of a regular file; OSError if it is none, or has over `most` bytes."""
    with open_regular(path) as file:
        # A buffer of `most` bytes would be copied. More may be there than a pseudo-file reports.
        size = os.fstat(file.fileno()).st_size
        content = file.read(min(size, most) + 1)
        if len(content) > size:
            content += file.read(most + 1 - len(content))
    if len(content) > most:
        raise OSError(EFBIG, f"it is longer than {most:,} bytes", str(path))
    return content


def parse_json(path: Path) -> Any:
    """Return the value in a JSON file; OSError or ValueError with the reason."""
    try:
        return json.loads(read_bytes(path, MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise ValueError(input_problem(error)) from None


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None if it is missing, unreadable or not an object."""
    try:
        plain = parse_json(path)
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON; OSError if that fails."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> Path:
    """Write a file that appears when it is complete; return its path. OSError if that fails.

    A lone surrogate, which a message can quote, is written as its escape sequence.
    """
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def make_folder(path: Path) -> None:
    """Make a directory unless it exists; OSError for a link to one, which leads elsewhere."""
    path.mkdir(exist_ok=True)
    if path.is_symlink():
        raise OSError(ELOOP, "it is a link", str(path))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a new file to write to, which becomes `path` in the end, or is removed after an error.

    Errors in writing name the path, as errors in opening do.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    # A file or link of this name was left by an earlier process of the same id, or is a trap.
    partial.unlink(missing_ok=True)
    partial.touch(exist_ok=False)
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
    """Yield a new directory `.<name><tag>` to fill and rename; remove it if it is not renamed.

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
    """Rename a directory to the first free path; return that path.

    If no path is free, the directory keeps its name and the last path is returned.
    """
    path = partial
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        try:
            return partial.rename(path)
        except OSError:
            # Expected only for a path that a non-empty directory has.
            if not path.exists():
                raise
    return path


class _Lasting(FileIO):
    """A stream whose output is discarded once its reader has ended."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Let the process continue if a reader of its output ends, such as `head`.

    A run then ends in order, with its report, and the exit code is that of the command.
    """
    for name, number in {"stdout": 1, "stderr": 2}.items():
        stream = getattr(sys, name)
        if stream is not None:
            setattr(
                sys,
                name,
                TextIOWrapper(
                    BufferedWriter(_Lasting(number, "w", closefd=False)),
                    encoding=stream.encoding,
                    errors=stream.errors,
                    # A process can end at once after an error message.
                    line_buffering=stream.line_buffering or name == "stderr",
                ),
            )
