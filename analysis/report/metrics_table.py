"""The page's table of a run's metrics: one row per metric, one column per machine."""

from collections.abc import Iterable
from typing import Any

from analysis.evaluation import Evaluation
from analysis.metrics.labels import label, question, show
from analysis.metrics.machine import MACHINE_METRICS
from analysis.metrics.run import METRICS, RUN_METRICS, Value
from analysis.text.summary import CLOCKS, FLUID_MODEL, QUEUES_AND_MESSAGES, RATES_AND_DELAYS

#: More columns would be unreadable: `--json` prints all machines.
MAX_COLUMNS = 24

#: Machine metrics in the tables of the terminal; all others follow in the group More.
GROUPS: dict[str, Iterable[str]] = {
    "Ticks and clocks": CLOCKS,
    "Events and messages": QUEUES_AND_MESSAGES,
    "Rates and delays": RATES_AND_DELAYS,
    "By the fluid model": FLUID_MODEL,
}


def table(evaluation: Evaluation) -> dict[str, Any]:
    """Return groups of rows, each with name, label, cells and question.

    `is_wide` is true if no second table fits beside it.
    """
    metrics = evaluation.machines
    grouped = set[str]().union(*GROUPS.values())
    rest = [name for name in MACHINE_METRICS if name not in grouped]
    machines = metrics["machine"].to_list()[:MAX_COLUMNS]
    groups = [
        {
            "title": title,
            "headings": machines,
            "rows": [_row(name, metrics[name].to_list()[:MAX_COLUMNS]) for name in names],
        }
        for title, names in {**GROUPS, "More": rest}.items()
    ]
    whole = [_row(name, [evaluation.metrics[name]]) for name in RUN_METRICS]
    groups.append({"title": "The run as a whole", "headings": [""], "rows": whole})
    return {
        "is_wide": sum(max(len(name), 6) + 3 for name in machines) > 36,
        "more": max(0, len(metrics) - MAX_COLUMNS),
        "groups": groups,
    }


def _row(name: str, values: list[Value]) -> dict[str, Any]:
    cells = [
        {"text": show(value), "exact": repr(value) if isinstance(value, float) else ""}
        for value in values
    ]
    return {"name": name, "label": label(name), "cells": cells, "question": question(METRICS[name])}
