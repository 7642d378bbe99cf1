"""A worker's part in a simulated run: execute it, measure it, and check its logs."""

import os
from dataclasses import replace
from pathlib import Path

from orchestrator.backends import BACKENDS
from orchestrator.backends.simulation import write
from orchestrator.runner import execution
from orchestrator.runner.execution import ExecutedRun, PlannedRun
from orchestrator.virtual.simulation import RunRecords
from vm.files import write_json

#: Workers share the cores as they are; more threads in each would only get in their way.
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def simulate(planned: PlannedRun, logs: bool) -> ExecutedRun:
    """Execute a planned run. Without logs its directory holds only the metrics."""
    violations: list[object] = []

    def keep(history: RunRecords, directory: Path) -> None:
        # The analysis takes its time to import: once for each worker.
        from analysis.checks import verdict
        from analysis.logs.finding import FIGURES
        from analysis.logs.own import of_records
        from analysis.metrics.run import figures
        from analysis.text import audit
        from analysis.text.summary import as_json

        measured = of_records(Path(planned.name), history)
        write_json(directory / FIGURES, as_json([figures(measured)]))
        if logs:
            write(history, directory)
            found = verdict(measured)
            audit.keep(found, directory)
            violations.extend(found.violations)

    run = BACKENDS[planned.backend].create(planned.spec, planned.name, keep)
    done = execution.execute(run, planned, lambda phase: None)
    return replace(done, is_violated=bool(violations))
