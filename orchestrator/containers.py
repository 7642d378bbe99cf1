"""The backend `containers`: every machine in a container of its own, by the Docker SDK.

A run has a network, a volume and one container per machine, all fresh and all labelled. What
removes a thing is put on the stack before the thing is made, so nothing stays behind whatever
happens in between. The engine's event stream tells when a machine has ended; the logs are
files in the volume, copied out when all have.
"""

import io
import queue
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from orchestrator import image
from orchestrator.command import arguments
from orchestrator.engine import connected, labels
from orchestrator.outcome import (
    EnvironmentProblem,
    Interrupted,
    MachineOutcome,
    Outcome,
    epoch_unix_ns,
    examine,
    problem_of,
)
from vm.spec import Spec

PORT = 50051
LOGS = "/logs"
MEMORY = "256m"
MAX_PIDS = 64
STARTUP_S = 30
#: What a run may take beyond start-up and duration: its drain, and an engine that is busy.
MARGIN_S = 15
STOP_LIMIT_S = 3
#: The engine's own pools hold about 30 networks. These are ours: a /24 for every run.
SUBNETS = tuple(f"10.213.{third}.0/24" for third in range(256))
#: Exit codes of a machine that never began: its peers need not wait for it.
NEVER_BEGAN = (2, 3)
MAX_LAST_LINES = 3
#: How many containers of a run the engine is asked to start at once.
MAX_STARTING = 4


class Cluster:
    """The containers of one run. `carry_out` in one thread, `interrupt` from any."""

    def __init__(self, spec: Spec, run: str) -> None:
        self._spec = spec
        self._run = run
        self._labels = labels(run)
        #: Names and exit codes of machines that ended; None when the run is to be ended.
        self._ended: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """End the run soon; its machines stop cleanly and their logs are kept."""
        self._interrupted.set()
        self._ended.put(None)

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Bring the cluster up, wait until it has ended, and fill directory and outcome.

        Nothing of it is left in the engine. EnvironmentProblem if the engine fails, Interrupted
        if the run was to end before it began.
        """
        with connected() as client, ExitStack() as stack:
            outcome.versions["docker"] = client.version()["Version"]
            containers: dict[str, Container] = {}
            try:
                with outcome.phase("create", report):
                    self._create(client, stack, containers)
                with outcome.phase("start", report):
                    stack.enter_context(self._watch(containers))
                    self._check_interrupted()
                    _start_all(containers.values())
                started_unix_ns = time.time_ns()
                report("run")
                exit_codes = self._wait(len(containers))
                ended_unix_ns = time.time_ns()
                with outcome.phase("stop", report):
                    self._stop(containers, exit_codes)
                with outcome.phase("collect", report):
                    self._collect(containers, directory)
                    outcome.machines = {
                        name: _examine(container, directory / f"{name}.jsonl")
                        for name, container in containers.items()
                    }
                    outcome.problem = self._problem(containers, exit_codes, outcome)
                outcome.epoch_unix_ns = epoch_unix_ns(sorted(directory.glob("*.jsonl")))
                epoch = outcome.epoch_unix_ns or ended_unix_ns
                outcome.phases_s["barrier"] = (epoch - started_unix_ns) / 1e9
                outcome.phases_s["run"] = (ended_unix_ns - epoch) / 1e9
            finally:
                with outcome.phase("remove", report):
                    stack.close()

    def _create(
        self, client: docker.DockerClient, stack: ExitStack, containers: dict[str, Container]
    ) -> None:
        name = f"vklocks-{self._run}-{self._labels['vklocks.owner'].rpartition(':')[2]}"
        self._check_interrupted()
        stack.callback(_if_there, lambda: client.networks.get(name).remove())
        network = self._network(client, name)
        stack.callback(_if_there, lambda: client.volumes.get(name).remove())
        client.volumes.create(name, labels=self._labels)
        # One after the other: the first one fills the empty volume from the image.
        for machine in self._spec.machines:
            self._check_interrupted()
            stack.callback(_if_there, _remover(client, f"{name}-{machine}"))
            containers[machine] = self._container(client, network, name, machine)

    def _network(self, client: docker.DockerClient, name: str) -> Network:
        """An internal network in the first of our subnets that is free."""
        used = {
            pool.get("Subnet")
            for network in client.networks.list()
            for pool in (network.attrs.get("IPAM") or {}).get("Config") or ()
        }
        for subnet in SUBNETS:
            if subnet in used:
                continue
            pools = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
            try:
                return client.networks.create(
                    name, internal=True, ipam=pools, labels=self._labels, check_duplicate=True
                )
            except APIError as error:
                # Somebody else has just taken it, or it overlaps with a network of theirs.
                if "overlap" not in str(error.explanation):
                    raise
        raise EnvironmentProblem(
            f"all {len(SUBNETS)} subnets from {SUBNETS[0]} on are taken: `vklocks clean` may help"
        )

    def _container(
        self, client: docker.DockerClient, network: Network, volume: str, machine: str
    ) -> Container:
        assert network.name is not None
        endpoint = client.api.create_endpoint_config(aliases=[machine])
        return client.containers.create(
            image.NAME,
            self._arguments(machine),
            name=f"{volume}-{machine}",
            hostname=machine,
            labels=self._labels,
            network=network.name,
            networking_config={network.name: endpoint},
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
        peers = {peer: f"{peer}:{PORT}" for peer in self._spec.machines if peer != machine}
        log = PurePosixPath(LOGS)
        return arguments(self._spec, machine, self._run, PORT, peers, log, STARTUP_S)

    @contextmanager
    def _watch(self, containers: dict[str, Container]) -> Iterator[None]:
        """Put the exit of every machine on the queue, from before the first one starts."""
        name_of = {container.id: name for name, container in containers.items()}
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
                    self._ended.put((name_of[event["id"]], code))

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

    def _wait(self, machines: int) -> dict[str, int]:
        """The exit codes of the machines that ended by themselves and in time."""
        deadline = time.monotonic() + STARTUP_S + self._spec.duration_s + MARGIN_S
        exit_codes: dict[str, int] = {}
        while len(exit_codes) < machines:
            try:
                ended = self._ended.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if ended is None:
                break
            name, code = ended
            exit_codes[name] = code
            if code in NEVER_BEGAN:
                break
        return exit_codes

    def _stop(self, containers: dict[str, Container], exit_codes: dict[str, int]) -> None:
        """End what still runs, all at once: machines drain their channels to each other."""
        running = [c for name, c in containers.items() if name not in exit_codes]
        for container in running:
            _if_there(partial(container.kill, signal="SIGTERM"))
        for container in running:
            container.stop(timeout=STOP_LIMIT_S)

    def _collect(self, containers: dict[str, Container], directory: Path) -> None:
        """Copy the logs of all machines out of the volume."""
        any_container = next(iter(containers.values()))
        chunks, _ = any_container.get_archive(LOGS)
        wanted = {f"{name}{suffix}" for name in containers for suffix in (".jsonl", ".out")}
        with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
            for member in archive:
                name = Path(member.name).name
                source = archive.extractfile(member) if member.isfile() else None
                if source is not None and name in wanted:
                    with (directory / name).open("wb") as copy:
                        while block := source.read(1024 * 1024):
                            copy.write(block)

    def _problem(
        self, containers: dict[str, Container], exit_codes: dict[str, int], outcome: Outcome
    ) -> str:
        if self._interrupted.is_set():
            return "interrupted"
        late = [name for name in containers if name not in exit_codes]

        def said(name: str) -> str:
            return containers[name].logs(tail=MAX_LAST_LINES).decode(errors="replace").strip()

        return problem_of(self._spec, outcome.machines, late, said)

    def _check_interrupted(self) -> None:
        if self._interrupted.is_set():
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


def _if_there(act: Callable[[], object]) -> None:
    try:
        act()
    except NotFound:
        pass
    except APIError as error:
        # Already ended, or already being removed: what was asked for is so or will be.
        if error.status_code != 409:
            raise


def _examine(container: Container, log: Path) -> MachineOutcome:
    """How a machine ended, by its container's state and its log."""
    container.reload()
    state = container.attrs["State"]
    if state["StartedAt"].startswith("0001"):
        return examine(None, log)
    return examine(state["ExitCode"], log, out_of_memory=state["OOMKilled"])
