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
from analysis.text.notes import notes_on_damage, notes_on_files, trouble
from vm.files import VERDICT
from vm.quoting import plain

MAX_VIOLATIONS_SHOWN = 10
#: Characters per line: names and timestamps from a log can be long.
MAX_LINE = 1000


def print_verdict(run: Run | None, found: Verdict, console: Console) -> None:
    """Print a verdict and its reasons; `run` is None if it could not be read."""
    _print(console, f"{found.run}: {headline(found, trouble(run) if run else '')}")
    for line in (
        *(_logs(run) if run else ()),
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


def explain_account(account: Account) -> str:
    """Return the equation of the sent messages, and the sends and receives outside of it."""
    ends = account.ends
    terms = (f"{ends[end]} {label}" for end, label in END_LABELS.items() if ends[end])
    sent = counted(account.sent - account.duplicated, "message") + " sent"
    if account.duplicated:
        sent += f" + {counted(account.duplicated, 'duplicate')}"
    equation = f"{sent} = {account.received} received"
    parts = [" + ".join([equation, *terms])]
    if account.unnamed_sends:
        parts.append(
            f"{counted(account.unnamed_sends, 'send')} without a named receiver,"
            f" {account.unnamed_received} of their messages received"
        )
    if account.unmatched_receives:
        parts.append(f"{counted(account.unmatched_receives, 'receive')} without a known send")
    if not account.sent and len(parts) > 1:
        del parts[0]
    return "; ".join(parts)


def _logs(run: Run) -> Iterator[str]:
    events = len(run.events) if not run.is_big else run.scan.select("index").collect().height
    machines = counted(len(run.machines), "machine")
    yield f"logs in the format {run.format}, {machines}, {counted(events, 'event')}"
    for convention in run.conventions:
        yield f"convention: {convention}"


def explain_claim(claim: Claim) -> str:
    pairs = counted(claim.concurrent, "concurrent pair")
    if claim.ordered is None:
        return f"{claim.clock}: how many of the {pairs} it orders is not known"
    none = "none" if claim.ordered == 0 and claim.concurrent else f"{claim.ordered:,}"
    return f"{claim.clock}: orders {none} of the {pairs}"


def _notes(run: Run) -> Iterator[str]:
    yield from notes_on_damage([damage for damage in run.damage if damage.is_torn])
    yield from notes_on_files(run)


def _violations(found: Verdict) -> Iterator[str]:
    for check, count in Counter(violation.check for violation in found.violations).items():
        most = "more than " if check in found.more else ""
        yield f"violated: {check} ({most}{count})"
        for violation in [v for v in found.violations if v.check == check][:MAX_VIOLATIONS_SHOWN]:
            yield from _explain(violation)
        if count > MAX_VIOLATIONS_SHOWN:
            yield f"  and {most}{count - MAX_VIOLATIONS_SHOWN} more; {VERDICT} has them"


def _explain(violation: Violation) -> Iterator[str]:
    yield f"  {violation.machine} event {violation.index}: {violation.because}"
    for line in violation.witness:
        where = f"{line.file}:{line.line}"
        yield f"    {where}: {line.machine} event {line.index}: {line.says}"


def _print(console: Console, line: str) -> None:
    # Not wrapped, so that grep finds whole lines.
    console.print(Text(plain(line, MAX_LINE)), soft_wrap=True)


#: Printed names of the ends of copies, except `received`.
END_LABELS = {
    "open": "received, but the receive is ambiguous",
    "inbox": "left in inboxes",
    "undelivered": "undelivered",
    "lost": "lost",
    "unlogged": "sent to machines without a log",
    "died": "died with a killed machine",
    "unaccounted": "UNACCOUNTED",
}
