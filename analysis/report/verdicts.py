"""A verdict as the page shows it: never only by its colour."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from analysis.checks import CHECKS, Account, Verdict
from analysis.history import Run

MAX_SHOWN = 200
SEALS = {"fine": "✓", "violated": "✕", "unknown": "?"}
ENDS = {
    "received": "received",
    "inbox": "left in inboxes",
    "undelivered": "undelivered",
    "lost": "lost to faults",
    "died": "died with a killed machine",
    "unaccounted": "UNACCOUNTED",
}


def card(run: Run, found: Verdict) -> dict[str, Any]:
    """What the verdict's card says: colour, seal, title, text, account, violations, checks."""
    return {
        **plain_card(word(found), _title(found), _text(run, found)),
        "account": _account(found.account) if found.account else "",
        "bar": _bar(found.account) if found.account else [],
        "violations": [
            {"event": f"{v.machine}:{v.index}", "check": v.check, "because": v.because}
            for v in found.violations[:MAX_SHOWN]
        ],
        "more": max(0, len(found.violations) - MAX_SHOWN),
        "unchecked": found.unchecked,
        "checks": _checks(found),
    }


def plain_card(colour: str, title: str, text: str) -> dict[str, Any]:
    """A card without violations or an account."""
    nothing = {"account": "", "bar": [], "violations": [], "more": 0, "unchecked": (), "checks": []}
    return {"colour": colour, "seal": SEALS[colour], "title": title, "text": text, **nothing}


def word(found: Verdict) -> str:
    """`fine`, `violated` or `unknown`, which is never taken for fine."""
    if found.violations:
        return "violated"
    return "unknown" if found.unchecked else "fine"


def question(function: Callable[..., Any]) -> str:
    """The question that a metric, a check or a plot answers: the first line of its docstring."""
    assert function.__doc__
    return function.__doc__.strip().splitlines()[0]


def _title(found: Verdict) -> str:
    if found.violations:
        count = len(found.violations)
        return f"{count:,} violation" + ("" if count == 1 else "s")
    return "Could not be checked" if found.unchecked else "Every check holds"


def _text(run: Run, found: Verdict) -> str:
    events = f"{run.events.height:,} events of {len(run.logged)} machines"
    if found.account is None:
        return f"{events}. What cannot be checked is not called fine."
    if found.violations:
        return f"{events} were checked. This must not be:"
    if found.unchecked:
        return f"{events} were checked and hold, but not everything could be read."
    sent = f"{found.account.sent:,} messages"
    return f"{events} and {sent} were checked, and nothing is wrong with them."


def _account(places: Account) -> str:
    parts = [f"{count:,} {ENDS[place]}" for place, count in _bar(places)]
    return f"{places.sent:,} messages sent = {' + '.join(parts) or '0 received'}"


def _bar(places: Account) -> list[tuple[str, int]]:
    return [(place, count) for place, count in asdict(places).items() if place != "sent" and count]


def _checks(found: Verdict) -> list[dict[str, str]]:
    if found.account is None:
        return []
    broken = {violation.check for violation in found.violations}
    return [
        {
            "name": name,
            "question": question(check),
            "colour": "violated" if name in broken else "fine",
            "answer": "violated" if name in broken else "holds",
        }
        for name, check in CHECKS.items()
    ]
