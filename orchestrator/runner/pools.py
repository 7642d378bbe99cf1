"""Runs in virtual time: pure computation, which joblib distributes over workers.

A worker leaves complete runs only, so it may end at any instant: when the sweep is interrupted,
or when its parent process ends.
"""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from importlib import import_module
from multiprocessing import Pipe, resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker

from orchestrator.backends.outcome import EnvironmentProblem, disk_problem
from orchestrator.runner.execution import Batch, ExecutedRun, PlannedRun
from orchestrator.runner.interrupt import SIGNALS, Interrupt, end, on_interrupt
from orchestrator.runner.progress import Display

#: A function that executes tasks in workers and yields their results in the order of completion.
Executor = Callable[[list[Any]], Generator[ExecutedRun]]


def execute(
    planned: Sequence[PlannedRun],
    work: Callable[[PlannedRun], ExecutedRun],
    jobs: int,
    pool: str,
    shown: Display,
) -> Batch:
    """Call `work` for all runs, `jobs` at a time, unless interrupted; it must be picklable.

    `pool` is a key of POOLS; EnvironmentProblem if it is not installed.
    """
    batch = Batch()
    tasks = [delayed(work)(run) for run in planned]
    with on_interrupt(end), warnings.catch_warnings():
        # An interrupted sweep cancels its tasks as intended.
        warnings.filterwarnings("ignore", message=r".* have been cancelled", module="joblib")
        try:
            # joblib ends its workers if it is closed early.
            with POOLS[pool](jobs) as executor, closing(_results(executor, tasks)) as results:
                for executed in results:
                    batch.runs.append(executed)
                    shown.done(executed.name, executed.trouble)
        except Interrupt as error:
            batch.interrupted = error.number
        except OSError as error:
            batch.problems.append(disk_problem(error))
    return batch


def _results(executor: Executor, tasks: list[Any]) -> Generator[ExecutedRun]:
    """Yield the results of the tasks in the order of completion.

    Only this process handles Ctrl-C in a terminal: its signals are blocked while the workers
    start, as a new process inherits the blocked signals of its parent.
    """
    with on_interrupt(lambda _: None) as caught:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            results = executor(tasks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with closing(results):
        if caught.number:
            # The previous handler is active again and gets the signal.
            signal.raise_signal(signal.Signals(caught.number))
        yield from results


@contextmanager
def _loky(jobs: int) -> Iterator[Executor]:
    """Provide processes of this computer; a single job runs in this process."""
    # The trackers would start with the first worker and unblock the signals it should inherit.
    for tracker in (resource_tracker, loky_resource_tracker) if jobs > 1 else ():
        tracker.ensure_running()
    ours, theirs = Pipe(duplex=False)
    with ours, theirs:
        yield Parallel(
            n_jobs=jobs,
            backend="loky",
            return_as="generator_unordered",
            initializer=_end_with_parent,
            initargs=(ours,),
        )


def _end_with_parent(parent: Connection) -> None:
    """End this worker when the other end of the pipe closes, as it does when the parent ends."""

    def wait() -> None:
        try:
            parent.recv_bytes()
        except EOFError:
            os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


@contextmanager
def _dask(jobs: int) -> Iterator[Executor]:
    """Provide the cluster at DASK_SCHEDULER_ADDRESS, or a new one."""
    distributed = _extra("dask", "distributed")
    new = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    exists = "DASK_SCHEDULER_ADDRESS" in os.environ
    with distributed.Client(**({} if exists else new)), parallel_config(backend="dask"):
        yield Parallel(n_jobs=-1, return_as="generator_unordered")


@contextmanager
def _ray(jobs: int) -> Iterator[Executor]:
    """Provide the cluster at RAY_ADDRESS, or a new one."""
    ray = _extra("ray", "ray")
    _extra("ray", "ray.util.joblib").register_ray()
    exists = "RAY_ADDRESS" in os.environ
    ray.init(log_to_driver=False, **({} if exists else {"num_cpus": jobs}))

    def executor(tasks: list[Any]) -> Generator[ExecutedRun]:
        # Ray returns all results together.
        with parallel_config(backend="ray"):
            yield from Parallel(n_jobs=-1)(tasks)

    try:
        yield executor
    finally:
        ray.shutdown()


def _extra(name: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(
            f"--pool {name} needs {error.name}, which is not installed:"
            f" `pip install {module.partition('.')[0]}`"
        ) from None


#: The pools by the names that `--pool` takes.
POOLS: dict[str, Callable[[int], AbstractContextManager[Executor]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
