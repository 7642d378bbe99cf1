"""A verdict as the page shows it: never only by its colour."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from analysis.checks import CHECKS, Account, Verdict, Violation
from analysis.history.run import Run
from analysis.metrics.labels import question
from analysis.text.audit import explain_account, explain_claim

MAX_SHOWN = 200
SEALS = {"fine": "✓", "violated": "✕", "unknown": "?"}


def card(run: Run, found: Verdict) -> dict[str, Any]:
    """What the verdict's card says: colour, seal, title, text, account, violations, checks."""
    return {
        **plain_card(word(found), _title(found), _text(run, found)),
        "account": explain_account(found.account) if found.account else "",
        "bar": _bar(found.account) if found.account else [],
        "violations": list(map(_violation, found.violations[:MAX_SHOWN])),
        "more": max(0, len(found.violations) - MAX_SHOWN),
        "unchecked": list(found.unchecked),
        "checks": _checks(found),
        "facts": list(_facts(run, found)),
    }


def plain_card(colour: str, title: str, text: str) -> dict[str, Any]:
    """A card without violations or an account."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("bar", "violations", "unchecked", "checks", "facts"), ()
    )
    said = {"colour": colour, "seal": SEALS[colour], "title": title, "text": text}
    return {**said, **nothing, "account": "", "more": 0}


def word(found: Verdict) -> str:
    """`fine`, `violated` or `unknown`, which is never taken for fine."""
    if found.violations:
        return "violated"
    return "unknown" if found.unchecked or found.unknown else "fine"


def _title(found: Verdict) -> str:
    if found.violations:
        count = len(found.violations)
        most = "More than " if found.more else ""
        return f"{most}{count:,} violation" + ("" if count == 1 else "s")
    if found.unchecked:
        return "Could not be checked"
    if found.unknown:
        return "Nothing is violated, but not everything can be checked"
    return "Every check holds"


def _text(run: Run, found: Verdict) -> str:
    events = f"{run.events.height:,} events of {len(run.logged)} machines"
    if found.violations:
        return f"{events} were checked. This must not be:"
    if found.unchecked:
        return f"{events}. What cannot be checked is not called fine:"
    if found.unknown:
        return (
            f"{events} were checked; these logs do not say enough for {len(found.unknown)} checks."
        )
    sent = f"{found.account.sent:,} messages" if found.account else "their messages"
    return f"{events} and {sent} were checked, and nothing is wrong with them."


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "event": f"{violation.machine}:{violation.index}",
        "check": violation.check,
        "because": violation.because,
        "witness": [
            {
                "event": f"{line.machine}:{line.index}",
                "says": line.says,
                "where": f"{line.file}:{line.line}",
            }
            for line in violation.witness
        ],
    }


def _bar(account: Account) -> list[tuple[str, int]]:
    return [(end, count) for end, count in asdict(account).items() if end != "sent" and count]


def _checks(found: Verdict) -> list[dict[str, str]]:
    """Every check: its question, and whether it holds, is violated or cannot be made."""
    broken, unknown = Counter(v.check for v in found.violations), dict(found.unknown)
    answers = dict.fromkeys(CHECKS, "holds")
    answers |= {name: f"cannot be known: {why}" for name, why in unknown.items()}
    answers |= {name: f"violated ({count:,})" for name, count in broken.items()}
    colours = {name: "violated" if name in broken else "fine" for name in CHECKS}
    colours |= {name: "unknown" for name in unknown if name not in broken}
    return [
        {
            "name": name,
            "question": question(check),
            "answer": answers[name],
            "colour": colours[name],
        }
        for name, check in CHECKS.items()
    ]


def _facts(run: Run, found: Verdict) -> Iterator[str]:
    """What else was found out, which is no violation."""
    yield from map(explain_claim, found.claims)
    yield from (f"wall clocks: {offset.because}" for offset in found.offsets)
    yield from (f"convention: {convention}" for convention in run.conventions)
