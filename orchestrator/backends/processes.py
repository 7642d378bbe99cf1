"""The backend `processes`: every machine in a child process, on loopback.

For people without a container engine, and for fast tests. A child's standard input is a pipe
that nobody writes to; it ends when that does, however its parent ended. It is in a process
group of its own, so Ctrl-C at a terminal reaches the orchestrator alone, which ends the
children in order. Its output is read by a thread, which so learns that the log has begun and
when the process has ended; the logs themselves are written where they are to stay.
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import vm
from orchestrator.backends.fault_injection import STARTUP_S, Watch
from orchestrator.backends.machine_command import arguments
from orchestrator.backends.outcome import (
    KILLED,
    Interrupted,
    MachineOutcome,
    Outcome,
    epoch_unix_ns,
    examine,
    problem_of,
)
from orchestrator.backends.ports import LOOPBACK, reserved_ports
from vm.spec import Spec

#: Partitions are held back in the channels: the network of one computer cannot be cut.
OPTIONS = ("--listen", LOOPBACK, "--tether", "--partitions")
STOP_LIMIT_S = 3
MAX_LAST_LINES = 3


class Child:
    """The process of one machine, and after a restart the next one.

    The kernel kills it when the thread ends that started it: `start` is for one that stays.
    """

    def __init__(self, command: list[str], log: Path, name: str, watch: Watch) -> None:
        self.log = log
        self._last_lines: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._command = command
        self._name = name
        self._watch = watch
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._exit_code: int | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def outcome(self) -> MachineOutcome:
        """How it ended, if it is not running."""
        return examine(self._exit_code, self.log)

    @property
    def said(self) -> str:
        return "\n".join(self._last_lines)

    def start(self, *options: str) -> None:
        root = str(Path(vm.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [*self._command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,
            text=True,
            errors="replace",
        )
        self._reader = Thread(target=self._read, args=(self._process,), name=self._name)
        self._reader.start()

    def start_again(self) -> None:
        """Start a process that was killed; one that had ended by itself has nothing left to do."""
        self.wait()
        if self._exit_code == KILLED:
            self.start("--recover")

    def send(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)

    def wait(self, limit_s: float | None = None) -> None:
        """Wait until the process has ended, or for so long."""
        if self._reader:
            self._reader.join(limit_s)

    def _read(self, process: subprocess.Popen[str]) -> None:
        has_begun = False
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                self._last_lines.append(line.rstrip())
                if not has_begun and (epoch := epoch_unix_ns([self.log])):
                    has_begun = True
                    self._watch.begun(epoch)
        code = process.returncode
        self._exit_code = code if code >= 0 else 128 - code
        self._watch.ended(self._name, self._exit_code)


class Processes:
    """The child processes of one run. `carry_out` in one thread, `interrupt` from any."""

    def __init__(self, spec: Spec, run: str) -> None:
        self._spec = spec
        self._run = run
        self._children: dict[str, Child] = {}
        children = self._children
        self._watch = Watch(
            spec,
            {
                "freeze": lambda one: children[one.machine].send(signal.SIGSTOP),
                "thaw": lambda one: children[one.machine].send(signal.SIGCONT),
                "kill": lambda one: children[one.machine].send(signal.SIGKILL),
                "start": lambda one: children[one.machine].start_again(),
            },
        )

    def interrupt(self) -> None:
        """End the run soon; its machines stop cleanly and their logs are kept."""
        self._watch.interrupt()

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Start the machines, wait until they have ended, and fill directory and outcome.

        No process is left. EnvironmentProblem if there are not enough ports, Interrupted if
        the run was to end before it began.
        """
        with ExitStack() as stack:
            try:
                with outcome.phase("create", report):
                    ports = stack.enter_context(reserved_ports(len(self._spec.machines)))
                    self._create(directory, ports)
                    stack.callback(self._kill)
                with outcome.phase("start", report):
                    for child in self._children.values():
                        self._check_interrupted()
                        child.start()
                started_unix_ns = time.time_ns()
                report("run")
                exit_codes = self._watch.wait()
                ended_unix_ns = time.time_ns()
                with outcome.phase("stop", report):
                    self._stop()
                with outcome.phase("collect", report):
                    self._collect(outcome, exit_codes)
                epoch = outcome.epoch_unix_ns or ended_unix_ns
                outcome.phases_s["barrier"] = (epoch - started_unix_ns) / 1e9
                outcome.phases_s["run"] = (ended_unix_ns - epoch) / 1e9
            finally:
                with outcome.phase("remove", report):
                    stack.close()

    def _create(self, directory: Path, ports: list[int]) -> None:
        addresses = {
            machine: f"{LOOPBACK}:{port}"
            for machine, port in zip(self._spec.machines, ports, strict=True)
        }
        for (machine, own), port in zip(addresses.items(), ports, strict=True):
            peers = {peer: address for peer, address in addresses.items() if address != own}
            told = arguments(self._spec, machine, self._run, port, peers, directory, STARTUP_S)
            # -P: a folder `vm` where the orchestrator was called is not meant.
            command = [sys.executable, "-P", "-m", "vm", *told, *OPTIONS]
            log = directory / f"{machine}.jsonl"
            self._children[machine] = Child(command, log, machine, self._watch)

    def _stop(self) -> None:
        """End what still runs, all at once: machines drain their channels to each other."""
        running = [child for child in self._children.values() if child.is_running]
        for child in running:
            child.send(signal.SIGCONT)
            child.send(signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_LIMIT_S
        for child in running:
            child.wait(max(0, deadline_s - time.monotonic()))
        self._kill()

    def _kill(self) -> None:
        for child in self._children.values():
            child.send(signal.SIGKILL)
        for child in self._children.values():
            child.wait()

    def _collect(self, outcome: Outcome, exit_codes: dict[str, int]) -> None:
        children = self._children
        outcome.machines = {name: child.outcome for name, child in children.items()}
        outcome.epoch_unix_ns = epoch_unix_ns([child.log for child in children.values()])
        late = [name for name in children if name not in exit_codes]
        outcome.problem = (
            "interrupted"
            if self._watch.is_interrupted
            else problem_of(self._spec, outcome.machines, late, lambda name: children[name].said)
        )

    def _check_interrupted(self) -> None:
        if self._watch.is_interrupted:
            raise Interrupted
