"""Processes of this computer, by joblib; they write the directories of runs themselves."""

import os
import signal
import threading
import warnings
from collections.abc import Generator
from contextlib import closing
from multiprocessing import Pipe, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from orchestrator.runner.execution import ExecutedRun
from orchestrator.runner.interrupt import SIGNALS, on_interrupt
from orchestrator.runner.pools.sweep import Sweep


def execute(sweep: Sweep) -> Generator[ExecutedRun]:
    """Execute a sweep in processes; a single job runs in this process."""
    # Imported here, as joblib loads slowly, and workers of other pools do not need it.
    from joblib import Parallel, delayed
    from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker

    assert sweep.jobs
    # The trackers would start with the first worker and unblock the signals it should inherit.
    for tracker in (resource_tracker, loky_resource_tracker) if sweep.jobs > 1 else ():
        tracker.ensure_running()
    ours, theirs = Pipe(duplex=False)
    with ours, theirs, warnings.catch_warnings():
        # An interrupted sweep cancels its tasks as intended.
        warnings.filterwarnings("ignore", message=r".* have been cancelled", module="joblib")
        parallel = Parallel(
            n_jobs=sweep.jobs,
            backend="loky",
            return_as="generator_unordered",
            initializer=_end_with_parent,
            initargs=(ours,),
        )
        tasks = [delayed(sweep.work)(run) for run in sweep.planned]
        # joblib ends its workers if it is closed early.
        with closing(_results(parallel, tasks)) as results:
            yield from results


def _results(parallel: Any, tasks: list[Any]) -> Generator[ExecutedRun]:
    """Yield the results of the tasks in the order of completion.

    Only this process handles Ctrl-C in a terminal: its signals are blocked while the workers
    start, as a new process inherits the blocked signals of its parent.
    """
    with on_interrupt(lambda _: None) as caught:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            results = parallel(tasks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with closing(results):
        if caught.number:
            # The previous handler is active again and gets the signal.
            signal.raise_signal(signal.Signals(caught.number))
        yield from results


def _end_with_parent(parent: Connection) -> None:
    """End this worker when the other end of the pipe closes, as it does when the parent ends."""

    def wait() -> None:
        try:
            parent.recv_bytes()
        except EOFError:
            os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
