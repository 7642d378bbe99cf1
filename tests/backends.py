"""Backends for tests: files and outcome of each run are as the test says, without machines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from orchestrator.backends.backend import Backend
from orchestrator.backends.outcome import RunOutcome
from vm.files import MachineOutcome
from vm.spec import Spec


@dataclass
class Script:
    """Creates runs. `problems` holds, by seed, how a run fails: a text, or an error.

    A run whose problem is "interrupted" continues until it is.
    """

    problems: Mapping[int, str | Exception] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)

    def __call__(self, spec: Spec, run: str) -> "ScriptedRun":
        return ScriptedRun(self, spec, run)

    @property
    def backend(self) -> Backend:
        return Backend(self, jobs=len)


class ScriptedRun:
    """One run as its script says."""

    def __init__(self, script: Script, spec: Spec, run: str) -> None:
        self._script = script
        self._spec = spec
        self._run = run
        self._interrupted = Event()

    def interrupt(self) -> None:
        self._interrupted.set()

    def execute(self, directory: Path, outcome: RunOutcome, report: Callable[[str], None]) -> None:
        problem = self._script.problems.get(self._spec.seed, "")
        if isinstance(problem, Exception):
            raise problem
        self._script.executed.append(self._run)
        with outcome.phase("run", report):
            (directory / "vm1.out").write_text(f"{self._spec.seed}\n")
            if problem == "interrupted":
                self._interrupted.wait()
        outcome.problem = problem
        ended = MachineOutcome("failed", 1) if problem else MachineOutcome("finished", 0)
        outcome.machines = dict.fromkeys(self._spec.machines, ended)
