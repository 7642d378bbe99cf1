"""How a run ended, as its backend saw it and as run.json tells it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

#: What a run goes through, in order. The barrier ends at the epoch, when ticking begins.
PHASES = ("create", "start", "barrier", "run", "stop", "collect", "remove")

Ending = Literal["finished", "terminated", "killed", "failed"]


class EnvironmentProblem(Exception):
    """Something that a run needs is not there; says what, and what to do."""


class Interrupted(Exception):
    """The run was told to end before its machines began."""


@dataclass(frozen=True)
class MachineOutcome:
    """How one machine ended; `exit_code` is None if it never ran."""

    outcome: Ending
    exit_code: int | None
    out_of_memory: bool = False


@dataclass
class Outcome:
    """How a run ended; a backend fills it in as the run goes on.

    `phases_s` holds how long each of PHASES took, `versions` what the run was made with.
    Without a `problem` the run was carried out as its spec says.
    """

    machines: dict[str, MachineOutcome] = field(default_factory=dict)
    phases_s: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    epoch_unix_ns: int | None = None
    problem: str = ""

    @contextmanager
    def phase(self, name: str, report: Callable[[str], None]) -> Iterator[None]:
        """Measure a phase of the run while it is reported."""
        assert name in PHASES
        report(name)
        begun = monotonic()
        try:
            yield
        finally:
            self.phases_s[name] = monotonic() - begun


def problem_of(machines: Mapping[str, MachineOutcome]) -> str:
    """What the machines' endings say against the run, or ""."""
    wrong = {name: end for name, end in machines.items() if end.outcome != "finished"}
    return "; ".join(f"{name} {_ending(ended)}" for name, ended in wrong.items())


def _ending(ended: MachineOutcome) -> str:
    if ended.out_of_memory:
        return "was killed because it ran out of memory"
    if ended.outcome == "killed":
        return f"was killed (exit code {ended.exit_code})"
    if ended.outcome == "terminated":
        return "was told to end before its time"
    return "never ran" if ended.exit_code is None else f"failed with exit code {ended.exit_code}"
