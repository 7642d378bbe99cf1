"""The verdict on a run for people and for programs: what it is, what holds, what does not, and
what cannot be known from its logs.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from analysis.checks import CHECKS, Account, Claim, Verdict, Violation
from analysis.history.run import Run, place

MAX_VIOLATIONS_SHOWN = 10
VERDICT = "verdict.json"


def print_audit(run: Run | None, found: Verdict, console: Console) -> None:
    """A line with the verdict, and below it all that it rests on; no run if none could be read."""
    _say(console, f"{found.run}: {word_of(found)}")
    for line in (
        *(_what(run) if run else ()),
        *_messages(found),
        *map(explain_claim, found.claims),
        *(_holds(found) if run else ()),
        *_violations(found),
        *(f"wall clocks: {offset.because}" for offset in found.offsets),
        *(f"could not be checked: {reason}" for reason in found.unchecked),
        *(f"cannot be known: {check}: {why}" for check, why in found.unknown),
    ):
        _say(console, f"  {line}")


def word_of(found: Verdict) -> str:
    """The verdict in a word or two; what could not be checked is never fine."""
    if found.violations:
        return "VIOLATED"
    if found.unchecked:
        return "could not be checked"
    if unmade := sum(check in CHECKS for check, _ in found.unknown):
        return f"nothing violated; {unmade} of {len(CHECKS)} checks cannot be made"
    return "fine"


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """1 if a check is violated, 2 if the logs are too damaged to tell, or else 0."""
    if any(found.violations for found in verdicts):
        return 1
    return 2 if any(found.unchecked for found in verdicts) else 0


def explain_account(places: Account) -> str:
    ends = {
        "left in inboxes": places.inbox,
        "undelivered": places.undelivered,
        "lost": places.lost,
        "died with a killed machine": places.died,
        "UNACCOUNTED": places.unaccounted,
    }
    parts = [f"{places.received} received", *(f"{n} {end}" for end, n in ends.items() if n)]
    return f"{places.sent} messages sent = {' + '.join(parts)}"


def plain_verdict(found: Verdict) -> dict[str, Any]:
    """The verdict as JSON has it."""
    violations = [asdict(violation) for violation in found.violations]
    for violation in violations:
        del violation["run"]
    plain = asdict(found) | {"violations": violations, "unknown": dict(found.unknown)}
    return {"run": plain.pop("run"), "verdict": word_of(found), **plain}


def keep(found: Verdict, home: Path) -> None:
    """Write verdict.json into a run's directory, or beside a log that is a run of its own.

    OSError if that cannot be written.
    """
    file = place(home, VERDICT, found.run)
    file.write_text(json.dumps(plain_verdict(found), indent=2, ensure_ascii=False) + "\n")


def _what(run: Run) -> Iterator[str]:
    events = len(run.events) if not run.is_big else run.scan.select("index").collect().height
    machines = f"{len(run.machines)} machine{'s' if len(run.machines) != 1 else ''}"
    yield f"what it is: logs in the format {run.format}, {machines}, {events:,} events"
    for convention in run.conventions:
        yield f"convention: {convention}"


def _messages(found: Verdict) -> Iterator[str]:
    if found.account:
        yield explain_account(found.account)


def explain_claim(claim: Claim) -> str:
    pairs = f"{claim.concurrent:,} concurrent pairs"
    if claim.ordered is None:
        return f"{claim.clock}: how many of the {pairs} it orders is not known"
    none = "none" if claim.ordered == 0 and claim.concurrent else f"{claim.ordered:,}"
    return f"{claim.clock}: orders {none} of the {pairs}"


def _holds(found: Verdict) -> Iterator[str]:
    wanting = {violation.check for violation in found.violations} | {c for c, _ in found.unknown}
    if not any(claim.promises for claim in found.claims):
        wanting.add("strong_clock_condition")
    if holding := [check for check in CHECKS if check not in wanting]:
        yield f"holds: {', '.join(holding)}"


def _violations(found: Verdict) -> Iterator[str]:
    for check, count in Counter(violation.check for violation in found.violations).items():
        most = "more than " if check in found.more else ""
        yield f"VIOLATED: {check} ({most}{count})"
        for violation in [v for v in found.violations if v.check == check][:MAX_VIOLATIONS_SHOWN]:
            yield from _explain(violation)
        if count > MAX_VIOLATIONS_SHOWN:
            yield f"  and {most}{count - MAX_VIOLATIONS_SHOWN} more; {VERDICT} has them"


def _explain(violation: Violation) -> Iterator[str]:
    yield f"  {violation.machine} event {violation.index}: {violation.because}"
    for line in violation.witness:
        where = f"{line.file}:{line.line}"
        yield f"    {where}: {line.machine} event {line.index}: {line.says}"


def _say(console: Console, line: str) -> None:
    # Not broken: a line is for grep as well.
    console.print(Text(line), soft_wrap=True)
