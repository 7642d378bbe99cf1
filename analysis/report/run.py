"""The report of one run: `report.html` beside its logs."""

from pathlib import Path
from typing import Any

from analysis.charts.captioned import run_charts
from analysis.charts.clocks import left_out
from analysis.evaluation import Evaluation
from analysis.metrics.labels import counted
from analysis.report import metrics_table, vega, verdict_card
from analysis.report.description import describe, describe_faults
from analysis.report.page import render
from analysis.report.payload import late_messages, payload
from analysis.text.notes import notes
from analysis.text.verdict import explain_account
from vm.files import REPORT, file_of_run, write_text


def write(evaluation: Evaluation, home: Path) -> Path:
    """Write the report of a run into its directory, or into another one; return its path."""
    return write_text(file_of_run(home, REPORT, evaluation.run.name), html(evaluation))


def html(evaluation: Evaluation) -> str:
    """Return the report of a run, including the content of its run.json and spec.json."""
    run, charts = evaluation.run, run_charts(evaluation.run)
    return render(
        "report",
        is_whole=True,
        verdict=verdict_card.card(run, evaluation.verdict),
        description=describe(run),
        notes=[*notes(run), *left_out(run)],
        metrics=metrics_table.table(evaluation),
        charts=charts,
        specs=vega.packed(charts),
        vega=vega.bundle(),
        **_diagram(evaluation),
    )


def diagram_html(evaluation: Evaluation) -> str:
    """Return the part of the report with the space-time diagram and the log, as a page."""
    return render("report", is_whole=False, **_diagram(evaluation))


def _diagram(evaluation: Evaluation) -> dict[str, Any]:
    """Return the values in the template of the diagram and the log."""
    account, packed_run = evaluation.verdict.account, payload(evaluation)
    return {
        "run": evaluation.run,
        "diagram_text": in_words(evaluation),
        "ends": account.ends.items() if account else (),
        "head": packed_run.head,
        "body": packed_run.body,
    }


def in_words(evaluation: Evaluation) -> list[str]:
    """Return the text alternative of the diagram."""
    run, found = evaluation.run, evaluation.verdict
    counts = dict(run.events.group_by("machine").len().iter_rows())
    lanes = ", ".join(
        f"{name} with {counted(counts.get(name, 0), 'event')}" for name in run.machines
    )
    lines = [f"{counted(len(run.machines), 'lane')}, one per machine: {lanes}."]
    if found.account:
        lines.append(f"Arrows between them: {explain_account(found.account)}.")
    if late := late_messages(evaluation.evidence):
        were = f"{counted(late, 'message')} {'was' if late == 1 else 'were'}"
        lines.append(f"{were} in flight for longer than a tick.")
    if gone := "; ".join(describe_faults(run)):
        lines.append(f"Bands mark faults and absences: {gone}.")
    if pinned := len({(v.machine, v.index) for v in found.violations}):
        lines.append(f"Pins mark events with violations: {pinned:,}.")
    return lines
