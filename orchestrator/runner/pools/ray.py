"""The workers of a Ray cluster, which others have started."""

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner.execution import ExecutedRun
from orchestrator.runner.interrupt import on_interrupt
from orchestrator.runner.pools import remote
from orchestrator.runner.pools.extra import extra
from orchestrator.runner.pools.sweep import Sweep
from orchestrator.runner.pools.versions import differences, refusal, versions
from vm.quoting import counted

#: The cores that a run occupies, in Ray's accounts.
CORES = 1
#: How soon a signal is noticed.
SIGNAL_WITHIN_S = 0.25


def execute(sweep: Sweep) -> Generator[ExecutedRun]:
    """Execute a sweep in the cluster of RAY_ADDRESS."""
    with _connected() as library:
        nodes = [node for node in library.nodes() if node["Alive"]]
        _check(library, nodes)
        cores = round(library.cluster_resources().get("CPU", 0))
        sweep.say(f"Ray: {counted(len(nodes), 'node')} with {counted(cores, 'core')}")
        yield from _results(library, sweep)


@contextmanager
def _connected() -> Iterator[Any]:
    """Connect to the cluster; Ray itself refuses other versions of Ray and Python."""
    library = extra("--pool ray", "ray")
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        raise EnvironmentProblem(
            "--pool ray needs a cluster: set RAY_ADDRESS to its address, such as 10.0.0.1:6379"
        )
    try:
        library.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        raise EnvironmentProblem(
            f"--pool ray: no cluster can be used at {address} ({error}): start one with `ray start"
            " --head`, or correct RAY_ADDRESS"
        ) from None
    try:
        yield library
    finally:
        library.shutdown()


def _check(library: Any, nodes: list[dict[str, Any]]) -> None:
    """Check the versions on all nodes; EnvironmentProblem lists the differences."""
    strategy = library.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = {
        node["NodeManagerAddress"]: library.remote(_versions)
        .options(num_cpus=0, scheduling_strategy=strategy(node["NodeID"], soft=False))
        .remote()
        for node in nodes
    }
    found = dict[str, list[str]]()
    for address, answer in asked.items():
        try:
            there = library.get(answer)
        except (library.exceptions.RayError, ImportError) as error:
            found[f"node {address}"] = [f"vklocks cannot be imported there ({error})"]
        else:
            found[f"node {address}"] = list(differences(versions(), there))
    if differing := {member: some for member, some in found.items() if some}:
        raise EnvironmentProblem(refusal(differing))


def _versions() -> dict[str, str]:
    """Return the versions of a node. Ray takes functions alone, and no cached ones."""
    return dict(versions())


def _results(library: Any, sweep: Sweep) -> Generator[ExecutedRun]:
    """Yield the runs in the order of completion; end all work if closed early."""
    fulfil = library.remote(remote.fulfil).options(num_cpus=CORES, max_retries=remote.MAX_DEATHS)
    waiting = remote.tasks(sweep)
    given = dict[Any, remote.Task]()

    def give(most: int) -> None:
        given.update((fulfil.remote(task), task) for task in islice(waiting, most))

    try:
        give(sweep.jobs or remote.MAX_SUBMITTED)
        while given:
            for reference in _ended(library, list(given)):
                task = given.pop(reference)
                yield remote.settle(task.planned, _delivery(library, reference, task))
                give(1)
    finally:
        for reference in given:
            library.cancel(reference)


def _ended(library: Any, references: list[Any]) -> list[Any]:
    """Wait for a run. Ray catches what handlers of signals raise, so a signal is noted here, and
    raised again for the handler before."""
    ended = list[Any]()
    with on_interrupt(lambda _: None) as caught:
        while not (ended or caught.number):
            ended, _ = library.wait(references, num_returns=1, timeout=SIGNAL_WITHIN_S)
    if caught.number:
        signal.raise_signal(signal.Signals(caught.number))
    return ended


def _delivery(library: Any, reference: Any, task: remote.Task) -> Any:
    """Return the result of a run, or raise the reason why there is none."""
    try:
        return library.get(reference)
    except library.exceptions.RayTaskError as error:
        raise error.cause from None
    except library.exceptions.RayError as error:
        raise EnvironmentProblem(
            f"--pool ray: {task.planned.name} has no result: {error}"
        ) from None
