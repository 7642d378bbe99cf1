"""Runs on computers that share no folder with this one.

A worker executes a run in a temporary directory, and returns its files; a store, if there is one,
gets them all, and then only the small ones are returned.
"""

import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from uuid import uuid4

from orchestrator import owner
from orchestrator.backends.backend import BackendRun
from orchestrator.backends.outcome import EnvironmentProblem, disk_problem
from orchestrator.runner.execution import (
    ExecutedRun,
    PlannedRun,
    destinations,
    remove_leftovers,
)
from orchestrator.runner.pools import store
from orchestrator.runner.pools.sweep import Sweep, Work
from orchestrator.runner.pools.versions import differences, refusal, versions
from vm.files import METRICS, RUN, SPEC, VERDICT, rename_to_free, whole_directory

#: The most runs that a cluster has at a time: enough for thousands of workers, and few enough for
#: the memory of its scheduler.
MAX_SUBMITTED = 4_000
#: The most times that a run is given to another worker after its worker died.
MAX_DEATHS = 10
#: The files of a run that are returned if a store has them all.
SMALL = (SPEC, RUN, METRICS, VERDICT)
#: Level 1 of zlib makes logs a seventh as large.
COMPRESSION = 1


@dataclass(frozen=True)
class Task:
    """A run to execute by a worker, on behalf of a sweep, with our versions."""

    sweep: str
    planned: PlannedRun
    work: Work
    store: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Delivery:
    """An executed run, and the compressed contents of its files by their names."""

    executed: ExecutedRun
    files: Mapping[str, bytes]


def tasks(sweep: Sweep) -> Iterator[Task]:
    """Yield a task for each run of a sweep."""
    name = uuid4().hex
    for planned in sweep.planned:
        yield Task(name, planned, sweep.work, sweep.store, versions())


def fulfil(task: Task) -> Delivery:
    """Execute a run in a worker; EnvironmentProblem names the worker's computer."""
    if differing := list(differences(task.versions, versions())):
        raise EnvironmentProblem(refusal({f"worker {owner.me()}": differing}))
    _remove_leftovers_of_workers()
    try:
        with (
            TemporaryDirectory(prefix=".vklocks-", suffix=owner.tag()) as folder,
            _interruptible(task.sweep) as begins,
        ):
            executed = task.work(replace(task.planned, folder=Path(folder)), begins)
            return _delivery(task, executed)
    except OSError as error:
        raise EnvironmentProblem(f"worker {owner.me()}: {disk_problem(error)}") from None


@cache
def _remove_leftovers_of_workers() -> None:
    """Remove, once in each process, what killed workers left on this computer."""
    remove_leftovers(Path(gettempdir()))


def _delivery(task: Task, executed: ExecutedRun) -> Delivery:
    contents = {path.name: path.read_bytes() for path in executed.directory.iterdir()}
    if task.store:
        store.put(task.store, task.planned.name, contents)
        contents = {name: contents[name] for name in SMALL if name in contents}
    files = {name: zlib.compress(content, COMPRESSION) for name, content in contents.items()}
    return Delivery(executed, files)


def settle(planned: PlannedRun, delivery: Delivery) -> ExecutedRun:
    """Write the directory of an executed run, as if it had been executed here."""
    with whole_directory(planned.folder, planned.name, owner.tag()) as partial:
        for name, content in delivery.files.items():
            (partial / name).write_bytes(zlib.decompress(content))
        places = destinations(planned, delivery.executed.result)
        directory = rename_to_free(partial, places)
    return replace(delivery.executed, directory=directory)


#: The runs that this process executes, and the sweeps that have ended, by name.
_active = defaultdict[str, set[BackendRun]](set)
_ended = set[str]()
_lock = threading.Lock()


@contextmanager
def _interruptible(sweep: str) -> Iterator[Callable[[BackendRun], None]]:
    """Yield a function that takes the run that begins, which `end` then interrupts."""
    begun = list[BackendRun]()

    def begins(run: BackendRun) -> None:
        with _lock:
            begun.append(run)
            _active[sweep].add(run)
            if sweep in _ended:
                run.interrupt()

    try:
        yield begins
    finally:
        with _lock:
            _active[sweep].difference_update(begun)


def end(sweep: str) -> None:
    """Interrupt the runs of a sweep that this worker executes, and all that it still gets."""
    with _lock:
        _ended.add(sweep)
        for run in _active[sweep]:
            run.interrupt()
