"""The backend `simulation`: a run in virtual time, with the same files as real machines."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.backends.backend import Backend, Report
from orchestrator.backends.outcome import InterruptedBeforeStart, RunOutcome
from orchestrator.virtual.simulation import RunRecords, Simulation
from vm.files import MachineOutcome, log_path, transcript_path
from vm.log import encode
from vm.records import Reason, Record, Stop, transcript_line
from vm.schedule import SECOND_NS
from vm.spec import Spec

#: The number of simulated ticks between two checks for an interrupt.
TICKS_BETWEEN_LOOKS = 100_000
#: The work that justifies another process: about half a second.
MIN_EVENTS_PER_JOB = 50_000

#: A function that writes a run's history, or a part of it, into the run's directory.
Keep = Callable[[RunRecords, Path], None]


def write(history: RunRecords, directory: Path) -> None:
    """Write the log and the transcript of every machine."""
    for name, records in history.items():
        files = {log_path: encode, transcript_path: transcript_line}
        for path, line_of in files.items():
            text = "".join([f"{line_of(record)}\n" for record in records])
            path(directory, name).write_bytes(text.encode())


class SimulatedRun:
    """One run in virtual time. `execute` runs in one thread, `interrupt` in any."""

    def __init__(self, spec: Spec, run: str, keep: Keep = write) -> None:
        self._spec = spec
        self._run = run
        self._keep = keep
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        self._interrupted.set()

    def execute(self, directory: Path, outcome: RunOutcome, report: Report) -> None:
        if self._interrupted.is_set():
            raise InterruptedBeforeStart
        simulation = Simulation(self._spec, self._run)
        with outcome.phase("run", report):
            reason = self._advance(simulation)
            history = simulation.end(reason)
        with outcome.phase("collect", report):
            self._keep(history, directory)
        outcome.epoch_unix_ns = 0
        outcome.machines = {name: _machine_outcome(log) for name, log in history.items()}
        if reason == "terminated":
            outcome.problem = "interrupted"

    def _advance(self, simulation: Simulation) -> Reason:
        """Simulate to the end of the run, or until it is interrupted."""
        spec = self._spec
        step_ns = TICKS_BETWEEN_LOOKS * SECOND_NS // _ticks_hz(spec)
        for until_ns in (*range(step_ns, spec.duration_ns, step_ns), spec.duration_ns):
            if self._interrupted.is_set():
                return "terminated"
            simulation.advance(until_ns)
        return "finished"


def _machine_outcome(log: Sequence[Record]) -> MachineOutcome:
    last = log[-1]
    if isinstance(last, Stop):
        return MachineOutcome(last.reason, 0)
    return MachineOutcome("killed", None)


def expected_events(spec: Spec) -> float:
    """Estimate the events of a run without drawing its rates, as there may be many runs."""
    given = spec.tick_rates_hz
    drawn_hz = (len(spec.machines) - len(given)) * sum(spec.ticks) / 2
    return (sum(given.values()) + drawn_hz) * spec.duration_s


def _ticks_hz(spec: Spec) -> int:
    return sum(spec.tick_rate_hz(machine) for machine in spec.machines)


def _jobs(specs: Sequence[Spec]) -> int:
    """Return the number of jobs: one per core, fewer if there is too little work for them."""
    events = sum(map(expected_events, specs))
    return max(1, min(os.cpu_count() or 1, int(events / MIN_EVENTS_PER_JOB)))


BACKEND = Backend(SimulatedRun, _jobs, is_virtual=True)
