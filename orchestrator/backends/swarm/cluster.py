"""The services of one run in a swarm: a `Cluster` of `wall_clock`.

A run has a secret with its key, an overlay network, and for each machine a service on a chosen node
and a volume there. The orchestrator speaks with the manager alone. It lists the tasks to see the
ends of machines. Faults are applied beside the machines, by `vm.swarm.faults`, and partitions in
their channels. When all machines have ended, a service on each node sends their logs to a
container on the manager, and another one removes the volumes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import docker
from docker.errors import APIError
from docker.types import Mount

from orchestrator.backends.docker import clock
from orchestrator.backends.docker.archives import keep
from orchestrator.backends.docker.engine import connected, if_there, version
from orchestrator.backends.fault_injection import STARTUP_S, Actions, Supervisor
from orchestrator.backends.kept_logs import max_bytes
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.backends.swarm import Choices, collection, images, removal, services
from orchestrator.backends.swarm.nodes import Node, lost_nodes, nodes, spread
from orchestrator.backends.swarm.services import Program, RunSecret
from orchestrator.backends.swarm.tasks import COMPLETE, EARLY, ServiceTask, ended, polls
from orchestrator.backends.swarm.watch import Watch
from orchestrator.backends.wall_clock import MAX_LAST_LINES
from orchestrator.keys import new_certificate
from vm.faults import faults_of
from vm.files import MachineOutcome, log_path, transcript_path
from vm.spec import Spec

PORT = 50051
#: How long nodes may take to start all machines, and to send all logs.
START_LIMIT_S = 120
SEND_LIMIT_S = 120


class Services:
    """The services of one run."""

    def __init__(
        self,
        client: docker.DockerClient,
        spec: Spec,
        run: str,
        supervisor: Supervisor,
        image: str,
        choices: Choices,
    ) -> None:
        self._client = client
        self._spec = spec
        self._run = run
        self._supervisor = supervisor
        self._image = image
        self._choices = choices
        self._name = removal.new_name()
        self._labels = removal.labels(self._name, run)
        self._places: dict[str, Node] = {}
        self._key = RunSecret("", "")
        # The network is not this computer's own, so machines encrypt.
        self._secret = new_certificate()
        self._network = ""
        self._watch = Watch(self._name, supervisor, self._places)
        #: The time that the manager's clock is ahead of this computer's; nodes are set like it.
        self.clock_ahead_ns = 0
        self.versions = {"docker": version()["Version"]}
        #: The machines apply their faults themselves.
        self.actions: Actions = {}

    def create(self, directory: Path, stack: ExitStack) -> None:
        api: Any = self._client.api
        name, labels = self._name, self._labels
        self._supervisor.check_interrupted()
        self._places |= spread(self._spec.machines, self._choices.place, nodes(self._client))
        stack.callback(if_there, partial(api.remove_secret, name))
        self._key = RunSecret(api.create_secret(name, self._secret, labels)["ID"], name)
        stack.callback(if_there, partial(api.remove_network, name))
        options = {"encrypted": ""} if self._choices.encrypt else None
        network = self._client.networks.create(
            name, driver="overlay", attachable=True, labels=labels, options=options
        )
        self._network = network.id or ""
        stack.callback(self._remove)

    def _remove(self) -> None:
        """Remove all services and volumes of the run, on all nodes that answer."""
        if self._watch.machines:
            lost = lost_nodes(self._client)
            used = [node for node in dict.fromkeys(self._places.values()) if node.id not in lost]
            # Once no volume is in use, all containers are removed.
            end = partial(removal.remove_services, self._client, self._name)
            removal.sweep(self._client, self._image, used, {"remove": [self._name]}, end)
        removal.end_tasks(self._client, self._name)

    def start(self, stack: ExitStack) -> None:
        limit = 2 * len(self._spec.machines) * max_bytes(self._spec)
        for machine in self._spec.machines:
            self._supervisor.check_interrupted()
            program = Program(self._command(machine), [self._mount(machine)])
            service = self._create(self._service_of(machine), self._places[machine], program)
            self._watch.machines[service] = machine
        self._receiver = collection.start_receiver(
            self._client, self._name, self._labels, self._image, self._secret, limit, stack
        )
        self._wait_for_start()
        self._watch.begin(stack)
        self.clock_ahead_ns = clock.difference(self._client).ahead_ns

    def _create(self, name: str, node: Node, program: Program) -> str:
        return services.create(
            self._client,
            name,
            self._labels,
            self._image,
            node,
            program,
            self._network,
            self._key,
        )

    def _service_of(self, machine: str) -> str:
        """Return the name of a machine's service and volume; it is valid in DNS."""
        return f"{self._name}-{self._spec.machines.index(machine) + 1}"

    def _mount(self, machine: str) -> Mount:
        return Mount(collection.LOGS, self._service_of(machine), labels=self._labels)

    def _command(self, machine: str) -> list[str]:
        peers = {
            peer: f"{self._service_of(peer)}:{PORT}"
            for peer in self._spec.machines
            if peer != machine
        }
        log = PurePosixPath(collection.LOGS)
        own = arguments(self._spec, machine, self._run, PORT, peers, log, STARTUP_S)
        # A machine without faults of its own needs no process beside it.
        module = "vm.swarm.faults" if faults_of(machine, self._spec.faults) else "vm"
        return ["python", "-m", module, *own, "--partitions", "--key", services.KEY_PATH]

    def _wait_for_start(self) -> None:
        """Wait until all machines run; EnvironmentProblem names the nodes that cannot start one."""
        tasks: dict[str, ServiceTask] = {}
        for _ in polls(START_LIMIT_S):
            self._supervisor.check_interrupted()
            tasks = self._watch.tasks(self._client)
            refused = {machine: task for machine, task in tasks.items() if task.is_refused}
            begun = [task for task in tasks.values() if task.is_refused or task.state not in EARLY]
            if len(begun) < len(self._spec.machines):
                continue
            if refused:
                raise EnvironmentProblem(self._refusal(refused))
            return
        late = [f"{m} on {self._places[m].name}" for m, t in tasks.items() if t.state in EARLY]
        raise EnvironmentProblem(f"not started within {START_LIMIT_S} s: {', '.join(late)}")

    def _refusal(self, refused: Mapping[str, ServiceTask]) -> str:
        """Return why nodes cannot start their machines, and the remedy."""
        lacking = [m for m, task in refused.items() if "No such image" in task.problem]
        if names := sorted({self._places[machine].name for machine in lacking}):
            return (
                f"no image of these sources on {', '.join(names)}: for each, `vklocks image save |"
                f" docker -H ssh://{names[0]} load`, or give one in a registry by --image"
            )
        machine, task = next(iter(refused.items()))
        return f"the node {self._places[machine].name} cannot start {machine}: {task.problem}"

    def stop(self, running: Collection[str]) -> None:
        ids = self._watch.stop(running)
        api: Any = self._client.api
        for service in ids:
            if_there(partial(api.remove_service, service))
        if ids:
            removal.wait_for_end(self._client, self._name, removal.END_LIMIT_S, of=ids)

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        self._send()
        self._copy(directory)
        return {
            machine: self._watch.outcome(machine, log_path(directory, machine))
            for machine in self._spec.machines
        }

    def _send(self) -> None:
        """Let each node send the logs of its machines."""
        by_node = defaultdict[Node, dict[str, str]](dict)
        for machine, node in self._places.items():
            by_node[node][machine] = self._service_of(machine)
        lost, senders = lost_nodes(self._client), dict[str, Node]()
        for number, (node, volumes) in enumerate(by_node.items()):
            if node.id in lost:
                continue
            program = collection.sending(self._name, volumes, max_bytes(self._spec), self._labels)
            senders[self._create(f"{self._name}-logs-{number}", node, program)] = node
        done = ended(self._client, removal.filter_of(self._name), senders, SEND_LIMIT_S)
        sent = {senders[task.service] for task in done if task.state == COMPLETE}
        for node in by_node.keys() - sent:
            for machine in by_node[node]:
                why = "does not answer" if node not in senders.values() else "could not send it"
                cause = f"its log is not kept: its node {node.name} {why}"
                self._supervisor.note_disturbance(machine, cause)

    def _copy(self, directory: Path) -> None:
        """Copy the logs and transcripts of all machines out of the bundles."""
        left = {
            path.name: machine
            for machine in self._spec.machines
            for path in (log_path(directory, machine), transcript_path(directory, machine))
        }
        for member, source in collection.bundled(self._receiver):
            if machine := left.pop(member.name, ""):
                file = directory / member.name
                if problem := keep(member, source, file, max_bytes(self._spec)):
                    self._supervisor.note_disturbance(machine, f"{file.name} {problem}")

    def last_output(self, machine: str) -> str:
        if self._watch.is_stopped(machine) or self._places[machine].id in lost_nodes(self._client):
            return ""
        api: Any = self._client.api
        name = self._service_of(machine)
        try:
            lines = list(api.service_logs(name, stdout=True, stderr=True, tail=MAX_LAST_LINES))
        except APIError:
            return ""
        return b"".join(lines).decode(errors="replace").strip()


@contextmanager
def in_swarm(
    spec: Spec, run: str, supervisor: Supervisor, *, choices: Choices
) -> Iterator[Services]:
    """Connect to the manager for one run. EnvironmentProblem if it fails, now or later."""
    with connected() as client:
        yield Services(client, spec, run, supervisor, images.pinned(client, choices.image), choices)
