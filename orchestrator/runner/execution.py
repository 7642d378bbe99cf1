"""The execution of one run by a backend, into a directory that is complete or absent.

A directory is filled under a temporary name that holds its owner, and renamed when it is complete.
So a directory with a run's name is always complete, and if two processes execute the same run, only
the first rename succeeds: the second finds the name taken.
"""

import platform
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from orchestrator import owner
from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import BackendRun, Report
from orchestrator.backends.outcome import PHASES, RunOutcome
from vm.files import (
    FAILED,
    SPEC,
    RunFile,
    RunResult,
    rename_to_free,
    whole_directory,
    write_json,
    write_text,
)
from vm.log import plain_offsets
from vm.spec import Spec

#: More than the size of run.json for 200 machines.
RESERVED_BYTES = 128 * 1024


@dataclass(frozen=True)
class PlannedRun:
    """A run to execute. A `resumable` one has its directory only once it has finished."""

    name: str
    spec: Spec
    backend: str
    folder: Path
    resumable: bool


@dataclass(frozen=True)
class ExecutedRun:
    """A run that has been executed. `problem` gives the reason if it is not `finished`.

    `is_violated` is true if the checks were evaluated during the execution, and one is violated.
    """

    name: str
    directory: Path
    result: RunResult
    problem: str
    phases_s: dict[str, float]
    is_violated: bool = False

    @property
    def trouble(self) -> str:
        """Result and problem, as in `failed: vm1 was killed`, or "" if it finished."""
        known = self.problem in ("", self.result)
        return self.problem if known else f"{self.result}: {self.problem}"


@dataclass
class Batch:
    """The executed runs of several planned ones; `problems` are those of the environment."""

    runs: list[ExecutedRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: The signal that interrupted them, or 0.
    interrupted: int = 0


def fresh_names(folder: Path, specs: Iterable[Spec]) -> list[str]:
    """Return a name for each spec, from the time and the seed, that is free in the folder."""
    now = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    taken = {path.name.lstrip(".").partition("@")[0] for path in folder.iterdir()}
    names: list[str] = []
    for spec in specs:
        names.append(next(n for n in _numbered(f"{now}-seed{spec.seed}") if n not in taken))
        taken.add(names[-1])
    return names


def execute(run: BackendRun, planned: PlannedRun, report: Report) -> ExecutedRun:
    """Execute a run and rename its complete directory into place.

    Raise EnvironmentProblem if the backend lacks something, OSError if the disk is full,
    InterruptedBeforeStart if the run was interrupted before its machines started. Then no
    directory is left.
    """
    outcome, begun_unix_ns = RunOutcome(), time.time_ns()
    with whole_directory(planned.folder, planned.name, owner.tag()) as partial:
        write_json(partial / SPEC, planned.spec.resolved().plain())
        with _room_reserved(partial):
            run.execute(partial, outcome, report)
        times = {"begun_unix_ns": begun_unix_ns, "ended_unix_ns": time.time_ns()}
        _run_file(planned, outcome, times).write(partial)
        directory = rename_to_free(partial, destinations(planned, outcome.result))
    return ExecutedRun(planned.name, directory, outcome.result, outcome.problem, outcome.phases_s)


@contextmanager
def _room_reserved(directory: Path) -> Iterator[None]:
    """Reserve disk space for run.json, so that logs are kept even if they fill the disk."""
    reserve = directory / ".reserve"
    write_text(reserve, " " * RESERVED_BYTES)
    try:
        yield
    finally:
        reserve.unlink()


def destinations(planned: PlannedRun, result: RunResult) -> Iterator[Path]:
    """Yield the possible paths of a run's directory, in order of preference."""
    if planned.resumable and result == "finished":
        return iter([planned.folder / planned.name])
    if planned.resumable:
        return (planned.folder / FAILED / f"{planned.name}-{n}" for n in count(1))
    return (planned.folder / name for name in _numbered(planned.name))


def _numbered(name: str) -> Iterator[str]:
    return chain([name], (f"{name}-{n}" for n in count(2)))


def _run_file(planned: PlannedRun, outcome: RunOutcome, times: dict[str, int]) -> RunFile:
    """Return the contents of run.json; equal runs in virtual time have equal contents."""
    is_virtual = BACKENDS[planned.backend].is_virtual
    phases_s = {p: outcome.phases_s[p] for p in PHASES if p in outcome.phases_s}
    wall = {
        "epoch_unix_ns": outcome.epoch_unix_ns,
        "wall_offsets": plain_offsets(outcome.wall_offsets),
        **times,
        "phases_s": phases_s,
    }
    return RunFile(
        run=planned.name,
        backend=planned.backend,
        seed=planned.spec.seed,
        outcome=outcome.result,
        problem=outcome.problem,
        machines=outcome.machines,
        versions={} if is_virtual else {"python": platform.python_version(), **outcome.versions},
        wall={} if is_virtual else wall,
    )


def leftovers(*folders: Path) -> list[Path]:
    """Return the unfinished directories in the folders that dead owners on this computer left."""
    return [
        path
        for folder in folders
        for path in sorted(folder.glob(".*@*:*@*"))
        if owner.is_dead_tag(path.name)
    ]


def unfinished_files(out: Path) -> list[Path]:
    """Return the unfinished files of `vm.files.whole_file` below `out` that dead processes left."""
    return [
        path
        for path in sorted(out.rglob(".*"))
        if (pid := path.suffix[1:]).isdecimal() and path.is_file()
        if owner.is_dead(f"{owner.me().rpartition(':')[0]}:{pid}")
    ]


def remove_leftovers(*folders: Path) -> None:
    for path in leftovers(*folders):
        # Another process may be removing it at the same time.
        shutil.rmtree(path, ignore_errors=True)
