"""The backend `containers`: every machine in a container of its own, by the Docker SDK.

A run has its networks, a volume and one container per machine, all fresh and all labelled. What
removes a thing is put on the stack before the thing is made, so nothing stays behind whatever
happens in between. The engine's event stream tells when a machine has ended; the logs are
files in the volume, copied out when all have. Faults are done to the real thing: a container is
frozen, killed or started again, and a partition pulls the plugs of the networks that it cuts.
"""

import io
import shutil
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from orchestrator.backends.docker import image
from orchestrator.backends.docker.engine import connected, if_there, labels
from orchestrator.backends.docker.networks import Networks
from orchestrator.backends.fault_injection import STARTUP_S, Injection, Watch, injections
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import (
    KILLED,
    Interrupted,
    MachineOutcome,
    Outcome,
    epoch_in,
    epoch_unix_ns,
    examine,
    problem_of,
)
from vm.faults import Restart
from vm.spec import Spec

PORT = 50051
LOGS = "/logs"
MEMORY = "256m"
MAX_PIDS = 64
STOP_LIMIT_S = 3
MAX_LAST_LINES = 3
#: How many containers of a run the engine is asked to start at once.
MAX_STARTING = 4


class Cluster:
    """The containers of one run. `carry_out` in one thread, `interrupt` from any."""

    def __init__(self, spec: Spec, run: str) -> None:
        self._spec = spec
        self._run = run
        self._labels = labels(run)
        self._containers: dict[str, Container] = {}
        self._networks = Networks(spec, self._containers)
        self._watch = Watch(
            spec,
            {
                "freeze": lambda what: if_there(self._containers[what.machine].pause),
                "thaw": lambda what: if_there(self._containers[what.machine].unpause),
                "kill": lambda what: if_there(self._containers[what.machine].kill),
                "start": self._start_again,
                "separate": self._networks.separate,
                "join": self._networks.join,
            },
        )

    def interrupt(self) -> None:
        """End the run soon; its machines stop cleanly and their logs are kept."""
        self._watch.interrupt()

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Bring the cluster up, wait until it has ended, and fill directory and outcome.

        Nothing of it is left in the engine. EnvironmentProblem if the engine fails, Interrupted
        if the run was to end before it began.
        """
        with connected() as client, ExitStack() as stack:
            outcome.versions["docker"] = client.version()["Version"]
            try:
                with outcome.phase("create", report):
                    self._create(client, stack)
                with outcome.phase("start", report):
                    stack.enter_context(self._listen())
                    self._check_interrupted()
                    _start_all(self._containers.values())
                    if injections(self._spec):
                        stack.enter_context(self._look_for_the_epoch())
                started_unix_ns = time.time_ns()
                report("run")
                exit_codes = self._watch.wait()
                ended_unix_ns = time.time_ns()
                with outcome.phase("stop", report):
                    self._stop(exit_codes)
                with outcome.phase("collect", report):
                    self._collect(directory, outcome, exit_codes)
                epoch = outcome.epoch_unix_ns or ended_unix_ns
                outcome.phases_s["barrier"] = (epoch - started_unix_ns) / 1e9
                outcome.phases_s["run"] = (ended_unix_ns - epoch) / 1e9
            finally:
                with outcome.phase("remove", report):
                    stack.close()

    def _create(self, client: docker.DockerClient, stack: ExitStack) -> None:
        name = f"vklocks-{self._run}-{self._labels['vklocks.owner'].rpartition(':')[2]}"
        self._check_interrupted()
        self._networks.create(client, stack, name, self._labels)
        stack.callback(if_there, lambda: client.volumes.get(name).remove())
        client.volumes.create(name, labels=self._labels)
        # One after the other: the first one fills the empty volume from the image.
        for machine in self._spec.machines:
            self._check_interrupted()
            stack.callback(if_there, _remover(client, f"{name}-{machine}"))
            self._containers[machine] = self._container(client, name, machine)
            self._networks.connect_others(machine)

    def _container(self, client: docker.DockerClient, volume: str, machine: str) -> Container:
        network, found_at = self._networks.first(machine)
        endpoint = client.api.create_endpoint_config(**found_at)
        return client.containers.create(
            image.NAME,
            self._arguments(machine),
            name=f"{volume}-{machine}",
            hostname=machine,
            labels=self._labels,
            network=network,
            networking_config={network: endpoint},
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
        told = arguments(self._spec, machine, self._run, PORT, peers, log, STARTUP_S)
        # A container that is started again has the arguments that it was made with.
        comes_back = any(isinstance(fault, Restart) for fault in self._spec.faults)
        return [*told, "--recover"] if comes_back else told

    @contextmanager
    def _listen(self) -> Iterator[None]:
        """Tell the watch of the exit of every machine, from before the first one starts."""
        name_of = {container.id: name for name, container in self._containers.items()}
        # Runs of other experiments, and so of other owners, may have the same name.
        ours = [f"{label}={value}" for label, value in self._labels.items()]
        listening = threading.Event()

        def listen() -> None:
            with connected() as client:
                events: Any = client.events(decode=True, filters={"label": ours, "event": "die"})
                stops.append(events.close)
                listening.set()
                for event in events:
                    code = int(event["Actor"]["Attributes"]["exitCode"])
                    self._watch.ended(name_of[event["id"]], code)

        stops: list[Callable[[], None]] = []
        thread = threading.Thread(target=listen, name=f"events of {self._run}", daemon=True)
        thread.start()
        listening.wait(timeout=STARTUP_S)
        try:
            yield
        finally:
            for stop in stops:
                stop()
            thread.join(timeout=STOP_LIMIT_S)

    @contextmanager
    def _look_for_the_epoch(self) -> Iterator[None]:
        """Tell the watch when the run begins, as soon as a machine's log says so.

        What the machine prints is only the bell: a line means that the log may have grown.
        """
        machine, container = next(iter(self._containers.items()))

        def look() -> None:
            with connected() as client:
                followed = client.containers.get(container.id or "")
                for _ in followed.logs(stream=True, follow=True):
                    if epoch := epoch_in(_first_line(followed, f"{LOGS}/{machine}.jsonl")):
                        self._watch.begun(epoch)
                        return

        thread = threading.Thread(target=look, name=f"epoch of {self._run}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(timeout=STOP_LIMIT_S)

    def _start_again(self, injection: Injection) -> None:
        """Start a container that was killed; one that had ended by itself is left alone."""
        container = self._containers[injection.machine]
        if container.wait(timeout=STOP_LIMIT_S)["StatusCode"] == KILLED:
            container.start()

    def _stop(self, exit_codes: dict[str, int]) -> None:
        """End what still runs, all at once: machines drain their channels to each other."""
        running = [c for name, c in self._containers.items() if name not in exit_codes]
        for container in running:
            container.reload()
            if container.status == "paused":
                container.unpause()
            if_there(partial(container.kill, signal="SIGTERM"))
        for container in running:
            container.stop(timeout=STOP_LIMIT_S)

    def _collect(self, directory: Path, outcome: Outcome, exit_codes: dict[str, int]) -> None:
        self._copy_logs(directory)
        outcome.machines = {
            name: _examine(container, directory / f"{name}.jsonl")
            for name, container in self._containers.items()
        }
        outcome.problem = self._problem(exit_codes, outcome)
        outcome.epoch_unix_ns = epoch_unix_ns(sorted(directory.glob("*.jsonl")))

    def _copy_logs(self, directory: Path) -> None:
        """Copy the logs of all machines out of the volume."""
        any_container = next(iter(self._containers.values()))
        wanted = {f"{name}{suffix}" for name in self._containers for suffix in (".jsonl", ".out")}
        for name, source in _files(any_container, LOGS):
            if name in wanted:
                with (directory / name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)

    def _problem(self, exit_codes: dict[str, int], outcome: Outcome) -> str:
        if self._watch.is_interrupted:
            return "interrupted"
        late = [name for name in self._containers if name not in exit_codes]

        def said(name: str) -> str:
            container = self._containers[name]
            return container.logs(tail=MAX_LAST_LINES).decode(errors="replace").strip()

        return problem_of(self._spec, outcome.machines, late, said)

    def _check_interrupted(self) -> None:
        if self._watch.is_interrupted:
            raise Interrupted


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
    """Start containers side by side: one that is there long before its peers only waits."""

    def start(container: Container) -> None:
        with connected() as client:
            client.containers.get(container.id or "").start()

    with ThreadPoolExecutor(MAX_STARTING) as pool:
        for started in [pool.submit(start, container) for container in containers]:
            started.result()


def _remover(client: docker.DockerClient, name: str) -> Callable[[], None]:
    return lambda: client.containers.get(name).remove(force=True, v=False)


def _files(container: Container, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The names and contents of the files at or below a path, one after the other."""
    chunks, _ = container.get_archive(path)
    with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
        for member in archive:
            if source := archive.extractfile(member):
                yield Path(member.name).name, source


def _first_line(container: Container, path: str) -> str:
    """The first line of a file, or "" if there is none."""
    try:
        return next(source.readline().decode() for _, source in _files(container, path))
    except NotFound:
        return ""


def _examine(container: Container, log: Path) -> MachineOutcome:
    """How a machine ended, by its container's state and its log."""
    container.reload()
    state = container.attrs["State"]
    if state["StartedAt"].startswith("0001"):
        return examine(None, log)
    return examine(state["ExitCode"], log, out_of_memory=state["OOMKilled"])
