"""The analysis of `vklocks run`, imported while the runs execute, and the reports it makes."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.runner.execution import ExecutedRun
from orchestrator.runner.progress import Display

if TYPE_CHECKING:
    from orchestrator.cli.analyse import Reporting

#: The analysis is loaded this long after the last start of a run, or after half a run if shorter.
LOADING_AFTER_S = 10


class Reports:
    """The reports on runs as they end, once the analysis is loaded, and on all runs together."""

    def __init__(self, runs: int, verbose: bool) -> None:
        self._runs = runs
        self._verbose = verbose
        self.is_loaded = threading.Event()

    @cached_property
    def reporting(self) -> "Reporting":
        from orchestrator.cli.analyse import Reporting

        return Reporting(self._runs, self._verbose)

    def prepare(self) -> None:
        self.reporting.prepare()
        self.is_loaded.set()

    def add(self, run: ExecutedRun) -> None:
        if run.result == "finished" and self.is_loaded.is_set():
            self.reporting.add(run.directory)

    def drop(self) -> None:
        """Cancel all charts that have not been started: no report on all runs will follow."""
        if self.is_loaded.is_set():
            self.reporting.drop()


class _Starting:
    """A display that forwards progress to another and sets `is_over` when all jobs are running.

    `is_needless` is true once no analysis will follow.
    """

    def __init__(self, shown: Display, jobs: int) -> None:
        self.is_over = threading.Event()
        self.is_needless = False
        self.done = shown.done
        self._shown = shown
        self._jobs = jobs
        self._running: set[str] = set()

    def phase(self, run: str, phase: str) -> None:
        self._shown.phase(run, phase)
        if phase == "run":
            self._running.add(run)
        if len(self._running) >= self._jobs:
            self.is_over.set()


@contextmanager
def analysis_loading(
    shown: Display, reports: Reports, jobs: int, after_s: float
) -> Iterator[_Starting]:
    """Import the analysis, which takes three seconds, while the runs wait for their machines.

    An earlier import would delay the threads that start machines, and then the machines, which
    import gRPC for some seconds. During the runs the import gives way to machines that wake up, but
    keeps its share of a busy computer. It is not niced, as a niceness could not be taken back.
    """
    starting, over = _Starting(shown, jobs), threading.Event()

    def load() -> None:
        starting.is_over.wait()
        _give_way(not over.wait(after_s))
        if not starting.is_needless:
            reports.prepare()

    thread = threading.Thread(target=load, name="loading the analysis", daemon=True)
    thread.start()
    try:
        yield starting
    except BaseException:
        starting.is_needless = True
        raise
    finally:
        over.set()
        starting.is_over.set()
    _give_way(False, thread.native_id)
    if not starting.is_needless:
        thread.join()


def _give_way(to_others: bool, thread: int | None = 0) -> None:
    """Set whether a thread and the threads it starts wait when another thread wakes up."""
    if sys.platform == "linux" and thread is not None:
        policy = os.SCHED_BATCH if to_others else os.SCHED_OTHER
        # It may have ended.
        with suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(0))
