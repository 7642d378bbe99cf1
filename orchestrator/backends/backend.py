"""The interface of a backend: the execution of a run, and the facts that the runner needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestrator.backends.outcome import RunOutcome
from vm.spec import Spec

#: The most runs in parallel, on any computer.
MAX_JOBS = 64

#: A function that takes the phases of a run (`outcome.PHASES`), or lines for the user.
Report = Callable[[str], None]


class BackendRun(Protocol):
    """One run on a backend. `execute` runs in one thread, `interrupt` in any."""

    def execute(self, directory: Path, outcome: RunOutcome, report: Report) -> None:
        """Write the logs into a directory, fill in the outcome and report each phase.

        EnvironmentProblem if the backend lacks something, InterruptedBeforeStart if the run was
        interrupted before its machines started.
        """

    def interrupt(self) -> None:
        """End the run soon; its machines stop cleanly and their logs are kept."""


@dataclass(frozen=True)
class Backend:
    """A backend, as `orchestrator.backends.BACKENDS` lists it.

    `create` makes a run from its spec and name. `jobs` returns the number of runs of these specs
    that this computer sustains in parallel. `prepare`, if given, is called once before the first
    run. `configure`, if given, takes the values of the command's `options` for this backend and the
    specs of all runs, and returns the backend for them; UsageError if a value is wrong.

    If `is_virtual`, runs are computed, not waited for: equal specs give equal files, workers
    execute the runs, and `create` takes as its third argument the function that writes a history
    (`orchestrator.backends.simulation.Keep`).
    """

    create: Callable[..., BackendRun]
    jobs: Callable[[Sequence[Spec]], int]
    prepare: Callable[[Report], None] | None = None
    is_virtual: bool = False
    options: tuple[str, ...] = ()
    configure: Callable[[Mapping[str, Any], Sequence[Spec]], "Backend"] | None = None
