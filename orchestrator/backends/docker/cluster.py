"""The containers of one run, through the Docker SDK.

A run has its networks, a volume and one container per machine, all fresh and all labelled. Each
removal is put on the stack before the thing is made, so nothing stays behind whatever happens in
between. The engine's event stream reports the exits; the logs are files in the volume, copied out
when all machines have ended. A pause freezes the container, a kill kills it, and a partition
disconnects containers from the networks that it cuts.
"""

import io
import shutil
import tarfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from orchestrator.backends.docker import image
from orchestrator.backends.docker.engine import connected, if_there, labels, version
from orchestrator.backends.docker.networks import Networks
from orchestrator.backends.fault_injection import (
    STARTUP_S,
    Actions,
    Injection,
    Supervisor,
    injections,
)
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import KILLED, epoch_in, machine_outcome
from orchestrator.backends.wall_clock import MAX_LAST_LINES, STOP_LIMIT_S
from vm.faults import Restart
from vm.files import MachineOutcome
from vm.spec import Spec

PORT = 50051
LOGS = "/logs"
MEMORY = "256m"
MAX_PIDS = 64
#: How many containers of a run the engine is asked to start at once.
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
        self._containers: dict[str, Container] = {}
        self._networks = Networks(spec, self._containers)
        self.versions = {"docker": version()["Version"]}
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
        stack.callback(if_there, partial(client.api.remove_volume, name))
        client.volumes.create(name, labels=self._labels)
        # One after the other: the first one fills the empty volume from the image.
        for machine in self._spec.machines:
            self._supervisor.check_interrupted()
            remove = partial(client.api.remove_container, f"{name}-{machine}", force=True)
            stack.callback(if_there, remove)
            self._containers[machine] = self._create(name, machine)
            self._networks.connect_others(machine)

    def _create(self, volume: str, machine: str) -> Container:
        network, endpoint = self._networks.first(machine)
        return self._client.containers.create(
            image.NAME,
            self._arguments(machine),
            name=f"{volume}-{machine}",
            hostname=machine,
            labels=self._labels,
            network=network,
            networking_config={network: self._client.api.create_endpoint_config(**endpoint)},
            volumes={volume: {"bind": LOGS, "mode": "rw"}},
            init=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            mem_limit=MEMORY,
            memswap_limit=MEMORY,
            pids_limit=MAX_PIDS,
        )

    def _arguments(self, machine: str) -> list[str]:
        peers = {
            peer: f"{self._networks.address(machine, peer)}:{PORT}"
            for peer in self._spec.machines
            if peer != machine
        }
        log = PurePosixPath(LOGS)
        own = arguments(self._spec, machine, self._run, PORT, peers, log, STARTUP_S)
        # A container that restarts has the arguments with which it was created.
        restarts = any(isinstance(fault, Restart) for fault in self._spec.faults)
        return [*own, "--recover"] if restarts else own

    def start(self, stack: ExitStack) -> None:
        self._note_exits(stack)
        self._supervisor.check_interrupted()
        _start_all(self._containers.values())
        if injections(self._spec):
            self._note_epoch(stack)

    def _note_exits(self, stack: ExitStack) -> None:
        """Note the exit of every machine, from before the first one starts."""
        name_of = {container.id: name for name, container in self._containers.items()}
        # Runs of other experiments, and so of other owners, may have the same name.
        ours = [f"{label}={value}" for label, value in self._labels.items()]
        client = stack.enter_context(connected())
        events: Any = client.events(decode=True, filters={"label": ours, "event": "die"})

        def listen() -> None:
            for event in events:
                code = int(event["Actor"]["Attributes"]["exitCode"])
                self._supervisor.note_exit(name_of[event["id"]], code)

        _in_background(listen, f"events of {self._run}", stack)
        stack.callback(events.close)

    def _note_epoch(self, stack: ExitStack) -> None:
        """Note the epoch as soon as a machine's log gives it.

        A printed line means that the log may have grown; the log itself is read.
        """
        machine, container = next(iter(self._containers.items()))

        def look() -> None:
            with connected() as client:
                followed = client.containers.get(container.id or "")
                for _ in followed.logs(stream=True, follow=True):
                    if epoch := epoch_in(_first_line(followed, f"{LOGS}/{machine}.jsonl")):
                        self._supervisor.note_epoch(epoch)
                        return

        _in_background(look, f"epoch of {self._run}", stack)

    def _restart(self, injection: Injection) -> None:
        """Start a container that was killed; one that ended by itself has finished its run."""
        container = self._container(injection)
        if container.wait(timeout=STOP_LIMIT_S)["StatusCode"] == KILLED:
            container.start()

    def stop(self, running: Collection[str]) -> None:
        containers = [self._containers[name] for name in running]
        for container in containers:
            container.reload()
            if container.status == "paused":
                container.unpause()
            if_there(partial(container.kill, signal="SIGTERM"))
        for container in containers:
            container.stop(timeout=STOP_LIMIT_S)

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        self._copy_logs(directory)
        return {
            name: _outcome(container, directory / f"{name}.jsonl")
            for name, container in self._containers.items()
        }

    def last_output(self, machine: str) -> str:
        output = self._containers[machine].logs(tail=MAX_LAST_LINES)
        return output.decode(errors="replace").strip()

    def _copy_logs(self, directory: Path) -> None:
        """Copy the logs of all machines out of the volume."""
        any_container = next(iter(self._containers.values()))
        wanted = {f"{name}{suffix}" for name in self._containers for suffix in (".jsonl", ".out")}
        for name, source in _files(any_container, LOGS):
            if name in wanted:
                with (directory / name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)

    def _container(self, injection: Injection) -> Container:
        return self._containers[injection.machine]


@contextmanager
def containers(spec: Spec, run: str, supervisor: Supervisor) -> Iterator[Containers]:
    """Connect to the engine for one run. EnvironmentProblem if it fails, at first or later."""
    with connected() as client:
        yield Containers(client, spec, run, supervisor)


def _in_background(act: Callable[[], None], name: str, stack: ExitStack) -> None:
    """Start a thread that is joined when the stack closes."""
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    stack.callback(thread.join, STOP_LIMIT_S)


class _Stream(io.RawIOBase):
    """A file to read from chunks as they come."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def _start_all(containers: Iterable[Container]) -> None:
    """Start containers in parallel: the sooner the last one is up, the less the others wait."""

    def start(container: Container) -> None:
        with connected() as client:
            client.api.start(container.id or "")

    with ThreadPoolExecutor(MAX_STARTING) as pool:
        for started in [pool.submit(start, container) for container in containers]:
            started.result()


def _files(container: Container, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the names and contents of the files at or below a path, one after the other."""
    chunks, _ = container.get_archive(path)
    with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
        for member in archive:
            if source := archive.extractfile(member):
                yield Path(member.name).name, source


def _first_line(container: Container, path: str) -> str:
    """Return the first line of a file, or "" if there is none."""
    try:
        return next(source.readline().decode() for _, source in _files(container, path))
    except NotFound:
        return ""


def _outcome(container: Container, log: Path) -> MachineOutcome:
    """Return how a machine ended, by its container's state and its log."""
    container.reload()
    state = container.attrs["State"]
    if state["StartedAt"].startswith("0001"):
        return machine_outcome(None, log)
    return machine_outcome(state["ExitCode"], log, out_of_memory=state["OOMKilled"])
