"""The sweep that a pool executes: runs, the work on each, and the wishes of the user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.backends.backend import BackendRun
from orchestrator.runner.execution import ExecutedRun, PlannedRun


def ignore(_run: BackendRun) -> None:
    """Ignore a run that begins."""


class Work(Protocol):
    """A function that executes a run in a worker; it must be picklable."""

    def __call__(
        self, planned: PlannedRun, begins: Callable[[BackendRun], None] = ignore
    ) -> ExecutedRun:
        """Execute a run; pass it to `begins` first, so that it can be interrupted."""


@dataclass(frozen=True)
class Sweep:
    """Planned runs with the work on each, `jobs` at a time.

    In a cluster, `jobs` is a limit, or None for as many as the workers take. `store` is the URL of
    the folder that gets the complete runs, or "". `say` prints a line for the user.
    """

    planned: Sequence[PlannedRun]
    work: Work
    jobs: int | None
    store: str
    say: Callable[[str], None]
