"""The report of one run: `report.html` beside its logs."""

from pathlib import Path
from typing import Any

from analysis.charts.captioned import run_charts
from analysis.checks import Verdict, verdict
from analysis.history.run import Run, place
from analysis.report import metrics_table, vega, verdict_card
from analysis.report.description import say_faults, told
from analysis.report.page import leave, render
from analysis.report.payload import late_messages, payload
from analysis.text.audit import explain_account
from analysis.text.summary import notes

FILE = "report.html"


def write(run: Run, home: Path) -> Path:
    """Leave the report of a run in its directory, or in another one; returns where it is."""
    return leave(place(home, FILE, run.name), html(run))


def html(run: Run) -> str:
    """The report of a run. What run.json and spec.json say beside its logs is told as well."""
    found, charts = verdict(run), run_charts(run)
    told_of = payload(run, found)
    return render(
        "report",
        run=run,
        verdict=verdict_card.card(run, found),
        told=told(run),
        notes=notes(run),
        metrics=metrics_table.table(run),
        charts=charts,
        diagram_text=in_words(run, found),
        ends=_ends(found),
        head=told_of.head,
        body=told_of.body,
        specs=vega.packed(charts),
        vega=vega.bundle(),
    )


def in_words(run: Run, found: Verdict) -> list[str]:
    """The text that stands for the diagram."""
    counts = dict(run.events.group_by("machine").len().iter_rows())
    lanes = ", ".join(f"{name} with {counts.get(name, 0):,} events" for name in run.machines)
    lines = [f"{len(run.machines)} lanes, one a machine: {lanes}."]
    if found.account:
        lines.append(f"Arrows between them: {explain_account(found.account)}.")
    if late := late_messages(run):
        lines.append(f"{late:,} of the messages were on their way for longer than a tick.")
    if gone := "; ".join(say_faults(run)):
        lines.append(f"Bands over lanes and time: {gone}.")
    if pinned := len({(v.machine, v.index) for v in found.violations}):
        lines.append(f"Pinned: {pinned:,} events that violate checks.")
    return lines


def _ends(found: Verdict) -> list[tuple[str, int]]:
    if found.account is None:
        return []
    ends: dict[str, Any] = vars(found.account)
    return [(end, count) for end, count in ends.items() if end != "sent"]
