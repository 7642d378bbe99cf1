"""The verdict on a page: its state as text, not only as a colour."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from analysis.checks import CHECKS
from analysis.evaluation import State, Verdict
from analysis.history.run import Run
from analysis.metrics.labels import counted, question
from analysis.text.notes import trouble
from analysis.text.verdict import explain_account, explain_claim

MAX_SHOWN = 200
SEALS: dict[State, str] = {"holds": "✓", "violated": "✕", "inconclusive": "?"}


def card(run: Run, found: Verdict) -> dict[str, Any]:
    """Return the parts of a verdict's card: state, title, text, account, violations, checks."""
    return {
        **_headed(run, found),
        "account": explain_account(found.account) if found.account else "",
        "bar": found.account.ends.items() if found.account else (),
        "violations": found.violations[:MAX_SHOWN],
        "more": max(0, len(found.violations) - MAX_SHOWN),
        "unchecked": list(found.unchecked),
        "checks": _checks(found),
        "facts": list(_facts(run, found)),
    }


def _headed(run: Run, found: Verdict) -> dict[str, Any]:
    """Return the head of the card; that of a failed run does not look fine."""
    card = plain_card(found.state, _title(found), _text(run, found))
    if not (problem := trouble(run)):
        return card
    seen = (
        {"state": "inconclusive", "seal": SEALS["inconclusive"]} if found.state == "holds" else {}
    )
    return {**card, **seen, "title": f"{problem[0].upper()}{problem[1:]}. {card['title']}"}


def plain_card(state: State, title: str, text: str) -> dict[str, Any]:
    """Return a card without violations or account."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("bar", "violations", "unchecked", "checks", "facts"), ()
    )
    shown = {"state": state, "seal": SEALS[state], "title": title, "text": text}
    return {**shown, **nothing, "account": "", "more": 0}


def _title(found: Verdict) -> str:
    if found.state == "violated":
        most = "More than " if found.more else ""
        return f"{most}{counted(len(found.violations), 'violation')}"
    if found.state == "inconclusive":
        return "Inconclusive"
    if found.unknown:
        return "Nothing is violated, but not everything can be checked"
    holding = len(found.holding)
    return (
        "Every check holds"
        if holding == len(CHECKS)
        else f"{counted(holding, 'check')} without a violation"
    )


def _text(run: Run, found: Verdict) -> str:
    events = f"{counted(run.events.height, 'event')} of {counted(len(run.logged), 'machine')}"
    if found.state == "violated":
        return f"{events} were checked. Violations:"
    if found.state == "inconclusive":
        return f"{events}. Not everything could be checked:"
    if found.unknown:
        unknown = counted(len(found.unknown), "check")
        return f"{events} were checked; the logs hold too little for {unknown}."
    held = found.account
    sent = counted(held.sent - held.duplicated, "message") if held else "their messages"
    return f"{events} and {sent} were checked, and nothing is violated."


def _checks(found: Verdict) -> list[dict[str, str]]:
    """Return each check with its question and result: holds, violated, or unchecked."""
    answers = {name: ("holds", f"holds ({cases})") for name, cases in found.holding.items()}
    for name, cases in found.without_cases.items():
        answers[name] = "unchecked", f"not checked ({cases})"
    answers |= {name: ("unchecked", f"cannot be known: {why}") for name, why in found.unknown}
    for name, count in Counter(v.check for v in found.violations).items():
        answers[name] = "violated", f"violated ({count:,})"
    return [
        {
            "name": name,
            "question": question(check.find),
            "state": answers[name][0],
            "answer": answers[name][1],
        }
        for name, check in CHECKS.items()
    ]


def _facts(run: Run, found: Verdict) -> Iterator[str]:
    """Return findings that are not violations."""
    yield from map(explain_claim, found.claims)
    yield from (f"wall clocks: {offset.because}" for offset in found.offsets)
    yield from (f"convention: {convention}" for convention in run.conventions)
