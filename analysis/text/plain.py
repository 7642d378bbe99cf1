"""Metrics and verdicts as JSON, and the JSON files beside a run's logs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from analysis.evaluation import Evaluation, State, Verdict
from analysis.history.run import MAX_INT64, InputError
from analysis.logs.limits import MAX_MACHINES
from analysis.metrics.across import per_runs, statistics
from analysis.metrics.machine import MACHINE_METRICS
from analysis.metrics.run import RUN_METRICS
from vm import files
from vm.files import name_of
from vm.log import SURROGATE
from vm.quoting import quoted


def plain_metrics(runs: Sequence[Mapping[str, Any]], across: bool = True) -> dict[str, Any]:
    """Return the unrounded metrics of runs by name, null where undefined.

    With statistics across the runs if there are several, and `across` is true.
    """
    plain: dict[str, Any] = {"runs": list(runs)}
    if across and len(runs) > 1:
        rows = statistics(per_runs(runs)).rows_by_key("name", named=True, unique=True)
        plain["across"] = rows
    return plain


def plain_verdict(found: Verdict) -> dict[str, Any]:
    """Return a verdict as plain values; violations without the name of the run."""
    violations = [asdict(violation) for violation in found.violations]
    for violation in violations:
        del violation["run"], violation["peer"]
    plain = asdict(found) | {
        "violations": violations,
        "unknown": dict(found.unknown),
        "coverage": {check: asdict(cases) for check, cases in found.coverage},
    }
    return {"run": plain.pop("run"), "verdict": found.state, **plain}


def write_evaluation(evaluation: Evaluation, home: Path) -> None:
    """Write metrics.json and verdict.json. OSError if they cannot be written."""
    write_metrics(evaluation, home)
    write_verdict(evaluation.verdict, home)


def write_metrics(evaluation: Evaluation, home: Path) -> None:
    """Write metrics.json. OSError if it cannot be written."""
    path = files.file_of_run(home, files.METRICS, evaluation.run.name)
    files.write_json(path, plain_metrics([evaluation.metrics]))


def write_verdict(found: Verdict, home: Path) -> None:
    """Write verdict.json into a run's directory, or beside a log that is a separate run.

    OSError if it cannot be written.
    """
    files.write_json(files.file_of_run(home, files.VERDICT, found.run), plain_verdict(found))


def read_metrics(directory: Path) -> dict[str, Any]:
    """Return the metrics in a run's metrics.json; InputError if unreadable."""
    path = directory / files.METRICS
    try:
        (one,) = files.parse_json(path)["runs"]
        machines = list(map(_machine, one["machines"]))
        if not 1 <= len(machines) <= MAX_MACHINES:
            raise ValueError(f"it has {len(machines):,} machines, not 1 to {MAX_MACHINES}")
        return {**_numbers(one, RUN_METRICS), "run": name_of(directory), "machines": machines}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _machine(plain: Any) -> dict[str, Any]:
    """Return the name and the metrics of a machine."""
    if not isinstance(plain["machine"], str) or SURROGATE.search(plain["machine"]):
        raise ValueError(f"{quoted(plain['machine'])} is not a machine's name")
    return {"machine": plain["machine"], **_numbers(plain, MACHINE_METRICS)}


def _numbers(plain: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return metrics, checked to be numbers or null; ValueError names one that is not."""
    found = {name: plain.get(name) for name in names}
    for name, value in found.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (value is None or (is_number and abs(value) <= MAX_INT64)):
            raise ValueError(f"{name}: {quoted(value)} is not a number of 64 bits")
    return found


def read_state(directory: Path) -> State | None:
    """Return the state that verdict.json holds; None if there is none."""
    plain = files.read_json(directory / files.VERDICT) or {}
    return next((one for one in get_args(State) if one == plain.get("verdict")), None)
