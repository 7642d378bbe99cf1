"""How a run ended, as its backend saw it and as run.json tells it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Literal

from vm.faults import Crash
from vm.log import LogError, decode
from vm.records import Record, Start, Stop
from vm.spec import Spec

#: What a run goes through, in order. The barrier ends at the epoch, when ticking begins.
PHASES = ("create", "start", "barrier", "run", "stop", "collect", "remove")

Ending = Literal["finished", "terminated", "killed", "failed"]

#: The exit code of a process that was killed, as shells and engines say it.
KILLED = 137


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


def examine(exit_code: int | None, log: Path, *, out_of_memory: bool = False) -> MachineOutcome:
    """How a machine ended, by its exit code and its log."""
    if exit_code == 0:
        last = _record(_line(log, -1))
        return MachineOutcome(last.reason if isinstance(last, Stop) else "failed", 0)
    return MachineOutcome("killed" if exit_code == KILLED else "failed", exit_code, out_of_memory)


def epoch_unix_ns(logs: Collection[Path]) -> int | None:
    """The epoch that the machines agreed on, by their logs; None if they have not yet."""
    return next(filter(None, (epoch_in(_line(log, 0)) for log in logs)), None)


def epoch_in(line: str) -> int | None:
    """The epoch that the first line of a log tells, if it is there and whole."""
    first = _record(line)
    return first.epoch_unix_ns if isinstance(first, Start) else None


def _line(log: Path, number: int) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[number]
    except (FileNotFoundError, IndexError):
        return ""


def _record(line: str) -> Record | None:
    try:
        return decode(line)
    except LogError:
        return None


def problem_of(
    spec: Spec,
    machines: Mapping[str, MachineOutcome],
    late: Collection[str],
    said: Callable[[str], str],
) -> str:
    """What the machines' endings say against the run, or "".

    `late` are those that had to be told to end; `said` is what a machine printed last.
    """
    crashed = {fault.machine for fault in spec.faults if isinstance(fault, Crash)}
    wrong = {
        name: ended
        for name, ended in machines.items()
        if ended.outcome != ("killed" if name in crashed else "finished") or ended.out_of_memory
    }
    problems = [f"{name} {_ending(ended)}" for name, ended in wrong.items()]
    failed = [name for name, ended in wrong.items() if ended.outcome == "failed"]
    problems += [f"{name} said: {last}" for name in failed if (last := said(name))]
    if late and not problems:
        problems = [f"{', '.join(late)} did not end in time"]
    return "; ".join(problems)


def _ending(ended: MachineOutcome) -> str:
    if ended.out_of_memory:
        return "was killed because it ran out of memory"
    if ended.outcome == "killed":
        return f"was killed (exit code {ended.exit_code})"
    if ended.outcome == "terminated":
        return "was told to end before its time"
    if ended.outcome == "finished":
        return "ended before it could crash"
    return "never ran" if ended.exit_code is None else f"failed with exit code {ended.exit_code}"
