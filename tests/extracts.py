"""Extracts of labs: what a reader without a mistake takes from the logs of a shape."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from analysis.evaluation import evaluate
from analysis.logs.conventions import Conventions
from analysis.logs.foreign import EXTRACT_COLUMNS, Extract, runs_of
from audited import Audited
from shapes.comparing import Result, blame, compared
from shapes.lab import Step
from shapes.making import Made

#: Machine, kind of event, clock, and peer: receivers or sender.
Row = tuple[str, str, int, str]


def lab(*steps: Row, **given: object) -> Extract:
    """Return an extract of events of machines with logs of their own."""
    rows = [
        {
            "machine": machine,
            "kind": kind,
            "clock": clock,
            "to": peer.split() or None if kind == "send" else None,
            "sender": (peer or None) if kind == "receive" else None,
            "file": f"{machine}.log",
            "line": n,
        }
        for n, (machine, kind, clock, peer) in enumerate(steps, 1)
    ]
    machines = tuple(dict.fromkeys(machine for machine, *_ in steps))
    return Extract(
        name="lab",
        path=Path(),
        format="by hand",
        machines=machines,
        events=pl.DataFrame(rows, EXTRACT_COLUMNS),
        files={machine: f"{machine}.log" for machine in machines},
        given=Conventions(**given),  # type: ignore[arg-type]
    )


def extract_of(made: Made) -> Extract:
    """Return the extract of a submission, in the conventions of its shape."""
    shape = made.shape
    logged = [machine for machine in range(len(shape.names)) if machine != shape.missing]
    rows = [row for machine in logged for row in _log(made, machine)]
    names = tuple(shape.names[machine] for machine in logged)
    files = {name: f"{name}.log" for name in names}
    return Extract(
        name="lab",
        path=Path(),
        format="exact",
        machines=names,
        events=pl.DataFrame(rows, EXTRACT_COLUMNS),
        files=files,
    )


def audited(made: Made) -> list[Audited]:
    """Return the audits of the extract; files have the names that the shape gives them."""
    shape = made.shape
    first = {f"{name}.log": file for name, file in zip(shape.names, shape.files, strict=True)}
    return [Audited(run, evaluate(run).verdict, first) for run in runs_of(extract_of(made))]


def judged(made: Made) -> Result:
    """Compare the audit of the extract with the truth."""
    runs = audited(made)
    result = blame(made, runs) if made.planted else compared(made, runs)
    if result.result == "not recognised" and not made.is_telling:
        return Result("not asked", result.cause)
    return result


def _log(made: Made, machine: int) -> Iterator[dict[str, object]]:
    shape, line = made.shape, 0
    for lab in made.labs:
        for step in lab.logs[machine]:
            two = shape.multicast == "lines" and len(step.to) > 1
            for to in [(one,) for one in step.to] if two else [step.to]:
                line += 1
                yield _row(made, step, to, line)


def _row(made: Made, step: Step, to: tuple[int, ...], line: int) -> dict[str, object]:
    shape, received = made.shape, step.kind == "receive"
    is_before = shape.clock == "before" or (shape.clock == "mixed" and not received)
    stamped = shape.stamp and (
        received or (step.kind == "send" and shape.stamp == "sends and receives")
    )
    queue = step.shown.get("queue", step.queue + (shape.queue == "before" and received))
    return {
        "machine": shape.names[step.machine],
        "kind": step.kind,
        "at_ns": step.at_ns if shape.time else None,
        "arrived_ns": None,
        "queue": queue if shape.queue else None,
        "clock": step.shown.get("clock", step.pre if is_before else step.post),
        "stamp": step.shown.get("stamp", step.stamp) if stamped else None,
        "to": [shape.names[one] for one in to] if made.names_receivers and to else None,
        "sender": shape.names[step.sender] if received and shape.sender else None,
        "file": f"{shape.names[step.machine]}.log",
        "line": line,
    }
