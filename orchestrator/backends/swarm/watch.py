"""The watch over a run's machines: their tasks, their ends, and the nodes that are lost."""

import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import docker

from orchestrator.backends.docker.engine import connected
from orchestrator.backends.fault_injection import Supervisor
from orchestrator.backends.outcome import KILLED, EnvironmentProblem, machine_outcome
from orchestrator.backends.swarm.nodes import Node, lost_nodes
from orchestrator.backends.swarm.removal import filter_of
from orchestrator.backends.swarm.tasks import ENDED, WATCH_S, ServiceTask, listed
from orchestrator.backends.wall_clock import STOP_LIMIT_S
from vm.files import MachineOutcome


class Watch:
    """The machines of a run by the IDs of their services, which are added as they are created."""

    def __init__(self, name: str, supervisor: Supervisor, places: Mapping[str, Node]) -> None:
        self.machines: dict[str, str] = {}
        self._name = name
        self._supervisor = supervisor
        self._places = places
        self._exit_codes: dict[str, int | None] = {}
        #: Machines that the run has stopped; only their logs show how they ended.
        self._stopped: set[str] = set()

    def begin(self, stack: ExitStack) -> None:
        """Note ends of machines and losses of nodes, in a thread, until the stack closes."""
        over = threading.Event()

        def watch() -> None:
            with suppress(EnvironmentProblem), connected() as client:
                while not over.wait(WATCH_S):
                    self._note(client)
            if not over.is_set():
                self._supervisor.note_blindness("the manager of the swarm does not answer")

        thread = threading.Thread(target=watch, name=f"tasks of {self._name}", daemon=True)
        thread.start()
        stack.callback(thread.join, STOP_LIMIT_S)
        stack.callback(over.set)

    def tasks(self, client: docker.DockerClient) -> dict[str, ServiceTask]:
        """Return the tasks of the machines."""
        found = listed(client, filter_of(self._name))
        return {self.machines[t.service]: t for t in found if t.service in self.machines}

    def stop(self, stopped: Collection[str]) -> list[str]:
        """Take the ends of machines for planned from now on; return their services."""
        self._stopped |= set(stopped)
        return [service for service, machine in self.machines.items() if machine in stopped]

    def is_stopped(self, machine: str) -> bool:
        return machine in self._stopped

    def outcome(self, machine: str, log: Path) -> MachineOutcome:
        """Return the outcome of a machine, from its exit code and its log."""
        if machine in self._stopped:
            # Its exit code went with its service.
            outcome = machine_outcome(0, log)
            return outcome if outcome.outcome != "failed" else machine_outcome(KILLED, log)
        code = self._exit_codes.get(machine)
        if code == 0 and not log.exists():
            self._supervisor.note_disturbance(machine, f"{log.name} is missing")
        return machine_outcome(code, log)

    def _note(self, client: docker.DockerClient) -> None:
        tasks, lost = self.tasks(client), lost_nodes(client)
        for machine, node in self._places.items():
            if machine in self._exit_codes or machine in self._stopped:
                continue
            task = tasks.get(machine)
            if task is None:
                self._note_loss(machine, "its service was removed during the run")
            elif task.state in ENDED:
                self._exit_codes[machine] = code = task.exit_code
                self._supervisor.note_exit(machine, KILLED if code is None else code)
            elif node.id in lost:
                self._note_loss(machine, f"its node {node.name} does not answer")

    def _note_loss(self, machine: str, cause: str) -> None:
        self._supervisor.note_disturbance(machine, cause)
        self._exit_codes[machine] = KILLED
        self._supervisor.note_exit(machine, KILLED)
