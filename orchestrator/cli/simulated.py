"""The task of a worker: execute a simulated run, evaluate it, and write its files."""

import os
from dataclasses import replace
from pathlib import Path

from orchestrator.backends import BACKENDS
from orchestrator.backends.simulation import write
from orchestrator.runner import execution
from orchestrator.runner.execution import ExecutedRun, PlannedRun
from orchestrator.virtual.simulation import RunRecords

#: Workers already use all cores; more threads in each worker would slow them down.
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def simulate(planned: PlannedRun, logs: bool, is_evaluated: bool) -> ExecutedRun:
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
