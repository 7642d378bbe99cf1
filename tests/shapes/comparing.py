"""What an audit found in a submission, compared with the truth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.checks.violation import Violation
from analysis.history.run import InputError
from audited import Audited, audits
from shapes.lab import Step
from shapes.making import Made
from shapes.shape import IN_LIST, PLACES, PORTS

#: From good to bad. `not asked`: not recognised, and the files do not say enough.
RESULTS = ("right", "not asked", "not recognised", "false")


@dataclass(frozen=True)
class Result:
    """How an audit compares with the truth, and the first difference."""

    result: str
    cause: str = ""


def judged(made: Made) -> Result:
    """Audit a submission, and compare."""
    with TemporaryDirectory() as directory:
        folder = made.write(Path(directory) / "submission")
        try:
            runs = list(audits(folder))
            result = blame(made, runs) if made.planted else compared(made, runs)
        except InputError as error:
            cause = f"refused: {str(error).replace(directory, '')}"
            result = Result("not recognised", cause)
    if result.result == "not recognised" and not made.is_telling:
        return Result("not asked", result.cause)
    return result


def compared(made: Made, runs: list[Audited]) -> Result:
    """Return how audited runs compare with the truth."""
    if len(runs) != len(made.labs):
        cause = f"{len(runs)} runs, not {len(made.labs)}"
        false = any(run.checks for run in runs) and not made.planted
        return (
            Result("false", f"{cause}, and violations")
            if false
            else Result("not recognised", cause)
        )
    for trial, run in enumerate(runs):
        if (seen := Seen(made, trial, run).result()).result != "right":
            return seen
    return Result("right")


class Seen:
    """One audited run beside the truth about it."""

    def __init__(self, made: Made, trial: int, run: Audited) -> None:
        self.made, self.shape, self.run = made, made.shape, run
        #: Whether the logs show a mistake: a lost message is none.
        self.mistaken = bool(made.planted and made.planted.checks)
        self.trial, self.lab = trial, made.labs[trial]
        self.numbers = self._numbers()
        self.logs = [
            [row for row in run.rows if self.numbers.get(row["machine"]) == machine]
            for machine in range(len(self.lab.logs))
        ]

    def _numbers(self) -> dict[str, int]:
        """Return the true numbers of the machines that the audit names."""
        shape, run = self.shape, self.run
        numbers = {name: n for n, name in enumerate(shape.names)}
        if not shape.one_file:
            files = {name: n for n, name in enumerate(shape.files) if n != shape.missing}
            numbers |= {
                machine: files[file] for file, machine in run.machines.items() if file in files
            }
        ends = {re.findall(r"\w+", name)[-1]: n for n, name in enumerate(shape.names)}
        for machine in run.run.machines:
            if machine not in numbers and (words := re.findall(r"\w+", machine)):
                numbers |= {machine: ends[words[-1]]} if words[-1] in ends else {}
        return numbers

    def result(self) -> Result:
        if lie := next(self.lies(), ""):
            return Result("false", lie)
        if difference := next(self.differences(), ""):
            return Result("not recognised", difference)
        return Result("right")

    def lies(self) -> Iterator[str]:
        """Yield what the audit says and is not so."""
        if not self.mistaken:
            yield from self._accusations()
            yield from self._praise()
        yield from self._account()
        yield from self._matches()

    def _accusations(self) -> Iterator[str]:
        true = self.made.allowed(self.trial)
        for violation in self.run.verdict.violations:
            named = violation.check, self.numbers.get(violation.machine, -1)
            unclear = violation.check == "clock_rule" and self.shape.lag and not self.shape.stamp
            if named not in true and not unclear:
                yield f"false violation: {_told(violation)}"

    def _praise(self) -> Iterator[str]:
        """Yield a verdict `holds` on a lab whose stamps lag, if the log proves that it does not."""
        proven = self.shape.stamp or (self.shape.sender and self.made.names_receivers)
        true = self.made.allowed(self.trial)
        if true and proven and self.made.is_telling and self.run.verdict.state == "holds":
            yield f"false verdict: it holds, although {dict(true)}"

    def _account(self) -> Iterator[str]:
        if not self.run.verdict.account:
            return
        account, shape = self.run.account, self.shape
        sends = [s for log in self.logged() for s in log if s.kind == "send"]
        received = sum(s.kind == "receive" for log in self.logged() for s in log)
        if self.run.received != received:
            yield f"untrue account: {self.run.received} received, not {received}"
        single = [s for s in sends if len(s.to) == 1]
        copies = sum(len(s.to) for s in sends)
        named = [(0, copies)]
        if account.unlogged and shape.missing < 0:
            yield f"untrue account: {account.unlogged} copies to machines without a log"
        # Places and numbers in a list are no names, as long as nothing explains them.
        if not self.made.names_receivers or shape.receivers in (PLACES, IN_LIST, PORTS):
            named += [(len(sends), 0), (len(single), copies - len(single))]
        if (account.unnamed_sends, account.sent) not in named:
            sent = f"{account.sent} sent and {account.unnamed_sends} unnamed"
            yield f"untrue account: {sent}, not {named}"
        if account.unnamed_sends == 0 and shape.missing < 0 and not self.mistaken:
            left = copies - received
            if self.run.left != left:
                yield f"untrue account: {self.run.left} left, not {left}: {account}"

    def logged(self) -> list[list[Step]]:
        return [log for m, log in enumerate(self.lab.logs) if m != self.shape.missing]

    def _matches(self) -> Iterator[str]:
        """Yield each receive that is said to be of another send than its own."""
        names = {
            id(step): (m, n) for m, log in enumerate(self.lab.logs) for n, step in enumerate(log)
        }
        for log, rows in zip(self.lab.logs, self.logs, strict=True):
            if len(log) != len(rows):
                continue
            for step, row in zip(log, rows, strict=True):
                if (
                    step.kind == row["kind"] == "receive"
                    and row["cause"] is not None
                    and step.cause
                ):
                    found = self.numbers.get(row["sender"], -1), row["cause"]
                    true = names[id(step.cause)]
                    if found != true and not step.shown and not self.mistaken:
                        yield f"untrue match: {row['at']} is of {true}, not {found}"

    def differences(self) -> Iterator[str]:
        """Yield facts of the log that were not recognised."""
        for m, (log, rows) in enumerate(zip(self.lab.logs, self.logs, strict=True)):
            if m == self.shape.missing:
                continue
            name = self.shape.names[m]
            if len(log) != len(rows):
                yield f"events: {len(rows)} of {name}, not {len(log)}"
            for n, (step, row) in enumerate(zip(log, rows, strict=False)):
                yield from self._event(f"{name} {n} ({row['at']})", step, row, last=step is log[-1])
        if self.shape.stamp and not self.mistaken and self.run.run.stamp_lag != self.shape.lag:
            yield f"conventions: stamps lag by {self.run.run.stamp_lag}, not {self.shape.lag}"
        if self.made.names_receivers and self.shape.missing < 0:
            if not self.run.verdict.account:
                yield "account: there is none"
            elif unnamed := self.run.account.unnamed_sends:
                yield f"account: {unnamed} sends name no receiver"

    def _event(self, where: str, step: Step, row: dict[str, Any], *, last: bool) -> Iterator[str]:
        if row["kind"] != step.kind:
            yield f"kinds: {where} is {row['kind']}, not {step.kind}"
        if not (last and self.shape.clock != "after"):
            clock = step.shown.get("clock", step.post)
            if row["main"] != clock:
                yield f"clocks: {where} reads {row['main']}, not {clock}"
        counted = step.kind == "receive" and self.made.shows_queues and not step.shown
        if counted and row["queue"] != step.queue:
            yield f"queues: {where} has {row['queue']}, not {step.queue}"
        if step.kind == "send":
            to = {self.numbers.get(name, -1) for name in row["to"] or ()}
            if to != {*step.to} if self.made.names_receivers else not to <= {*step.to}:
                yield f"receivers: {where} are {sorted(to)}, not {sorted(step.to)}"


def _told(violation: Violation) -> str:
    return f"{violation.check} of {violation.machine}: {violation.because}"


def blame(made: Made, runs: list[Audited]) -> Result:
    """Return whether a planted mistake was found and named rightly, and nothing else."""
    assert made.planted
    planted = made.planted
    if len(runs) != 1:
        return Result("not recognised", f"{len(runs)} runs, not 1")
    seen, found = Seen(made, 0, runs[0]), False
    for violation in runs[0].verdict.violations:
        machine = seen.numbers.get(violation.machine, -1)
        if machine not in planted.culprits:
            return Result("false", f"blamed another: {_told(violation)}")
        found |= violation.check in planted.checks
    if not planted.checks:
        return seen.result()
    if not found:
        named = ", ".join(runs[0].checks) or runs[0].verdict.state
        return Result("not recognised", f"not named: {named}, not {' or '.join(planted.checks)}")
    return Result("right")
