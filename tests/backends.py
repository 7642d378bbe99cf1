"""Backends for tests: what they leave and how they end is as the test says, without machines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from orchestrator.backends.outcome import MachineOutcome, Outcome
from vm.spec import Spec


@dataclass
class Script:
    """Makes backends. `problems` holds, by seed, what a run fails with: a text, or an error.

    A run whose problem is "interrupted" goes on until it is.
    """

    problems: Mapping[int, str | Exception] = field(default_factory=dict)
    carried_out: list[str] = field(default_factory=list)

    def __call__(self, spec: Spec, run: str) -> "Scripted":
        return Scripted(self, spec, run)


class Scripted:
    """One run as its script says."""

    def __init__(self, script: Script, spec: Spec, run: str) -> None:
        self._script = script
        self._spec = spec
        self._run = run
        self._interrupted = Event()

    def interrupt(self) -> None:
        self._interrupted.set()

    def carry_out(self, directory: Path, outcome: Outcome, report: Callable[[str], None]) -> None:
        problem = self._script.problems.get(self._spec.seed, "")
        if isinstance(problem, Exception):
            raise problem
        self._script.carried_out.append(self._run)
        with outcome.phase("run", report):
            (directory / "vm1.out").write_text(f"{self._spec.seed}\n")
            if problem == "interrupted":
                self._interrupted.wait()
        outcome.problem = problem
        ended = MachineOutcome("failed", 1) if problem else MachineOutcome("finished", 0)
        outcome.machines = dict.fromkeys(self._spec.machines, ended)
