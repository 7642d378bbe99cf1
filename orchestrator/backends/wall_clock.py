"""A run in wall time: the phases that containers and processes share.

A backend provides a `Cluster`, which creates, starts, stops and collects the machines of one run
and applies faults to them. `WallClockRun` calls it phase by phase.
"""

import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from orchestrator.backends.backend import MAX_JOBS, Report
from orchestrator.backends.fault_injection import Actions, Supervisor
from orchestrator.backends.outcome import RunOutcome, first_start, problem_of
from vm.files import MachineOutcome, log_path
from vm.schedule import SECOND_NS
from vm.spec import Spec

#: How long machines may drain their channels before they are killed.
STOP_LIMIT_S = 3
#: The number of lines of a failed machine's output in the problem.
MAX_LAST_LINES = 3
#: The load that one core sustains without late ticks.
MAX_TICKS_PER_CORE_HZ = 300
MAX_MACHINES_PER_CORE = 25

#: Runs start, and so end, one after the other: the first are evaluated while others tick.
_STARTING = threading.Lock()


class Cluster(Protocol):
    """The machines of one run. A cluster reports their epoch and exits to the run's supervisor.

    `actions` apply faults; the machines themselves apply faults without an action. `versions` is
    recorded in run.json. `clock_ahead_ns`, set by `start`, is the time that the machines' clocks
    are ahead of this computer's. `create` and `start` put the removal of each resource on the stack
    before they create it.
    """

    actions: Actions
    versions: dict[str, str]
    clock_ahead_ns: int

    def create(self, directory: Path, stack: ExitStack) -> None:
        """Create all machines; none starts yet."""

    def start(self, stack: ExitStack) -> None:
        """Start all machines."""

    def stop(self, running: Collection[str]) -> None:
        """End these machines in parallel, since they drain their channels to each other."""

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        """Copy all logs into the directory, and return the outcome of each machine."""

    def last_output(self, machine: str) -> str:
        """Return the last lines that a machine printed."""


class WallClockRun:
    """One run of real machines. `execute` runs in one thread, `interrupt` in any.

    After `execute`, even if it raises, nothing of the cluster is left.
    """

    def __init__(
        self,
        spec: Spec,
        run: str,
        cluster: Callable[[Spec, str, Supervisor], AbstractContextManager[Cluster]],
    ) -> None:
        self._spec = spec
        self._supervisor = Supervisor(spec)
        self._cluster = cluster(spec, run, self._supervisor)

    def interrupt(self) -> None:
        self._supervisor.interrupt()

    def execute(self, directory: Path, outcome: RunOutcome, report: Report) -> None:
        with self._cluster as cluster, ExitStack() as stack:
            outcome.versions |= cluster.versions
            try:
                with _STARTING:
                    with outcome.phase("create", report):
                        cluster.create(directory, stack)
                    with outcome.phase("start", report):
                        cluster.start(stack)
                started_unix_ns = time.time_ns()
                report("run")
                exit_codes = self._supervisor.wait(cluster.actions)
                ended_unix_ns = time.time_ns()
                running = [name for name in self._spec.machines if name not in exit_codes]
                with outcome.phase("stop", report):
                    cluster.stop(running)
                with outcome.phase("collect", report):
                    self._collect(cluster, directory, outcome, running)
                epoch = ended_unix_ns
                if outcome.epoch_unix_ns:
                    epoch = outcome.epoch_unix_ns - cluster.clock_ahead_ns
                outcome.phases_s["barrier"] = (epoch - started_unix_ns) / SECOND_NS
                outcome.phases_s["run"] = (ended_unix_ns - epoch) / SECOND_NS
            finally:
                with outcome.phase("remove", report):
                    stack.close()

    def _collect(
        self, cluster: Cluster, directory: Path, outcome: RunOutcome, late: Collection[str]
    ) -> None:
        machines = outcome.machines = cluster.collect(directory)
        if start := first_start([log_path(directory, name) for name in machines]):
            outcome.epoch_unix_ns = start.run_epoch_unix_ns
            outcome.wall_offsets = start.wall_offsets
        outcome.problem = (
            "interrupted"
            if self._supervisor.is_interrupted
            else problem_of(
                self._spec, machines, late, cluster.last_output, self._supervisor.disturbed
            )
        )


def sustainable_jobs(specs: Sequence[Spec], cores: int | None = None) -> int:
    """Return the number of these runs that cores sustain at once without late ticks.

    By default, the cores are those of this computer.
    """
    cores = cores or os.cpu_count() or 1
    machines = max(len(spec.machines) for spec in specs)
    ticks_hz = max(sum(max_rates_hz(spec)) for spec in specs)
    by_ticks = cores * MAX_TICKS_PER_CORE_HZ // ticks_hz
    by_machines = cores * MAX_MACHINES_PER_CORE // machines
    return max(1, min(by_ticks, by_machines, MAX_JOBS))


def max_rates_hz(spec: Spec) -> list[int]:
    """Return the highest possible tick rate of each machine."""
    return [spec.tick_rates_hz.get(machine, spec.ticks[1]) for machine in spec.machines]
