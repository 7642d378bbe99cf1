"""Runs in virtual time: nothing but work, which joblib carries to as many workers as there are.

A worker leaves whole runs only, by itself, so it may end at any instant: when the sweep is
interrupted, or when the process that began it is no more.
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

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner.execution import Batch, ExecutedRun, PlannedRun
from orchestrator.runner.interrupt import SIGNALS, on_interrupt
from orchestrator.runner.progress import Display

#: Carries tasks to workers and gives what they come to, in the order in which they are done.
Carrier = Callable[[list[Any]], Generator[ExecutedRun]]


def carry_out(
    orders: Sequence[PlannedRun],
    work: Callable[[PlannedRun], ExecutedRun],
    jobs: int,
    pool: str,
    shown: Display,
) -> Batch:
    """Do the work for all orders, `jobs` at a time, unless interrupted; it must be picklable.

    `pool` is a key of POOLS; EnvironmentProblem if that is not there.
    """
    batch = Batch()
    tasks = [delayed(work)(order) for order in orders]
    with on_interrupt(signal.default_int_handler), warnings.catch_warnings():
        # That an interrupted sweep does not do all its work is no news.
        warnings.filterwarnings("ignore", message=r".* have been cancelled", module="joblib")
        try:
            # Closed early, joblib ends its workers.
            with POOLS[pool](jobs) as carry, closing(_results(carry, tasks)) as results:
                for done in results:
                    batch.runs.append(done)
                    shown.done(done.name, done.trouble)
        except KeyboardInterrupt:
            batch.interrupted = True
    return batch


def _results(carry: Carrier, tasks: list[Any]) -> Generator[ExecutedRun]:
    """What the tasks come to, in the order in which they are done.

    Ctrl-C in a terminal is for this process alone: a process begins with the signals blocked that
    its parent has blocked at that time. Nothing may come between a worker and what it begins with.
    """
    interrupts: list[object] = []
    with on_interrupt(lambda number, _: interrupts.append(number)):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            results = carry(tasks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with closing(results):
        if interrupts:
            raise KeyboardInterrupt
        yield from results


@contextmanager
def _loky(jobs: int) -> Iterator[Carrier]:
    """Processes of this computer; for one job none but this."""
    # They would come with the first worker, and unblock the signals that it is to begin with.
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
    """End this worker when the other end of the pipe closes, which the parent's end does too."""

    def wait() -> None:
        try:
            parent.recv_bytes()
        except EOFError:
            os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


@contextmanager
def _dask(jobs: int) -> Iterator[Carrier]:
    """The whole cluster that DASK_SCHEDULER_ADDRESS names, or one of our own."""
    distributed = _extra("dask", "distributed")
    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    theirs = "DASK_SCHEDULER_ADDRESS" in os.environ
    with distributed.Client(**({} if theirs else own)), parallel_config(backend="dask"):
        yield Parallel(n_jobs=-1, return_as="generator_unordered")


@contextmanager
def _ray(jobs: int) -> Iterator[Carrier]:
    """The whole cluster that RAY_ADDRESS names, or one of our own."""
    ray = _extra("ray", "ray")
    _extra("ray", "ray.util.joblib").register_ray()
    theirs = "RAY_ADDRESS" in os.environ
    ray.init(log_to_driver=False, **({} if theirs else {"num_cpus": jobs}))

    def carry(tasks: list[Any]) -> Generator[ExecutedRun]:
        # Its results come all together.
        with parallel_config(backend="ray"):
            yield from Parallel(n_jobs=-1)(tasks)

    try:
        yield carry
    finally:
        ray.shutdown()


def _extra(name: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(
            f"--pool {name} needs {error.name}, which is not installed:"
            f" `pip install 'vklocks[{name}]'`"
        ) from None


#: What carries work to workers, by joblib's name for it.
POOLS: dict[str, Callable[[int], AbstractContextManager[Carrier]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
