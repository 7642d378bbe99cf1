"""The execution of a plan for a program: no reports, progress on standard error, and exceptions."""

from functools import partial
from pathlib import Path

# Before `simulated`, which limits the threads of a Polars that is loaded later, as in workers.
import polars  # noqa: F401
from rich.console import Console

from orchestrator.backends import BACKENDS
from orchestrator.backends.outcome import EnvironmentProblem, RunFailed
from orchestrator.cli.console import console_of_output, say
from orchestrator.cli.execution.simulated import simulate_all
from orchestrator.runner import threads
from orchestrator.runner.execution import Batch
from orchestrator.runner.planning import Plan, without_leftovers
from orchestrator.runner.progress import display


def execute(plan: Plan) -> list[Path]:
    """Execute the missing runs of a plan, several in parallel; return the directories of all runs.

    RunFailed if some did not finish, after the others; EnvironmentProblem if the backend lacks
    something, KeyboardInterrupt if interrupted.
    """
    with without_leftovers(plan.folder):
        batch = _batch(plan, console_of_output(stderr=True)) if plan.missing else Batch()
    if batch.interrupted:
        raise KeyboardInterrupt
    if batch.problems:
        raise EnvironmentProblem(batch.problems[0])
    if failed := [run for run in batch.runs if run.problem]:
        more = f"; and {len(failed) - 1} more runs" if len(failed) > 1 else ""
        raise RunFailed(
            f"{failed[0].name} {failed[0].trouble}; kept as {failed[0].directory}{more}"
        )
    return plan.directories(batch.runs)


def _batch(plan: Plan, console: Console) -> Batch:
    """Execute the missing runs: virtual ones in workers, others in threads."""
    backend = BACKENDS[plan.missing[0].backend]
    specs = [run.spec for run in plan.missing]
    jobs = min(backend.jobs(specs), len(specs))
    if backend.is_virtual:
        return simulate_all(plan.missing, jobs, console, is_evaluated=True)
    if backend.prepare:
        backend.prepare(partial(say, console))
    costs = {run.name: run.spec.duration_s for run in plan.missing}
    with display(console, costs, speed=jobs) as shown:
        return threads.execute(plan.missing, backend.create, jobs, shown, lambda _: None)
