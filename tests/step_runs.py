"""Histories of plain steps as runs, for the analysis of clocks: no log, no spec, no format."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from analysis.history.run import SCHEMA, Run
from steps import Step, Steps


def name_of(machine: int) -> str:
    return f"vm{machine + 1}"


def run_of(history: Steps, *, timed: bool = True) -> Run:
    """Return a history as a run; its events have the times of the machines' physical clocks, or
    none."""
    ordered = sorted(history.steps, key=lambda step: step.name)
    columns = {
        "run": ["steps"] * len(ordered),
        "machine": [name_of(step.machine) for step in ordered],
        "index": [step.index for step in ordered],
        "kind": [_kind(step) for step in ordered],
        "at_ns": [step.physical_ns if timed else None for step in ordered],
        "to": [[name_of(m) for m in step.to] if step.to else None for step in ordered],
        "sender": [name_of(step.cause[0]) if step.cause else None for step in ordered],
        "cause": [step.cause[1] if step.cause else None for step in ordered],
    }
    events = pl.DataFrame(columns, {name: SCHEMA[name] for name in columns})
    absent = {name: None for name in SCHEMA if name not in columns}
    frame = events.with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in absent)
    machines = tuple(map(name_of, range(history.machines)))
    return Run("steps", Path("steps"), "steps", (), machines, {}, frame.lazy(), ())


def steps_of(machines: int, *events: tuple[int, Sequence[int], tuple[int, int] | None]) -> Steps:
    """Return a history of events, each with its machine, its receivers and its cause."""
    counts, steps = [0] * machines, list[Step]()
    for number, (machine, to, cause) in enumerate(events):
        steps.append(Step(machine, counts[machine], number * 1000, tuple(to), cause))
        counts[machine] += 1
    return Steps(machines, tuple(steps))


def _kind(step: Step) -> str:
    if step.cause:
        return "receive"
    return "send" if step.to else "internal"
