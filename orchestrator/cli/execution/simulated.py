"""Simulated runs in workers: each executes a run, evaluates it, and writes its files."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import BackendRun
from orchestrator.backends.simulation import expected_events, write
from orchestrator.cli.console import say
from orchestrator.runner import execution, pools
from orchestrator.runner.execution import Batch, ExecutedRun, PlannedRun
from orchestrator.runner.pools.sweep import Sweep, ignore
from orchestrator.runner.progress import display
from orchestrator.virtual.simulation import RunRecords

#: Workers already use all cores; more threads in each worker would slow them down.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

DEFAULT_POOL = "loky"


def simulate_all(
    planned: Sequence[PlannedRun],
    jobs: int | None,
    console: Console,
    is_evaluated: bool,
    logs: bool = True,
    pool: str = DEFAULT_POOL,
    store: str = "",
) -> Batch:
    """Execute planned runs in the workers of a pool, `jobs` at a time, and show the progress.

    `jobs` may be None in a cluster; a `store` gets the complete runs.
    """
    folder = planned[0].folder
    # A worker may have another current directory.
    absolute = [replace(run, folder=folder.absolute()) for run in planned]
    work = partial(simulate, logs=logs, is_evaluated=is_evaluated or bool(store))
    sweep = Sweep(absolute, work, jobs, store, partial(say, console))
    with display(console, {run.name: expected_events(run.spec) for run in planned}) as shown:
        batch = pools.execute(sweep, pool, shown)
    for number, executed in enumerate(batch.runs):
        directory = folder / executed.directory.relative_to(folder.absolute())
        batch.runs[number] = replace(executed, directory=directory)
    return batch


def simulate(
    planned: PlannedRun,
    begins: Callable[[BackendRun], None] = ignore,
    *,
    logs: bool,
    is_evaluated: bool,
) -> ExecutedRun:
    """Execute a planned run. Without logs its directory holds only the metrics.

    A run with logs that is not evaluated here is evaluated after all runs are executed.
    """
    is_violated = False

    def write_run(history: RunRecords, directory: Path) -> None:
        nonlocal is_violated
        if logs:
            write(history, directory)
        if is_evaluated or not logs:
            is_violated = _evaluated(Path(planned.name), history, directory, logs)

    run = BACKENDS[planned.backend].create(planned.spec, planned.name, write_run)
    begins(run)
    done = execution.execute(run, planned, lambda phase: None)
    return replace(done, is_violated=is_violated)


def _evaluated(name: Path, history: RunRecords, directory: Path, logs: bool) -> bool:
    """Write the metrics, and with logs the verdict; return whether a check is violated."""
    # Importing the analysis takes half a second, once per worker.
    from analysis.evaluation import evaluate
    from analysis.logs.own import of_records
    from analysis.text.plain import write_metrics, write_verdict

    evaluation = evaluate(of_records(name, history))
    write_metrics(evaluation, directory)
    if not logs:
        return False
    write_verdict(evaluation.verdict, directory)
    return evaluation.verdict.state == "violated"
