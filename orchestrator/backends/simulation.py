"""The backend `simulation`: carries a run out in virtual time and writes what hosts would write."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.backends.outcome import Interrupted, MachineOutcome, Outcome
from orchestrator.virtual.simulation import RunRecords, Simulation
from vm.log import encode
from vm.records import Reason, Record, Stop
from vm.schedule import SECOND_NS
from vm.spec import Spec
from vm.transcript import transcript_line

#: After how many ticks the simulation looks whether it is to end.
TICKS_BETWEEN_LOOKS = 100_000


class SimulatedRun:
    """One run in virtual time. `carry_out` in one thread, `interrupt` from any.

    `keep` leaves in the run's directory what is to be kept of its history: the logs, if not given.
    """

    def __init__(
        self, spec: Spec, run: str, keep: Callable[[RunRecords, Path], None] | None = None
    ) -> None:
        self._spec = spec
        self._run = run
        self._keep = keep or write
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """End the run soon; its machines stop cleanly and their logs are kept."""
        self._interrupted.set()

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        """Fill directory and outcome. Interrupted if the run was to end before it began."""
        if self._interrupted.is_set():
            raise Interrupted
        simulation = Simulation(self._spec, self._run)
        with outcome.phase("run", report):
            reason = self._advance(simulation)
            history = simulation.end(reason)
        with outcome.phase("collect", report):
            self._keep(history, directory)
        outcome.epoch_unix_ns = 0
        outcome.machines = {name: _ending(records) for name, records in history.items()}
        if reason == "terminated":
            outcome.problem = "interrupted"

    def _advance(self, simulation: Simulation) -> Reason:
        """Simulate to the end of the run, or until it is to end."""
        spec = self._spec
        ticks_hz = sum(spec.tick_rate_hz(machine) for machine in spec.machines)
        step_ns = TICKS_BETWEEN_LOOKS * SECOND_NS // ticks_hz
        for until_ns in (*range(step_ns, spec.duration_ns, step_ns), spec.duration_ns):
            if self._interrupted.is_set():
                return "terminated"
            simulation.advance(until_ns)
        return "finished"


def write(history: RunRecords, directory: Path) -> None:
    """The log of every machine, and its story for people."""
    for name, records in history.items():
        for suffix, line_of in {"jsonl": encode, "out": transcript_line}.items():
            text = "".join([f"{line_of(record)}\n" for record in records])
            (directory / f"{name}.{suffix}").write_bytes(text.encode())


def _ending(records: Sequence[Record]) -> MachineOutcome:
    last = records[-1]
    if isinstance(last, Stop):
        return MachineOutcome(last.reason, 0)
    return MachineOutcome("killed", None)
