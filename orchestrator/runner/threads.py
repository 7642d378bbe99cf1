"""Runs in wall time, several in parallel: a thread per run, which mostly waits."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from orchestrator.backends.backend import BackendRun
from orchestrator.backends.outcome import EnvironmentProblem, InterruptedBeforeStart, disk_problem
from orchestrator.runner import execution
from orchestrator.runner.execution import Batch, ExecutedRun, PlannedRun
from orchestrator.runner.interrupt import on_interrupt
from orchestrator.runner.progress import Display
from vm.spec import Spec

#: How often the main thread looks for a signal.
SIGNALS_EVERY_S = 0.1


class _ActiveRuns:
    """The runs that have begun, and their interruption."""

    def __init__(self, shown: Display) -> None:
        self.interrupted = False
        self._shown = shown
        self._runs: list[BackendRun] = []

    def execute(self, run: BackendRun, planned: PlannedRun) -> ExecutedRun:
        self._runs.append(run)
        if self.interrupted:
            raise InterruptedBeforeStart
        return execution.execute(run, planned, lambda phase: self._shown.phase(planned.name, phase))

    def interrupt(self, _signal: int) -> None:
        self.interrupted = True
        print("\nending the runs ...", file=sys.stderr)
        for run in self._runs:
            run.interrupt()


def execute(
    planned: Sequence[PlannedRun],
    create: Callable[[Spec, str], BackendRun],
    jobs: int,
    shown: Display,
    ended: Callable[[ExecutedRun], None],
) -> Batch:
    """Execute all runs, `jobs` at a time, unless interrupted; `create` is the backend's.

    `ended` is called for each executed run, while other runs continue.
    """
    active = _ActiveRuns(shown)
    batch = Batch()
    with on_interrupt(active.interrupt) as caught, ThreadPoolExecutor(jobs) as pool:
        futures = {
            pool.submit(active.execute, create(run.spec, run.name), run): run.name
            for run in planned
        }
        for future in _as_they_end(futures):
            executed = _result(future, futures[future], batch, shown)
            if executed and not active.interrupted:
                ended(executed)
    batch.interrupted = caught.number
    return batch


def _as_they_end(futures: Iterable[Future[ExecutedRun]]) -> Iterator[Future[ExecutedRun]]:
    """Yield each future once it is done; the main thread can still handle signals meanwhile.

    The kernel may deliver a signal to any thread, but Python runs the handler when the main thread
    wakes up. If that thread waits without a limit, it does not wake up.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, SIGNALS_EVERY_S, FIRST_COMPLETED)
        yield from done


def _result(
    future: Future[ExecutedRun], run: str, batch: Batch, shown: Display
) -> ExecutedRun | None:
    """Add an executed run to the batch and return it; if there is none, add the problem."""
    try:
        executed = future.result()
    except InterruptedBeforeStart:
        return None
    except EnvironmentProblem as error:
        problem = str(error)
    except OSError as error:
        problem = f"{disk_problem(error)}; nothing of {run} is kept"
    else:
        batch.runs.append(executed)
        shown.done(run, executed.trouble)
        return executed
    batch.problems.append(problem)
    shown.done(run, problem)
    return None
