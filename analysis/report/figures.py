"""The figures of a run as the page's table: a row a metric, a column a machine."""

from typing import Any

from analysis.history import Run
from analysis.metrics import MACHINE_METRICS, RUN_METRICS, Figure, per_machine, per_run
from analysis.report.verdicts import question

#: With more machines than this, columns are no longer for reading: the log and `--json` have all.
MAX_COLUMNS = 24


def table(run: Run) -> dict[str, Any]:
    """Headings, and rows of name, label, cells and the question that the metric answers."""
    figures = per_machine(run)
    machines = figures["machine"].to_list()[:MAX_COLUMNS]
    rows = [
        {
            "name": name,
            "label": label(name),
            "cells": [_cell(value) for value in figures[name].to_list()[:MAX_COLUMNS]],
            "question": question(metric),
        }
        for name, metric in MACHINE_METRICS.items()
    ]
    values = per_run(run)
    rows += [
        {
            "name": name,
            "label": label(name),
            "cells": [{**_cell(values[name]), "span": len(machines)}],
            "question": question(metric),
        }
        for name, metric in RUN_METRICS.items()
    ]
    return {"headings": machines, "rows": rows}


def label(name: str) -> str:
    """A metric's name as words; a unit at its end in brackets."""
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            return f"{name[: -len(ending)].replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def show(value: Figure | str) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def _cell(value: Figure) -> dict[str, Any]:
    exact = repr(value) if isinstance(value, float) else ""
    return {"text": show(value), "exact": exact, "span": 1}


#: What a name's end says about its unit.
UNITS = {"_hz": "1/s", "_ns": "ns", "_ms": "ms", "_s": "s", "_share": "share"}
