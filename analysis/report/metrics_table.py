"""The metrics of a run as the page's table: a row a metric, a column a machine."""

from collections.abc import Iterator
from typing import Any

from analysis.evaluation import Evaluation
from analysis.metrics.labels import label, question, show
from analysis.metrics.machine import MACHINE_METRICS
from analysis.metrics.run import METRICS, RUN_METRICS, Value

#: With more machines than this, columns are no longer for reading: `--json` has all.
MAX_COLUMNS = 24

#: In which order machine metrics are read; those in none of the groups come after them.
GROUPS = {
    "Events": (
        *("tick_rate_hz", "ticks_done", "ticks_missed", "events", "internal", "send", "receive"),
        *("messages_out", "messages_in", "observed_s"),
    ),
    "Clocks": (
        *("final_clock", "jump_mean", "jump_min", "jump_max", "jump_sd", "jump_over_1_mean"),
        *("jump_over_1_share", "jump_over_1_event_share", "clock_rate_per_s"),
        *("clock_rate_to_fastest_share", "lag_behind_front_mean"),
    ),
    "Inboxes": (
        *("queue_mean_on_receive", "queue_mean_on_tick", "queue_peak", "queue_left"),
        *("time_in_queue_mean_ms", "time_in_queue_p95_ms"),
    ),
    "Messages": (
        *("network_delay_mean_ms", "network_delay_p95_ms"),
        *("message_age_mean_ms", "message_age_p95_ms"),
    ),
    "By the fluid model": (
        *("utilisation", "predicted_utilisation", "sends_per_s", "predicted_sends_per_s"),
        *("receives_per_s", "predicted_receives_per_s"),
        *("queue_growth_per_s", "predicted_queue_growth_per_s"),
    ),
}


def table(evaluation: Evaluation) -> dict[str, Any]:
    """Groups of rows: name, label, cells and the question that is answered.

    A table `is_wide` that leaves no room for another beside it.
    """
    metrics = evaluation.machines
    machines = metrics["machine"].to_list()[:MAX_COLUMNS]
    groups = [
        {
            "title": title,
            "headings": machines,
            "rows": [_row(name, metrics[name].to_list()[:MAX_COLUMNS]) for name in names],
        }
        for title, names in _grouped()
    ]
    whole = [_row(name, [evaluation.metrics[name]]) for name in RUN_METRICS]
    groups.append({"title": "The run as a whole", "headings": [""], "rows": whole})
    return {
        "is_wide": sum(max(len(name), 6) + 3 for name in machines) > 36,
        "more": max(0, len(metrics) - MAX_COLUMNS),
        "groups": groups,
    }


def _grouped() -> Iterator[tuple[str, list[str]]]:
    """Every machine metric once: those of the groups, then whatever else there is."""
    left = dict.fromkeys(MACHINE_METRICS)
    for title, names in GROUPS.items():
        yield title, [name for name in names if name in left]
        left = {name: None for name in left if name not in names}
    if left:
        yield "More", list(left)


def _row(name: str, values: list[Value]) -> dict[str, Any]:
    cells = [
        {"text": show(value), "exact": repr(value) if isinstance(value, float) else ""}
        for value in values
    ]
    return {"name": name, "label": label(name), "cells": cells, "question": question(METRICS[name])}
