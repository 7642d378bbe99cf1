"""The verdict on a run in the terminal: its state, followed by its reasons."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from analysis.checks import CHECKS
from analysis.checks.account import Account
from analysis.checks.clocks import Claim
from analysis.checks.violation import Violation
from analysis.evaluation import Verdict
from analysis.history.run import Run
from analysis.metrics.labels import counted
from analysis.text.notes import (
    notes_on_damage,
    notes_on_files,
    notes_on_noise,
    notes_on_wall_clocks,
    trouble,
)
from vm.files import VERDICT
from vm.quoting import plain

MAX_VIOLATIONS_SHOWN = 10
#: Characters per line: names and timestamps from a log can be long.
MAX_LINE = 1000


def print_verdict(run: Run | None, found: Verdict, console: Console) -> None:
    """Print a verdict and its reasons; `run` is None if it could not be read."""
    _print(console, f"{found.run}: {headline(found, trouble(run) if run else '')}")
    for line in (
        *([asked(found)] if found.question else ()),
        *(_logs(run) if run else ()),
        *(undecided(run) if run and not found.question else ()),
        *([explain_account(found.account)] if found.account else ()),
        *map(explain_claim, found.claims),
        *(f"{check}: holds ({cases})" for check, cases in found.holding.items()),
        *_violations(found),
        *(f"not checked: {check} ({cases})" for check, cases in found.without_cases.items()),
        *(f"wall clocks: {offset.because}" for offset in found.offsets),
        *(f"could not be checked: {reason}" for reason in found.unchecked),
        *(f"cannot be known: {check}: {why}" for check, why in found.unknown),
        *(_notes(run) if run else ()),
    ):
        _print(console, f"  {line}")


def headline(found: Verdict, trouble: str = "") -> str:
    """Return the state, with the number of checks that the logs make impossible.

    `trouble` says how the run failed: a verdict that holds is then one on an incomplete run.
    """
    unmade = sum(check in CHECKS for check, _ in found.unknown)
    if trouble:
        return f"{found.state}, but {trouble}"
    if found.state != "holds" or not unmade:
        return found.state
    return f"{found.state}: nothing violated; {unmade} of {len(CHECKS)} checks cannot be made"


def first_cause(found: Verdict) -> str:
    """Return the first reason why a verdict does not hold, "" if it does."""
    if found.violations:
        first = found.violations[0]
        return f"{first.check}: {_where(first)}: {first.because}"
    if found.question:
        return asked(found)
    return found.unchecked[0] if found.unchecked else ""


def undecided(run: Run) -> Iterator[str]:
    """Yield the conventions that another reading of the logs has otherwise."""
    yield from (f"undecided convention: {rival.question}" for rival in run.rivals)


def asked(found: Verdict) -> str:
    """Return the question on which a verdict depends, as a line."""
    return f"answer one question: {found.question}"


def explain_account(account: Account) -> str:
    """Return the equation of the sent messages, and the sends and receives outside of it."""
    ends = account.ends
    terms = (f"{ends[end]} {label}" for end, label in END_LABELS.items() if ends[end])
    sent = counted(account.sent - account.duplicated, "message") + " sent"
    if account.at_least:
        sent = f"at least {sent}"
    if account.duplicated:
        sent += f" + {counted(account.duplicated, 'duplicate')}"
    equation = f"{sent} = {account.received + account.open} received"
    if account.open:
        equation += f" (of {account.open} of them the send is open)"
    parts = [" + ".join([equation, *terms])] * bool(account.sent or not account.is_partial)
    unnamed = f"{counted(account.unnamed_sends, 'send')} to receivers that no log names"
    if account.unnamed_sends and not account.sent:
        received = account.unnamed_received + account.unmatched_receives
        matched = f"{received} received, of which {account.unnamed_received} are matched"
        return "; ".join([*parts, unnamed, matched])
    if account.unnamed_sends:
        parts.append(f"{unnamed}, {account.unnamed_received} of their messages matched")
    if account.unmatched_receives:
        parts.append(f"{counted(account.unmatched_receives, 'receive')} without a known send")
    return "; ".join(parts)


def _logs(run: Run) -> Iterator[str]:
    events = len(run.events) if not run.is_big else run.scan.select("index").collect().height
    machines = counted(len(run.machines), "machine")
    yield f"logs {run.in_format}, {machines}, {counted(events, 'event')}"
    for convention in run.conventions:
        yield f"convention: {convention}"


def explain_claim(claim: Claim) -> str:
    if not claim.concurrent:
        return f"{claim.clock}: no pair of events is concurrent"
    if claim.concurrent == 1:
        orders = {0: "does not order", 1: "orders", None: "may order"}[claim.ordered]
        return f"{claim.clock}: {orders} the only concurrent pair"
    pairs = f"the {claim.concurrent:,} concurrent pairs"
    if claim.ordered is None:
        return f"{claim.clock}: how many of {pairs} it orders: see `vklocks clocks`"
    return f"{claim.clock}: orders {f'{claim.ordered:,}' if claim.ordered else 'none'} of {pairs}"


def _notes(run: Run) -> Iterator[str]:
    yield from notes_on_wall_clocks(run)
    yield from notes_on_damage([damage for damage in run.damage if damage.is_torn])
    yield from notes_on_noise(run)
    yield from notes_on_files(run)


def _violations(found: Verdict) -> Iterator[str]:
    yield from (f"cause: {cause}" for cause in found.causes)
    for check, count in Counter(violation.check for violation in found.violations).items():
        most = "more than " if check in found.more else ""
        yield f"violated: {check} ({most}{count})"
        for violation in [v for v in found.violations if v.check == check][:MAX_VIOLATIONS_SHOWN]:
            yield from _explain(violation)
        if count > MAX_VIOLATIONS_SHOWN:
            yield f"  and {most}{count - MAX_VIOLATIONS_SHOWN} more; {VERDICT} has them"


def _explain(violation: Violation) -> Iterator[str]:
    yield f"  {_where(violation)}: {violation.because}"
    for line in violation.witness:
        where = f"{line.file}:{line.line}"
        yield f"    {where}: {line.machine} event {line.index}: {line.says}"


def _where(violation: Violation) -> str:
    return f"{violation.machine} event {violation.index}"


def _print(console: Console, line: str) -> None:
    # Not wrapped, so that grep finds whole lines.
    console.print(Text(plain(line, MAX_LINE)), soft_wrap=True)


#: Printed names of the ends of copies, except those that were received.
END_LABELS = {
    "inbox": "left in inboxes",
    "undelivered": "undelivered",
    "lost": "lost",
    "unlogged": "sent to machines without a log",
    "died": "died with a killed machine",
    "unreadable": "perhaps received on unusable lines",
    "unaccounted": "UNACCOUNTED",
}
