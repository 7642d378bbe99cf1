"""The outcomes of a run and of its machines, as the backend observes and run.json records them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import EACCES, EDQUOT, EIO, ENOSPC, EPERM, EROFS
from pathlib import Path
from time import monotonic

from vm.faults import Crash
from vm.files import MachineOutcome, RunResult
from vm.log import LogError, decode
from vm.records import Record, Start, Stop, WallOffset
from vm.spec import Spec

#: The phases of a run, in order. The barrier ends at the epoch, when ticking begins.
PHASES = ("create", "start", "barrier", "run", "stop", "collect", "remove")

#: The exit code of a killed process, in shells and in the engine.
KILLED = 137

#: The part of a log that is read to find its first or its last line.
MAX_LINE_BYTES = 64 * 1024**2


#: Errors of a disk or its permissions.
DISK_ERRORS = (ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EIO)


def disk_problem(error: OSError) -> str:
    """Return the path and the cause of an error in DISK_ERRORS; raise other errors."""
    if error.errno not in DISK_ERRORS:
        raise error
    return f"{error.filename or 'a file'}: {error.strerror}"


class EnvironmentProblem(Exception):
    """A missing requirement of a run; the message names it and the remedy."""


class RunFailed(Exception):
    """A run that did not finish; the message names run, problem, and the directory of its logs."""


class InterruptedBeforeStart(Exception):
    """The interruption of a run before its machines started."""


@dataclass
class RunOutcome:
    """The outcome of a run; a backend fills it in during the run.

    `phases_s` holds the duration of each of PHASES, `versions` the software that the run used. The
    epoch is by the first machine's wall clock, `wall_offsets` are those of all machines. Without a
    `problem`, the run followed its spec.
    """

    machines: dict[str, MachineOutcome] = field(default_factory=dict)
    phases_s: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    epoch_unix_ns: int | None = None
    wall_offsets: Mapping[str, WallOffset] = field(default_factory=dict)
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
    """Return the outcome of a machine, from its exit code and its log."""
    if exit_code == 0:
        last = _record(_line(log, -1))
        return MachineOutcome(last.reason if isinstance(last, Stop) else "failed", 0)
    return MachineOutcome("killed" if exit_code == KILLED else "failed", exit_code, out_of_memory)


def epoch_unix_ns(logs: Collection[Path]) -> int | None:
    """Return the epoch that the machines agreed on, from their logs; None before they agree."""
    start = first_start(logs)
    return start.run_epoch_unix_ns if start else None


def first_start(logs: Collection[Path]) -> Start | None:
    """Return the first start record in some logs, None before the machines agree."""
    records = (_record(_line(log, 0)) for log in logs)
    return next((record for record in records if isinstance(record, Start)), None)


def epoch_in(line: str) -> int | None:
    """Return the epoch in the first line of a log, None if the line is incomplete."""
    first = _record(line)
    return first.run_epoch_unix_ns if isinstance(first, Start) else None


def _line(log: Path, number: int) -> str:
    """Return the first or the last line of a log, or ""."""
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
    """Return the problems of a run, or "".

    `late` holds the machines that had to be stopped; `last_output` returns the last lines that a
    machine printed. `disturbed` names interference from outside with a machine or its log; it comes
    first, as it may explain the other problems.
    """
    crashed = {fault.machine for fault in spec.faults if isinstance(fault, Crash)}
    wrong = {
        name: ended
        for name, ended in machines.items()
        if ended.outcome != ("killed" if name in crashed else "finished") or ended.out_of_memory
        # A disturbed machine with exit code 0 has finished; only its log is wrong.
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
