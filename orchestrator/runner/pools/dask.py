"""The workers of a Dask cluster, which others have started: by hand, or on Slurm or Kubernetes."""

import logging
import warnings
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner.execution import ExecutedRun
from orchestrator.runner.pools import remote
from orchestrator.runner.pools.extra import extra
from orchestrator.runner.pools.sweep import Sweep
from orchestrator.runner.pools.versions import differences, installed, refusal, versions
from vm.quoting import counted

#: The packages that scheduler, workers and client have in common.
PACKAGES = ("dask", "distributed")


def execute(sweep: Sweep) -> Generator[ExecutedRun]:
    """Execute a sweep in the cluster of DASK_SCHEDULER_ADDRESS, or of Dask's configuration."""
    with _connected() as client:
        workers = len(_checked(client))
        waiting = "" if workers else ", waiting for the first"
        sweep.say(f"Dask: {counted(workers, 'worker')} at {client.scheduler.address}{waiting}")
        yield from _DaskSweep(client, sweep).results()


@contextmanager
def _connected() -> Iterator[Any]:
    """Connect to the scheduler."""
    distributed = extra("--pool dask", "distributed")
    address = extra("--pool dask", "dask.config").get("scheduler-address", None)
    if not address:
        raise EnvironmentProblem(
            "--pool dask needs a cluster: set DASK_SCHEDULER_ADDRESS to the address of its"
            " scheduler, such as tcp://10.0.0.1:8786"
        )
    # It logs what `_explain` says better, and dead workers, whose runs others compute again.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # `_checked` refuses the versions that this would warn about.
        warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
        try:
            client = distributed.Client(address, set_as_default=False)
        except (OSError, ValueError) as error:
            raise EnvironmentProblem(
                f"--pool dask: no scheduler answers at {address} ({error}): start one with `dask"
                " scheduler`, or correct DASK_SCHEDULER_ADDRESS"
            ) from None
    with client:
        yield client


def _checked(client: Any) -> list[str]:
    """Return the addresses of the workers; EnvironmentProblem if their versions differ from ours.

    A worker that joins the cluster later checks its versions itself.
    """
    packages = {name: installed(name) for name in PACKAGES}
    scheduler = client.get_versions()["scheduler"]["packages"]
    found = {"the scheduler": list(differences(packages, scheduler))}
    answers = client.run(versions_with, PACKAGES, on_error="return")
    for address, there in answers.items():
        if isinstance(there, Exception):
            found[f"worker {address}"] = [f"vklocks cannot be imported there ({there})"]
        else:
            found[f"worker {address}"] = list(differences(versions_with(PACKAGES), there))
    if differing := {member: some for member, some in found.items() if some}:
        raise EnvironmentProblem(refusal(differing))
    return list(answers)


def versions_with(packages: tuple[str, ...]) -> dict[str, str]:
    """Return all versions that have to be equal, in a worker or here."""
    return {**versions(), **{name: installed(name) for name in packages}}


class _DaskSweep:
    """The execution of a sweep by the workers of a connected cluster."""

    def __init__(self, client: Any, sweep: Sweep) -> None:
        distributed = extra("--pool dask", "distributed")
        self._client = client
        self._sweep = sweep
        self._waiting = remote.tasks(sweep)
        self._given = dict[Any, remote.Task]()
        self._deaths = Counter[str]()
        self._lost_worker: type[Exception] = distributed.scheduler.KilledWorker
        self._ended = distributed.as_completed(
            loop=client.loop, with_results=True, raise_errors=False
        )

    def results(self) -> Generator[ExecutedRun]:
        """Yield the runs in the order of completion; end all work if closed early."""
        try:
            for task in islice(self._waiting, self._sweep.jobs or remote.MAX_SUBMITTED):
                self._give(task)
            for future, result in self._ended:
                task = self._given.pop(future)
                if future.status == "finished":
                    yield remote.settle(task.planned, result)
                    for another in islice(self._waiting, 1):
                        self._give(another)
                else:
                    self._explain(task, result)
                    self._give(task)
        finally:
            if self._given:
                self._end()

    def _give(self, task: remote.Task) -> None:
        future = self._client.submit(remote.fulfil, task, pure=False)
        self._given[future] = task
        self._ended.add(future)

    def _explain(self, task: remote.Task, result: Any) -> None:
        """Raise the reason why a run has no result, unless its workers died, but not too often."""
        name = task.planned.name
        if isinstance(result, CancelledError):
            raise EnvironmentProblem(
                f"--pool dask: the scheduler ended, or cancelled the runs: {name} has no result"
            )
        _, error, traceback = result
        if isinstance(error, ModuleNotFoundError):
            raise EnvironmentProblem(f"--pool dask: a worker lacks {error.name}: install it there")
        if not isinstance(error, self._lost_worker):
            raise error.with_traceback(traceback)
        self._deaths[name] += 1
        if self._deaths[name] > remote.MAX_DEATHS:
            raise EnvironmentProblem(
                f"--pool dask: {name} has no result, as its workers died again and again: look into"
                " their output, and whether they have enough memory"
            )

    def _end(self) -> None:
        """End the work on all runs: those that wait, and those that workers execute."""
        sweeps = {task.sweep for task in self._given.values()}
        # Without a scheduler there is nothing to end.
        with suppress(OSError, TimeoutError, CancelledError):
            self._client.cancel(list(self._given))
            for sweep in sweeps:
                self._client.run(remote.end, sweep, on_error="ignore")
