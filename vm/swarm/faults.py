"""`python -m vm.swarm.faults ARGUMENTS`: a machine as a child process, with its own faults.

A swarm has no request that freezes a task, or that kills one at an instant. So this freezes, kills
and restarts the machine, by the spec and the wall clock of the node; ARGUMENTS are those of
`python -m vm`. It ends as the machine does.
"""

import queue
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Thread
from types import FrameType

from vm.faults import Crash, MachineFault, Pause, Restart, faults_of
from vm.files import log_path, start_in
from vm.host.arguments import read_settings
from vm.schedule import SECOND_NS


class Incident:
    """A machine in a child process, from its start to its last end."""

    def __init__(self, arguments: Sequence[str], log: Path, faults: Iterable[MachineFault]) -> None:
        self._command = [sys.executable, "-m", "vm", *arguments]
        self._log = log
        self._agenda = deque(sorted(self._steps(faults), key=lambda step: step[0]))
        self._epoch_s: float | None = None
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._exit_code: int | None = None
        self._restarts = False
        self._process = self._start()

    def _steps(self, faults: Iterable[MachineFault]) -> Iterable[tuple[int, Callable[[], object]]]:
        for fault in faults:
            match fault:
                case Pause(at_ns, until_ns):
                    yield at_ns, lambda: self._process.send_signal(signal.SIGSTOP)
                    yield until_ns, lambda: self._process.send_signal(signal.SIGCONT)
                case Crash(at_ns):
                    yield at_ns, lambda: self._process.kill()
                case Restart(at_ns, until_ns):
                    yield at_ns, self._kill
                    yield until_ns, self._recover

    def wait(self) -> int:
        """Apply the faults in their time; return the exit code of the machine's last process."""
        while self._exit_code is None or self._restarts:
            try:
                self._news.get(timeout=self._left_s())()
            except queue.Empty:
                self._agenda.popleft()[1]()
        return self._exit_code

    def terminate(self, number: int, _: FrameType | None) -> None:
        """Pass a signal on to the machine, which ends; it is not restarted any more."""
        self._agenda.clear()
        self._restarts = False
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._news.put(lambda: None)

    def _left_s(self) -> float | None:
        """Return the time until the next step, None if there is none."""
        if self._epoch_s is None or not self._agenda:
            return None
        return max(0, self._epoch_s + self._agenda[0][0] / SECOND_NS - time.monotonic())

    def _kill(self) -> None:
        # A machine that has ended by itself has finished its run.
        if self._process.poll() is None:
            self._restarts = True
            self._process.kill()

    def _recover(self) -> None:
        if self._restarts:
            self._process.wait()
            self._restarts, self._exit_code = False, None
            self._process = self._start("--recover")

    def _start(self, *options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*self._command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        Thread(target=self._read, args=(process,), name="output", daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        """Print the machine's output; note its epoch once its log has begun, and its end."""
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            # After each printed line the log may have grown.
            if self._epoch_s is None and (start := start_in(self._log)):
                self._epoch_s = (
                    time.monotonic() + (start.epoch_unix_ns - time.time_ns()) / SECOND_NS
                )
                self._news.put(lambda: None)
        code = process.wait()
        self._news.put(lambda: self._set_exit(process, code if code >= 0 else 128 - code))

    def _set_exit(self, process: subprocess.Popen[str], code: int) -> None:
        if process is self._process:
            self._exit_code = code


def main(arguments: Sequence[str]) -> int:
    settings = read_settings(arguments)
    log = log_path(settings.log, settings.name)
    incident = Incident(arguments, log, faults_of(settings.name, settings.spec.faults))
    signal.signal(signal.SIGTERM, incident.terminate)
    return incident.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
