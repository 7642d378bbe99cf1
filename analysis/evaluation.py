"""The evaluation of a run: its metrics and its verdict, each computed once.

A verdict has one of three states. `violated`: a check found a violation. `inconclusive`: a log is
missing or damaged, the sends of receives are ambiguous, no case could be checked, or two readings
explain the logs equally and one of them violates a check. `holds`:
everything else; the verdict also lists the checks that the logs do not allow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Literal

import polars as pl

from analysis.checks import CHECKS
from analysis.checks.account import Account, account
from analysis.checks.blame import blamed
from analysis.checks.clocks import Claim, claims
from analysis.checks.evidence import Evidence
from analysis.checks.faults import unplanned_returns
from analysis.checks.messages import orphans, unlogged_receivers, unlogged_senders
from analysis.checks.offsets import Offset, offsets, sends_dated_late
from analysis.checks.violation import Coverage, Violation
from analysis.history.arrays import series
from analysis.history.run import SEVERAL_FIT, Damage, Rival, Run
from analysis.metrics.machine import per_machine
from analysis.metrics.run import metrics_of
from vm.quoting import counted, plain
from vm.spec import natural_order

State = Literal["holds", "violated", "inconclusive"]

#: A log that is wrong throughout has a violation in every row; listing all is of no use.
MAX_VIOLATIONS_PER_CHECK = 1000
#: Unusable lines that a verdict lists; `Run.damage` has all of them.
MAX_DAMAGE_LISTED = 100
#: More unusable lines of a file with one reason are listed by the first of them.
MAX_ALIKE = 3
#: The most characters of the reason in a verdict's repr.
MAX_REASON = 160
#: By increasing precedence: the exit code of several runs is that of the worst.
EXIT_CODES: dict[State, int] = {"holds": 0, "inconclusive": 2, "violated": 1}


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of the checks.

    `unchecked` lists the reasons why a run without violations is inconclusive. `question` is one
    whose answer decides between readings of the logs with different verdicts, "" if there is none:
    the verdict is inconclusive until it is answered. `coverage` counts
    the cases of every check that was made; `unknown` lists the checks that these logs do not allow,
    with the reason. `more` lists the checks with more violations than `violations` has. `offsets`
    are wall clocks that disagree, which is no violation; `claims` counts the concurrent pairs of
    events that each clock orders. `causes` are mistakes that explain many of the violations.
    """

    run: str
    account: Account | None
    violations: tuple[Violation, ...]
    unchecked: tuple[str, ...]
    question: str = ""
    unknown: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()
    offsets: tuple[Offset, ...] = ()
    claims: tuple[Claim, ...] = ()
    causes: tuple[str, ...] = ()
    coverage: tuple[tuple[str, Coverage], ...] = ()

    def __repr__(self) -> str:
        """Return the state with its reason in short, as notebooks show it."""
        reasons = {
            "holds": f"{len(self.holding)} checks",
            "violated": ", ".join(dict.fromkeys(one.check for one in self.violations)),
            "inconclusive": "; ".join([*[self.question] * bool(self.question), *self.unchecked]),
        }
        return f"<Verdict {self.state}: {plain(reasons[self.state], MAX_REASON)}>"

    @property
    def state(self) -> State:
        if self.violations:
            return "violated"
        return "inconclusive" if self.question or self.unchecked else "holds"

    @property
    def holding(self) -> dict[str, Coverage]:
        """The checks that hold, on at least one case."""
        return {check: n for check, n in self._without_violations() if n.checked}

    @property
    def without_cases(self) -> dict[str, Coverage]:
        """The checks that found no case, although the logs allow them."""
        return {check: n for check, n in self._without_violations() if not n.checked}

    def _without_violations(self) -> Iterator[tuple[str, Coverage]]:
        violated = {violation.check for violation in self.violations}
        return ((check, n) for check, n in self.coverage if check not in violated)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run with its metrics and its verdict, each computed when it is first read."""

    run: Run

    @cached_property
    def evidence(self) -> Evidence:
        return Evidence(self.run)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All metrics by name, those of the machines under `machines`."""
        return metrics_of(self.run)

    @property
    def machines(self) -> pl.DataFrame:
        """The metrics of the machines as a table, one row per machine."""
        return per_machine(self.run)

    @cached_property
    def verdict(self) -> Verdict:
        return judge(self.evidence)


def evaluate(run: Run) -> Evaluation:
    """Return the evaluation of a run: its metrics and its verdict."""
    return Evaluation(run)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return 1 if a check is violated, 2 if a verdict is inconclusive, or else 0."""
    states = {verdict.state for verdict in verdicts}
    return next((EXIT_CODES[s] for s in reversed(EXIT_CODES) if s in states), 0)


def judge(seen: Evidence) -> Verdict:
    """Return the verdict on a run.

    `violated` means that no reading of the logs keeps the rule. A rival decides against it if it
    keeps all rules, and for it if it explains the logs as well.
    """
    found = _judged(seen)
    for rival in seen.run.rivals:
        other = _judged(Evidence(rival.run))
        violated = [one.state == "violated" for one in (found, other)]
        if violated == [False, True] or (violated == [True, False] and rival.is_whole):
            return _undecided(found, other, rival)
    return found


def _undecided(found: Verdict, other: Verdict, rival: Rival) -> Verdict:
    """Return the verdict on a run that one of two readings violates."""
    own, others = (" ".join(f"--set {one}" for one in some) for some in (rival.own, rival.other))
    violated = dict.fromkeys(v.check for v in (*found.violations, *other.violations))
    unknown = dict.fromkeys(violated, "it depends on the question above")
    return replace(
        found,
        question=(
            f"{rival.question} With {' and '.join(rival.own)}, {_outcome(found)}; with"
            f" {' and '.join(rival.other)}, {_outcome(other)}. Check again with {own} or {others}"
        ),
        violations=(),
        causes=(),
        more=(),
        unknown=(*unknown.items(), *(pair for pair in found.unknown if pair[0] not in unknown)),
        coverage=tuple(pair for pair in found.coverage if pair[0] not in unknown),
    )


def _outcome(found: Verdict) -> str:
    if not found.violations:
        return "nothing is violated"
    first = found.violations[0]
    return f"{first.check} is violated at event {first.index} of {first.machine}"


def _judged(seen: Evidence) -> Verdict:
    """Return the verdict on a run by its own reading."""
    run = seen.run
    found = {
        name: list(islice(check.find(seen), MAX_VIOLATIONS_PER_CHECK + 1))
        for name, check in CHECKS.items()
    }
    found = blamed(seen, found)
    listed = {name: some[:MAX_VIOLATIONS_PER_CHECK] for name, some in found.items()}
    coverage = {name: check.coverage(seen) for name, check in CHECKS.items()}
    # A violation is known, however little else of its check is.
    unknown = {name: why for name, why in _unknown(seen, coverage) if not found.get(name)}
    made = {name: cases for name, cases in coverage.items() if name not in unknown}
    return Verdict(
        run=run.name,
        account=None if run.missing or run.clashes else account(seen),
        violations=tuple(violation for some in listed.values() for violation in some),
        unchecked=tuple(_unchecked(seen)) or _without_any_case(made.values()),
        unknown=tuple(unknown.items()),
        more=tuple(name for name, some in found.items() if len(some) > len(listed[name])),
        offsets=offsets(seen),
        claims=claims(seen),
        causes=run.causes if any(found.values()) else (),
        coverage=tuple(made.items()),
    )


def _unchecked(seen: Evidence) -> Iterator[str]:
    """Yield the reasons why not everything could be checked.

    A torn last line is no reason: an event is in the log before its messages leave.
    """
    run = seen.run
    absent = Counter(
        sender for _, sender, cause in orphans(seen) if sender and _is_absent(run, sender, cause)
    )
    waiting = Counter(sender for _, sender, _ in orphans(seen))
    for machine, count in absent.items() if not run.clashes else ():
        yield f"{counted(count, 'receive')} of messages of {machine} whose sends are not in its log"
    senders, sent = unlogged_senders(seen), unlogged_receivers(seen)
    for machine in sorted({*senders, *sent}, key=natural_order):
        received = [f"{counted(waiting[machine], 'receive')} of its messages"] * bool(
            waiting[machine]
        )
        to_it = [f"{counted(sent[machine], 'message')} to it"] * (machine in sent)
        found = ", ".join([*received, *to_it])
        yield f"{run.absence(machine)}{': ' * bool(found)}{found}"
    if waiting[None] and not run.is_closed:
        yield f"{counted(waiting[None], 'receive')} without a send in these logs: a log is missing"
    if not run.starts and (several := int((series(run, "inferred") == SEVERAL_FIT).sum())):
        yield f"{counted(several, 'receive')} with several possible sends, left open"
    yield from _damaged([damage for damage in run.damage if not damage.is_torn])
    for machine in seen.killed:
        if machine in seen.cut:
            yield (
                f"{machine} left no stop record and no crash was planned: it was killed, or its"
                " log was cut short"
            )
        elif end := _received_beyond(seen, machine):
            yield end
    for machine, line in unplanned_returns(seen):
        where = f"{run.files[machine]}:{line}"
        yield f"{where}: {machine} was killed and came back, and no restart was planned"


def _damaged(damage: Sequence[Damage]) -> Iterator[str]:
    """Yield a reason for each unusable line, or for many lines of a file that are alike."""
    alike: dict[tuple[str, str], list[int]] = {}
    for one in damage:
        alike.setdefault((one.file, one.reason), []).append(one.line)
    listed = [
        (file, line, len(lines) - 1 if len(lines) > MAX_ALIKE else 0, reason)
        for (file, reason), lines in alike.items()
        for line in (lines[:1] if len(lines) > MAX_ALIKE else lines)
    ]
    for file, line, more, reason in listed[:MAX_DAMAGE_LISTED]:
        and_more = f" and {counted(more, 'more line')}" if more else ""
        yield f"{file}:{line}{and_more} could not be used: {reason}"
    rest = Counter[str]()
    for file, _, more, _ in listed[MAX_DAMAGE_LISTED:]:
        rest[file] += 1 + more
    for file, lines in rest.items():
        yield f"{counted(lines, 'more line')} of {file} could not be used"


def _is_absent(run: Run, machine: str, index: int) -> bool:
    return any(low <= index <= high for low, high in run.absent.get(machine, ()))


def _received_beyond(seen: Evidence, machine: str) -> str:
    """Return why it is open what a machine that crashed had logged, or "" if nothing shows it."""
    end = seen.open_ends.get(machine)
    known = seen.causality
    beyond = {
        seen.run.machines[known.machine[row]]
        for row, sender, cause in orphans(seen)
        if sender == machine and end is not None and cause >= end
    }
    names = ", ".join(sorted(beyond, key=natural_order))
    return f"{names} received events that the log of {machine} lacks: one was changed" * bool(names)


def _without_any_case(coverage: Iterable[Coverage]) -> tuple[str, ...]:
    return () if any(cases.checked for cases in coverage) else ("no check found a case to look at",)


def _unknown(seen: Evidence, coverage: dict[str, Coverage]) -> Iterator[tuple[str, str]]:
    """Yield the checks that these logs do not allow, with the reason."""
    yield from ((name, cases.why) for name, cases in coverage.items() if cases.why)
    yield from seen.run.unknown
    if not seen.run.starts and (why := sends_dated_late(seen)):
        yield "clock_offset", why
