"""Text for metrics: labels, values and questions, the same in tables, charts and reports."""

from collections.abc import Callable
from typing import Any

from vm.quoting import counted as counted

#: Units by the ending of a metric's name.
UNITS = {"_per_s": "1/s", "_hz": "1/s", "_ns": "ns", "_ms": "ms", "_s": "s", "_share": "share"}


def label(name: str) -> str:
    """Turn a metric's name into words, with its unit in brackets."""
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            return f"{name[: -len(ending)].replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def show(value: float | str | None) -> str:
    """Format a metric's value for reading; a missing value is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def question(function: Callable[..., Any]) -> str:
    """Return the question that a metric, check or chart answers: its docstring's first line."""
    assert function.__doc__
    return function.__doc__.strip().splitlines()[0]
