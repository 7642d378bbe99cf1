"""The report of one run: `report.html` beside its logs."""

from pathlib import Path
from typing import Any

from analysis.audit import explain_account
from analysis.checks import Verdict, verdict
from analysis.history import Run
from analysis.report import figures, verdicts
from analysis.report.charts import drawings, packed, vega
from analysis.report.page import leave, render
from analysis.report.payload import payload
from analysis.report.words import told
from analysis.summary import notes

FILE = "report.html"


def write(run: Run, directory: Path) -> Path:
    """Leave the report of a run in a directory; returns its path."""
    return leave(directory / FILE, html(run, directory))


def html(run: Run, directory: Path) -> str:
    """The report of a run; the directory is where run.json and spec.json may lie."""
    found, drawn = verdict(run), drawings(run)
    told_of = payload(run, found)
    return render(
        "report",
        run=run,
        verdict=verdicts.card(run, found),
        told=told(run, directory),
        notes=notes(run),
        figures=figures.table(run),
        charts=drawn,
        diagram_text=in_words(run, found),
        places=_places(found),
        head=told_of.head,
        body=told_of.body,
        specs=packed(drawn),
        vega=vega(),
    )


def in_words(run: Run, found: Verdict) -> list[str]:
    """The text that stands for the diagram."""
    lanes = ", ".join(
        f"{name} with {run.events.filter(machine=name).height:,} events" for name in run.machines
    )
    lines = [f"{len(run.machines)} lanes, one a machine: {lanes}."]
    if found.account:
        lines.append(f"Arrows between them: {explain_account(found.account)}.")
    return lines


def _places(found: Verdict) -> list[tuple[str, int]]:
    if found.account is None:
        return []
    places: dict[str, Any] = vars(found.account)
    return [(place, count) for place, count in places.items() if place != "sent"]
