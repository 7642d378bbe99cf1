"""A run: a spec carried out by a backend, left behind as a directory that is whole.

A directory is filled under a temporary name that tells whose it is, and renamed when it is
complete. So what has a run's name is whole whatever happens, and where two carry out the same
run the rename decides: the one that comes second finds the name taken.
"""

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal, Protocol

from orchestrator import owner
from orchestrator.backends.docker.cluster import Cluster
from orchestrator.backends.outcome import PHASES, Outcome
from orchestrator.backends.processes import Processes
from orchestrator.backends.simulation import SimulatedRun
from vm import __version__
from vm.spec import Spec

#: Where an experiment keeps what did not finish; the analysis does not look into it by itself.
FAILED = "failed"
#: Backends whose time is no wall time: equal runs are equal to the last bit.
VIRTUAL = ("simulation",)

Result = Literal["finished", "failed", "interrupted"]


class Backend(Protocol):
    """Carries out one run."""

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Fill a directory with logs and an outcome with what happened; says its phases."""

    def interrupt(self) -> None:
        """End the run soon and keep what there is; may be called from any thread."""


@dataclass(frozen=True)
class PlannedRun:
    """A run that is to be carried out. One that is `resumable` is kept only if it finishes."""

    name: str
    spec: Spec
    backend: str
    folder: Path
    resumable: bool


@dataclass(frozen=True)
class ExecutedRun:
    """A run that has been carried out. `problem` says why it is not `finished`.

    `is_violated` says that a check has been made at once and is violated.
    """

    name: str
    directory: Path
    result: Result
    problem: str
    phases_s: dict[str, float]
    is_violated: bool = False

    @property
    def trouble(self) -> str:
        """What is to be told of it: `failed: vm1 was killed`, or "" if it finished."""
        return f"{self.result}: {self.problem}" if self.problem else ""


@dataclass
class Batch:
    """What came of several orders; `problems` are what the environment lacked."""

    runs: list[ExecutedRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False


def fresh_names(folder: Path, specs: Iterable[Spec]) -> list[str]:
    """Names by the time of day and the seed, that no run in the folder has."""
    now = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    taken = {path.name.lstrip(".").partition("@")[0] for path in folder.iterdir()}
    names: list[str] = []
    for spec in specs:
        names.append(next(n for n in _numbered(f"{now}-seed{spec.seed}") if n not in taken))
        taken.add(names[-1])
    return names


def carry_out(backend: Backend, order: PlannedRun, report: Callable[[str], None]) -> ExecutedRun:
    """Carry a run out and leave its directory, whole, where it belongs.

    EnvironmentProblem if the backend has nothing to run on, Interrupted if it was told to end
    before it began; then nothing is left.
    """
    outcome, begun_unix_ns = Outcome(), time.time_ns()
    with reserved(order.folder, order.name) as partial:
        backend.carry_out(partial, outcome, report)
        times = {"begun_unix_ns": begun_unix_ns, "ended_unix_ns": time.time_ns()}
        result = _result(outcome)
        write_json(partial / "spec.json", order.spec.resolved().plain())
        write_json(partial / "run.json", _account(order, outcome, result, times))
        directory = settle(partial, _places(order, result))
    return ExecutedRun(order.name, directory, result, outcome.problem, outcome.phases_s)


@contextmanager
def reserved(folder: Path, name: str) -> Iterator[Path]:
    """A fresh directory under a temporary name that tells its owner; gone in the end, or renamed.

    OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}{owner.tag()}"
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def settle(partial: Path, places: Iterable[Path]) -> Path:
    """Rename a directory to the first place that is free; if none is, it stays as it is.

    Returns the place, or the last one, where somebody else was before.
    """
    place = partial
    for place in places:
        place.parent.mkdir(exist_ok=True)
        try:
            return partial.rename(place)
        except OSError:
            # A name that another directory has, unless that is empty, is why a rename fails.
            if not place.exists():
                raise
    return place


def _places(order: PlannedRun, result: Result) -> Iterator[Path]:
    """Where a run's directory may go, the first choice first."""
    if order.resumable and result == "finished":
        return iter([order.folder / order.name])
    if order.resumable:
        return (order.folder / FAILED / f"{order.name}-{n}" for n in count(1))
    return (order.folder / name for name in _numbered(order.name))


def _numbered(name: str) -> Iterator[str]:
    return chain([name], (f"{name}-{n}" for n in count(2)))


def _result(outcome: Outcome) -> Result:
    if not outcome.problem:
        return "finished"
    return "interrupted" if outcome.problem.startswith("interrupted") else "failed"


def _account(
    order: PlannedRun, outcome: Outcome, result: Result, times: dict[str, int]
) -> dict[str, object]:
    """What run.json tells; of a run in virtual time nothing that another one could not tell."""
    plain: dict[str, object] = {
        "run": order.name,
        "backend": order.backend,
        "versions": {"vklocks": __version__},
        "seed": order.spec.seed,
        "outcome": result,
        "problem": outcome.problem,
        "machines": {machine: asdict(ended) for machine, ended in outcome.machines.items()},
    }
    if order.backend in VIRTUAL:
        return plain
    versions = {"vklocks": __version__, "python": platform.python_version(), **outcome.versions}
    phases_s = {p: outcome.phases_s[p] for p in PHASES if p in outcome.phases_s}
    wall = {"epoch_unix_ns": outcome.epoch_unix_ns, **times, "phases_s": phases_s}
    return plain | {"versions": versions} | wall


def read(directory: Path) -> dict[str, Any] | None:
    """What run.json of a directory says, or None if there is none that can be read."""
    return read_json(directory / "run.json")


def leftovers(*folders: Path) -> list[Path]:
    """What is directly in the folders, unfinished, of owners on this computer that are dead."""
    return [
        path
        for folder in folders
        for path in sorted(folder.glob(".*@*:*@*"))
        if owner.is_dead_tag(path.name)
    ]


def remove_leftovers(*folders: Path) -> None:
    for path in leftovers(*folders):
        # Somebody else may be removing it just now.
        shutil.rmtree(path, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


BACKENDS: dict[str, Callable[[Spec, str], Backend]] = {
    "containers": Cluster,
    "processes": Processes,
    "simulation": SimulatedRun,
}
