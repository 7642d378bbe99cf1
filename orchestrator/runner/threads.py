"""Runs in wall time, several side by side: a thread for each, which mostly waits."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from orchestrator.backends.outcome import EnvironmentProblem, Interrupted
from orchestrator.runner import execution
from orchestrator.runner.execution import Backend, Batch, ExecutedRun, PlannedRun
from orchestrator.runner.interrupt import on_interrupt
from orchestrator.runner.progress import Display

#: How often the main thread looks whether it was told to end.
SIGNALS_EVERY_S = 0.1


class _Crew:
    """The runs under way, and whether they are to end."""

    def __init__(self, shown: Display) -> None:
        self.interrupted = False
        self._shown = shown
        self._backends: list[Backend] = []

    def carry_out(self, backend: Backend, order: PlannedRun) -> ExecutedRun:
        self._backends.append(backend)
        if self.interrupted:
            raise Interrupted
        return execution.carry_out(
            backend, order, lambda phase: self._shown.phase(order.name, phase)
        )

    def interrupt(self, *_signal: object) -> None:
        if not self.interrupted:
            self.interrupted = True
            print("\nending the runs; their logs are kept ...", file=sys.stderr)
        for backend in self._backends:
            backend.interrupt()


def carry_out(
    orders: Sequence[PlannedRun],
    backend: Callable[..., Backend],
    jobs: int,
    shown: Display,
) -> Batch:
    """Carry out all orders, `jobs` at a time, unless interrupted."""
    crew = _Crew(shown)
    batch = Batch()
    with on_interrupt(crew.interrupt), ThreadPoolExecutor(jobs) as pool:
        futures: dict[Future[ExecutedRun], PlannedRun] = {
            pool.submit(crew.carry_out, backend(order.spec, order.name), order): order
            for order in orders
        }
        for future in _as_they_end(futures):
            _take(future, futures[future], batch, shown)
    batch.interrupted = crew.interrupted
    return batch


def _as_they_end(futures: Iterable[Future[ExecutedRun]]) -> Iterator[Future[ExecutedRun]]:
    """Each future once it is done, from a main thread that hears signals meanwhile.

    The kernel may hand a signal to any thread; Python runs its handler when the main thread
    comes to, and one that waits without a limit does not.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, SIGNALS_EVERY_S, FIRST_COMPLETED)
        yield from done


def _take(future: Future[ExecutedRun], order: PlannedRun, batch: Batch, shown: Display) -> None:
    """Take in what came of an order."""
    try:
        done = future.result()
    except Interrupted:
        return
    except EnvironmentProblem as error:
        batch.problems.append(str(error))
        shown.done(order.name, str(error))
        return
    batch.runs.append(done)
    shown.done(done.name, done.trouble)
