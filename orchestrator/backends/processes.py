"""The backend `processes`: every machine in a child process, on loopback.

For computers without a container engine, and for fast tests. A child's standard input is a pipe to
which nothing is written; the child ends when the pipe closes, as it does when the parent ends for
any reason. Each child has its own process group, so Ctrl-C at a terminal reaches only the
orchestrator, which ends the children in order. The run's key is read from another pipe, so that it
is in no file. A thread reads the child's output, and notes the
epoch once the log has begun, and the exit. The children write their logs directly into the run's
directory.
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import vm
from orchestrator.backends.backend import Backend
from orchestrator.backends.fault_injection import STARTUP_S, Actions, Injection, Supervisor
from orchestrator.backends.kept_logs import max_bytes, remove_flawed
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import KILLED, epoch_unix_ns, machine_outcome
from orchestrator.backends.ports import LOOPBACK, reserved_ports
from orchestrator.backends.wall_clock import (
    MAX_LAST_LINES,
    STOP_LIMIT_S,
    WallClockRun,
    sustainable_jobs,
)
from orchestrator.keys import new_secret
from vm.files import MachineOutcome, log_path, transcript_path
from vm.spec import Spec

#: Partitions are held back in the channels: the network of one computer cannot be cut.
OPTIONS = ("--listen", LOOPBACK, "--tether", "--partitions")


class Child:
    """The process of one machine, and after a restart its new process.

    The kernel kills it when the thread that called `start` ends, so that thread has to stay.
    """

    def __init__(
        self, command: list[str], key: bytes, log: Path, name: str, supervisor: Supervisor
    ) -> None:
        self.last_lines: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._log = log
        self._command = command
        self._key = key
        self._name = name
        self._supervisor = supervisor
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._exit_code: int | None = None

    @property
    def has_finished(self) -> bool:
        return self._exit_code == 0

    @property
    def outcome(self) -> MachineOutcome:
        """The outcome of the machine, if it is not running."""
        return machine_outcome(self._exit_code, self._log)

    def start(self, *options: str) -> None:
        root = str(Path(vm.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with _pipe_with(self._key) as key:
            self._process = subprocess.Popen(
                [*self._command, "--key", f"/dev/fd/{key}", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": path},
                process_group=0,
                pass_fds=(key,),
                text=True,
                errors="replace",
            )
        self._reader = Thread(target=self._read, args=(self._process,), name=self._name)
        self._reader.start()

    def restart(self) -> None:
        """Restart a killed process; a process that ended by itself has finished its run."""
        self.wait()
        if self._exit_code == KILLED:
            self.start("--recover")

    def send(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)

    def wait(self, limit_s: float | None = None) -> None:
        """Wait until the process has ended, at most `limit_s`."""
        if self._reader:
            self._reader.join(limit_s)

    def _read(self, process: subprocess.Popen[str]) -> None:
        has_begun = False
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                self.last_lines.append(line.rstrip())
                if not has_begun and (epoch := epoch_unix_ns([self._log])):
                    has_begun = True
                    self._supervisor.note_epoch(epoch)
        code = process.returncode
        self._exit_code = code if code >= 0 else 128 - code
        self._supervisor.note_exit(self._name, self._exit_code)


class Processes:
    """The child processes of one run: a `Cluster` of `wall_clock`."""

    def __init__(self, spec: Spec, run: str, supervisor: Supervisor, ports: list[int]) -> None:
        self._spec = spec
        self._run = run
        self._supervisor = supervisor
        self._ports = ports
        self._children: dict[str, Child] = {}
        self.versions: dict[str, str] = {}
        self.clock_ahead_ns = 0
        self.actions: Actions = {
            "freeze": lambda injection: self._child(injection).send(signal.SIGSTOP),
            "thaw": lambda injection: self._child(injection).send(signal.SIGCONT),
            "kill": lambda injection: self._child(injection).send(signal.SIGKILL),
            "start": lambda injection: self._child(injection).restart(),
        }

    def create(self, directory: Path, stack: ExitStack) -> None:
        stack.callback(self._kill)
        key = new_secret()
        ports = dict(zip(self._spec.machines, self._ports, strict=True))
        addresses = {machine: f"{LOOPBACK}:{port}" for machine, port in ports.items()}
        for name, port in ports.items():
            peers = {peer: address for peer, address in addresses.items() if peer != name}
            own = arguments(self._spec, name, self._run, port, peers, directory, STARTUP_S)
            # -P: do not import a folder `vm` in the current directory.
            command = [sys.executable, "-P", "-m", "vm", *own, *OPTIONS]
            log = log_path(directory, name)
            self._children[name] = Child(command, key, log, name, self._supervisor)

    def start(self, stack: ExitStack) -> None:
        for child in self._children.values():
            self._supervisor.check_interrupted()
            child.start()

    def stop(self, running: Collection[str]) -> None:
        children = [self._children[name] for name in running]
        for child in children:
            child.send(signal.SIGCONT)
            child.send(signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_LIMIT_S
        for child in children:
            child.wait(max(0, deadline_s - time.monotonic()))
        self._kill()

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        limit = max_bytes(self._spec)
        for name in self._children:
            for path in (log_path(directory, name), transcript_path(directory, name)):
                found = remove_flawed(path, limit)
                if found and (found != "is missing" or self._children[name].has_finished):
                    self._supervisor.note_disturbance(name, f"{path.name} {found}")
        return {name: child.outcome for name, child in self._children.items()}

    def last_output(self, machine: str) -> str:
        return "\n".join(self._children[machine].last_lines)

    def _child(self, injection: Injection) -> Child:
        return self._children[injection.machine]

    def _kill(self) -> None:
        for child in self._children.values():
            child.send(signal.SIGKILL)
        for child in self._children.values():
            child.wait()


@contextmanager
def _pipe_with(content: bytes) -> Iterator[int]:
    """Open the reading end of a pipe that holds this content, which must fit into it."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)
        yield reading
    finally:
        os.close(reading)


@contextmanager
def _processes(spec: Spec, run: str, supervisor: Supervisor) -> Iterator[Processes]:
    """Reserve the ports of a run. EnvironmentProblem if too few are free."""
    with reserved_ports(len(spec.machines)) as ports:
        yield Processes(spec, run, supervisor, ports)


def _create(spec: Spec, run: str) -> WallClockRun:
    return WallClockRun(spec, run, _processes)


BACKEND = Backend(_create, sustainable_jobs)
