"""How a run and its machines ended, as a backend observed it and run.json records it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import EACCES, EDQUOT, EIO, ENOSPC, EPERM, EROFS
from pathlib import Path
from time import monotonic

from vm.faults import Crash
from vm.files import MachineOutcome, RunResult
from vm.log import LogError, decode
from vm.records import Record, Start, Stop
from vm.spec import Spec

#: The phases of a run, in order. The barrier ends at the epoch, when ticking begins.
PHASES = ("create", "start", "barrier", "run", "stop", "collect", "remove")

#: The exit code of a killed process, in shells and in the engine.
KILLED = 137

#: Of a log, so much of its beginning or end is read to find a line.
MAX_LINE_BYTES = 64 * 1024**2


#: Errors of a disk or its permissions.
DISK_ERRORS = (ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EIO)


def disk_problem(error: OSError) -> str:
    """Return the path and the cause of an error of DISK_ERRORS; other errors are raised."""
    if error.errno not in DISK_ERRORS:
        raise error
    return f"{error.filename or 'a file'}: {error.strerror}"


class EnvironmentProblem(Exception):
    """Something that a run needs is missing; the text names it and the remedy."""


class InterruptedBeforeStart(Exception):
    """The run was interrupted before its machines started."""


@dataclass
class RunOutcome:
    """How a run ended; a backend fills it in as the run proceeds.

    `phases_s` holds how long each of PHASES took, `versions` the software that the run used.
    Without a `problem` the run was executed as its spec says.
    """

    machines: dict[str, MachineOutcome] = field(default_factory=dict)
    phases_s: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    epoch_unix_ns: int | None = None
    problem: str = ""

    @property
    def result(self) -> RunResult:
        if not self.problem:
            return "finished"
        return "interrupted" if self.problem.startswith("interrupted") else "failed"

    @contextmanager
    def phase(self, name: str, report: Callable[[str], None]) -> Iterator[None]:
        """Report a phase of the run, and measure it."""
        assert name in PHASES
        report(name)
        begun = monotonic()
        try:
            yield
        finally:
            self.phases_s[name] = monotonic() - begun


def machine_outcome(
    exit_code: int | None, log: Path, *, out_of_memory: bool = False
) -> MachineOutcome:
    """Return how a machine ended, by its exit code and its log."""
    if exit_code == 0:
        last = _record(_line(log, -1))
        return MachineOutcome(last.reason if isinstance(last, Stop) else "failed", 0)
    return MachineOutcome("killed" if exit_code == KILLED else "failed", exit_code, out_of_memory)


def epoch_unix_ns(logs: Collection[Path]) -> int | None:
    """Return the epoch that the machines agreed on, by their logs; None if they have not yet."""
    return next(filter(None, (epoch_in(_line(log, 0)) for log in logs)), None)


def epoch_in(line: str) -> int | None:
    """Return the epoch in the first line of a log, if that is complete."""
    first = _record(line)
    return first.epoch_unix_ns if isinstance(first, Start) else None


def _line(log: Path, number: int) -> str:
    """Return the first or the last line of a log, "" if there is none."""
    if not log.is_file():
        return ""
    try:
        with log.open("rb") as file:
            if number < 0:
                file.seek(max(0, log.stat().st_size - MAX_LINE_BYTES))
            lines = file.read(MAX_LINE_BYTES).splitlines()
        return lines[number].decode(errors="replace")
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
    last_output: Callable[[str], str],
    disturbed: Mapping[str, str],
) -> str:
    """Return what went wrong in a run, or "".

    `late` are the machines that had to be stopped; `last_output` returns the last lines that a
    machine printed. `disturbed` says what others did to a machine or its log; it comes first, as
    it may explain how that machine and its peers ended.
    """
    crashed = {fault.machine for fault in spec.faults if isinstance(fault, Crash)}
    wrong = {
        name: ended
        for name, ended in machines.items()
        if ended.outcome != ("killed" if name in crashed else "finished") or ended.out_of_memory
        # By its exit code it finished: what is wrong is its log.
        if not (name in disturbed and ended.exit_code == 0)
    }
    problems = [f"{name}: {cause}" for name, cause in disturbed.items()]
    problems += [f"{name} {_explanation(ended)}" for name, ended in wrong.items()]
    failed = [name for name, ended in wrong.items() if ended.outcome == "failed"]
    problems += [f"last output of {name}: {last}" for name in failed if (last := last_output(name))]
    if late and not problems:
        problems = [f"{', '.join(late)} did not end in time"]
    return "; ".join(problems)


def _explanation(ended: MachineOutcome) -> str:
    if ended.out_of_memory:
        return "was killed because it ran out of memory"
    if ended.outcome == "killed":
        return f"was killed (exit code {ended.exit_code})"
    if ended.outcome == "terminated":
        return "was stopped before its end"
    if ended.outcome == "finished":
        return "ended before it could crash"
    return "never ran" if ended.exit_code is None else f"failed with exit code {ended.exit_code}"
