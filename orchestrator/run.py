"""A run: a spec carried out by a backend, left behind as a directory that is whole."""

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from orchestrator import owner
from orchestrator.containers import Cluster
from orchestrator.outcome import PHASES, Interrupted, Outcome
from orchestrator.simulated import SimulatedRun
from vm import __version__
from vm.spec import Spec

Result = Literal["finished", "failed", "interrupted"]


class Backend(Protocol):
    """Carries out one run."""

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Fill a directory with logs and an outcome with what happened; says its phases."""

    def interrupt(self) -> None:
        """End the run soon and keep what there is; may be called from any thread."""


@dataclass(frozen=True)
class Run:
    """A run that has been carried out. `problem` says why it is not `finished`."""

    name: str
    directory: Path
    result: Result
    problem: str
    phases_s: dict[str, float]


def run_name(folder: Path, spec: Spec) -> str:
    """A name that no run in the folder has, nor had when it was last looked at."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-seed{spec.seed}"
    taken = {path.name.lstrip(".").partition("@")[0] for path in folder.iterdir()}
    suffixes = ("", *(f"-{n}" for n in range(2, len(taken) + 3)))
    return next(f"{name}{suffix}" for suffix in suffixes if f"{name}{suffix}" not in taken)


@contextmanager
def reserved(folder: Path, spec: Spec) -> Iterator[Path]:
    """A fresh directory under a temporary name that tells its owner; gone in the end, or renamed.

    OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = run_name(folder, spec)
    partial = folder / f".{name}@{owner.me()}"
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def name_of(partial: Path) -> str:
    """The run whose temporary directory this is."""
    return partial.name[1:].partition("@")[0]


def carry_out(
    backend: Backend, backend_name: str, spec: Spec, partial: Path, report: Callable[[str], None]
) -> Run:
    """Carry a run out and leave its directory, whole, beside the temporary one.

    EnvironmentProblem if the backend has nothing to run on; then nothing is left.
    """
    outcome, begun_unix_ns = Outcome(), time.time_ns()
    try:
        backend.carry_out(partial, outcome, report)
    except Interrupted:
        outcome.problem = "interrupted before it began"
    result: Result = "finished"
    if outcome.problem:
        result = "interrupted" if outcome.problem.startswith("interrupted") else "failed"
    name = name_of(partial)
    _write(partial / "spec.json", spec.plain())
    _write(
        partial / "run.json",
        {
            "run": name,
            "backend": backend_name,
            "versions": {
                "vklocks": __version__,
                "python": platform.python_version(),
                **outcome.versions,
            },
            "seed": spec.seed,
            "begun_unix_ns": begun_unix_ns,
            "epoch_unix_ns": outcome.epoch_unix_ns,
            "ended_unix_ns": time.time_ns(),
            "outcome": result,
            "problem": outcome.problem,
            "machines": {machine: asdict(ended) for machine, ended in outcome.machines.items()},
            "phases_s": {p: outcome.phases_s[p] for p in PHASES if p in outcome.phases_s},
        },
    )
    directory = partial.rename(partial.with_name(name))
    return Run(name, directory, result, outcome.problem, outcome.phases_s)


def read(directory: Path) -> dict[str, Any] | None:
    """What run.json of a directory says, or None if there is none that can be read."""
    try:
        plain = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None


def unfinished(out: Path) -> list[Path]:
    """Temporary directories below `out` whose owner, a process of this computer, is dead."""
    return [
        path for path in sorted(out.glob("*/.*@*:*")) if owner.is_dead(path.name.rpartition("@")[2])
    ]


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


BACKENDS: dict[str, Callable[[Spec, str], Backend]] = {
    "containers": Cluster,
    "simulation": SimulatedRun,
}
