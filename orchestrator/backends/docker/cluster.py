"""The containers of one run, through the Docker SDK.

A run has its networks, two volumes and one container per machine, all fresh and all labelled. One
volume is for the logs; the other holds the run's key, so that restarted containers find it again.
The removal of each resource is put on the stack before it is created, so nothing is left after an
error. The engine's event stream reports the exits; the logs are files in the volume, copied out
when all machines have ended. A pause freezes the container, a kill kills it, and a partition
disconnects containers from the networks that it cuts.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from tarfile import TarInfo
from typing import IO, Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from orchestrator.backends.docker import clock, image
from orchestrator.backends.docker.archives import keep, members, packed
from orchestrator.backends.docker.engine import BROKEN, connected, if_there, labels, version
from orchestrator.backends.docker.networks import Networks
from orchestrator.backends.fault_injection import (
    STARTUP_S,
    Actions,
    Injection,
    Supervisor,
    injections,
)
from orchestrator.backends.kept_logs import max_bytes
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import (
    KILLED,
    MAX_LINE_BYTES,
    EnvironmentProblem,
    epoch_in,
    machine_outcome,
)
from orchestrator.backends.wall_clock import MAX_LAST_LINES, STOP_LIMIT_S
from orchestrator.keys import new_secret
from vm.faults import Restart
from vm.files import MachineOutcome, log_path, transcript_path
from vm.spec import Spec

PORT = 50051
LOGS = "/logs"
#: The folder of the volume with the key, and the file in it.
KEYS, KEY = "/key", "run.key"
MEMORY = "256m"
MAX_PIDS = 64
#: The most containers of a run that the engine starts at once.
MAX_STARTING = 4


class Containers:
    """The containers of one run: a `Cluster` of `wall_clock`."""

    def __init__(
        self, client: docker.DockerClient, spec: Spec, run: str, supervisor: Supervisor
    ) -> None:
        self._client = client
        self._spec = spec
        self._run = run
        self._supervisor = supervisor
        self._labels = labels(run)
        # Runs of other experiments and owners may have the same name.
        self._ours = [f"{label}={value}" for label, value in self._labels.items()]
        self._volume = ""
        self._exit_codes: dict[str, int] = {}
        #: The number of starts of each container by this run that have not been noted yet.
        self._starts = Counter(spec.machines)
        self._containers: dict[str, Container] = {}
        self._networks = Networks(spec, self._containers)
        self.versions = {"docker": version()["Version"]}
        #: The time that the engine's clock, which its machines have, is ahead of this computer's.
        self.clock_ahead_ns = 0
        self.actions: Actions = {
            "freeze": lambda injection: if_there(self._container(injection).pause),
            "thaw": lambda injection: if_there(self._container(injection).unpause),
            "kill": lambda injection: if_there(self._container(injection).kill),
            "start": self._restart,
            "separate": self._networks.separate,
            "join": self._networks.join,
        }

    def create(self, directory: Path, stack: ExitStack) -> None:
        client = self._client
        name = f"vklocks-{self._run}-{self._labels['vklocks.owner'].rpartition(':')[2]}"
        self._supervisor.check_interrupted()
        self._networks.create(client, stack, name, self._labels)
        for volume in (name, f"{name}-key"):
            stack.callback(if_there, partial(client.api.remove_volume, volume))
            client.volumes.create(volume, labels=self._labels)
        self._volume = name
        stack.callback(self._remove)
        # One after the other, as the first container fills the empty volume from the image.
        for machine in self._spec.machines:
            self._supervisor.check_interrupted()
            self._containers[machine] = self._create(name, machine)
            self._networks.connect_others(machine)
        self._hand_over_key()

    def _remove(self) -> None:
        """Remove all containers of the run, even if renamed."""
        with ExitStack() as stack:
            for one in self._client.api.containers(all=True, filters={"label": self._ours}):
                remove = partial(self._client.api.remove_container, one["Id"], force=True)
                stack.callback(if_there, remove)

    def _create(self, volume: str, machine: str) -> Container:
        network, endpoint = self._networks.first(machine)
        return self._client.containers.create(
            image.reference(),
            self._arguments(machine),
            name=f"{volume}-{machine}",
            hostname=machine,
            labels=self._labels,
            network=network,
            networking_config={network: self._client.api.create_endpoint_config(**endpoint)},
            volumes={
                volume: {"bind": LOGS, "mode": "rw"},
                # Its folder and file belong to root, and machines do not run as root.
                f"{volume}-key": {"bind": KEYS, "mode": "rw"},
            },
            init=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            mem_limit=MEMORY,
            memswap_limit=MEMORY,
            pids_limit=MAX_PIDS,
        )

    def _hand_over_key(self) -> None:
        """Write a new key into its volume, through any of the created containers."""
        container = next(iter(self._containers.values()))
        container.put_archive(KEYS, packed(KEY, new_secret(), 0o444))

    def _arguments(self, machine: str) -> list[str]:
        peers = {
            peer: f"{self._networks.address(machine, peer)}:{PORT}"
            for peer in self._spec.machines
            if peer != machine
        }
        log = PurePosixPath(LOGS)
        own = arguments(self._spec, machine, self._run, PORT, peers, log, STARTUP_S)
        # A restarted container has the arguments of its creation.
        own += ["--key", f"{KEYS}/{KEY}"]
        restarts = any(isinstance(fault, Restart) for fault in self._spec.faults)
        return [*own, "--recover"] if restarts else own

    def start(self, stack: ExitStack) -> None:
        self._note_events(stack)
        self.clock_ahead_ns = clock.difference(self._client).ahead_ns
        self._supervisor.check_interrupted()
        _start_all(self._containers.values())
        if injections(self._spec):
            self._note_epoch(stack)

    def _note_events(self, stack: ExitStack) -> None:
        """Note exits and interference from outside, from before the first machine starts."""
        name_of = {container.id: name for name, container in self._containers.items()}
        client = stack.enter_context(connected())
        wanted = {"label": self._ours, "event": ["start", "die", "destroy", "rename"]}
        events: Any = client.events(decode=True, filters=wanted)

        def listen() -> None:
            with suppress(*BROKEN):
                for event in events:
                    self._note(name_of[event["id"]], event["Action"], event["Actor"]["Attributes"])
            self._supervisor.note_blindness("the connection for its events broke")

        _in_background(listen, f"events of {self._run}", stack)
        stack.callback(events.close)

    def _note(self, machine: str, action: str, attributes: Mapping[str, str]) -> None:
        if action == "die":
            self._exit_codes[machine] = int(attributes["exitCode"])
            self._supervisor.note_exit(machine, self._exit_codes[machine])
        elif action == "destroy":
            self._note_removal(machine)
        elif action == "rename":
            self._supervisor.note_disturbance(machine, "its container was renamed during the run")
        else:
            self._starts[machine] -= 1
            if self._starts[machine] < 0:
                self._supervisor.note_disturbance(machine, "its container was restarted by others")

    def _note_removal(self, machine: str) -> None:
        self._supervisor.note_disturbance(machine, "its container was removed during the run")
        if machine not in self._exit_codes:
            self._exit_codes[machine] = KILLED
            self._supervisor.note_exit(machine, KILLED)

    def _note_epoch(self, stack: ExitStack) -> None:
        """Note the epoch as soon as a machine's log holds it.

        After each printed line the log may have grown, so it is read again.
        """
        machine, container = next(iter(self._containers.items()))

        def look() -> None:
            with suppress(EnvironmentProblem), connected() as client, suppress(NotFound):
                followed = client.containers.get(container.id or "")
                for _ in followed.logs(stream=True, follow=True):
                    if epoch := epoch_in(_first_line(followed, f"{LOGS}/{machine}.jsonl")):
                        self._supervisor.note_epoch(epoch - self.clock_ahead_ns)
                        return

        _in_background(look, f"epoch of {self._run}", stack)

    def _restart(self, injection: Injection) -> None:
        """Restart a killed container; a container that ended by itself has finished its run."""
        container = self._container(injection)
        with suppress(NotFound):
            if container.wait(timeout=STOP_LIMIT_S)["StatusCode"] == KILLED:
                self._starts[injection.machine] += 1
                container.start()

    def stop(self, running: Collection[str]) -> None:
        containers = [self._containers[name] for name in running]
        for container in containers:
            if_there(partial(_terminate, container))
        for container in containers:
            if_there(partial(container.stop, timeout=STOP_LIMIT_S))

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        self._copy_logs(directory)
        return {name: self._outcome(name, log_path(directory, name)) for name in self._containers}

    def _outcome(self, machine: str, log: Path) -> MachineOutcome:
        """Return the outcome of a machine, from its container's state and its log."""
        container = self._containers[machine]
        try:
            container.reload()
        except NotFound:
            self._note_removal(machine)
            return machine_outcome(self._exit_codes[machine], log)
        state = container.attrs["State"]
        if state["StartedAt"].startswith("0001"):
            return machine_outcome(None, log)
        if state["ExitCode"] == 0 and not log.exists():
            self._supervisor.note_disturbance(machine, f"{log.name} is missing")
        return machine_outcome(state["ExitCode"], log, out_of_memory=state["OOMKilled"])

    def last_output(self, machine: str) -> str:
        try:
            output = self._containers[machine].logs(tail=MAX_LAST_LINES)
        except NotFound:
            return ""
        return output.decode(errors="replace").strip()

    def _copy_logs(self, directory: Path) -> None:
        """Copy the logs of all machines out of the volume.

        One archive holds all files; after a file that is too large, the rest is copied one by one.
        """
        limit, reader = max_bytes(self._spec), self._reader()
        left = {
            path.name: machine
            for machine in self._containers
            for path in (log_path(directory, machine), transcript_path(directory, machine))
        }
        for member, source in members(reader, LOGS):
            if member.size > limit:
                break
            if machine := left.pop(member.name.removeprefix("logs/"), ""):
                self._copy(machine, member, source, directory)
        else:
            return
        for file, machine in left.items():
            with suppress(NotFound):
                for member, source in members(reader, f"{LOGS}/{file}"):
                    self._copy(machine, member, source, directory)
                    break

    def _copy(
        self, machine: str, member: TarInfo, source: IO[bytes] | None, directory: Path
    ) -> None:
        """Copy one file of a machine, if it is a valid file and the disk has room."""
        file = directory / Path(member.name).name
        if problem := keep(member, source, file, max_bytes(self._spec)):
            self._supervisor.note_disturbance(machine, f"{file.name} {problem}")

    def _reader(self) -> Container:
        """Return a container with the volume: a machine's, or a new one if none is left."""
        ours = self._client.containers.list(
            all=True, filters={"label": self._ours}, limit=1, ignore_removed=True
        )
        return (
            ours[0]
            if ours
            else self._client.containers.create(
                image.reference(),
                labels=self._labels,
                volumes={self._volume: {"bind": LOGS, "mode": "ro"}},
                network_mode="none",
            )
        )

    def _container(self, injection: Injection) -> Container:
        return self._containers[injection.machine]


@contextmanager
def containers(spec: Spec, run: str, supervisor: Supervisor) -> Iterator[Containers]:
    """Connect to the engine for one run. EnvironmentProblem if it fails, now or later."""
    with connected() as client:
        yield Containers(client, spec, run, supervisor)


def _in_background(act: Callable[[], None], name: str, stack: ExitStack) -> None:
    """Start a thread that is joined when the stack closes."""
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    stack.callback(thread.join, STOP_LIMIT_S)


def _start_all(containers: Iterable[Container]) -> None:
    """Start containers in parallel, as all wait until the last one is up."""

    def start(container: Container) -> None:
        with connected() as client:
            if_there(partial(client.api.start, container.id or ""))

    with ThreadPoolExecutor(MAX_STARTING) as pool:
        for started in [pool.submit(start, container) for container in containers]:
            started.result()


def _terminate(container: Container) -> None:
    container.reload()
    if container.status == "paused":
        container.unpause()
    container.kill(signal="SIGTERM")


def _first_line(container: Container, path: str) -> str:
    """Return the first line of a file, or ""."""
    with suppress(NotFound):
        for _, source in members(container, path):
            return source.readline(MAX_LINE_BYTES).decode(errors="replace") if source else ""
    return ""
