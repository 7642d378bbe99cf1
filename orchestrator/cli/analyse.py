"""`vklocks analyse` and `vklocks check`: the one place where the analysis is called.

Importing it takes half a second, so the other commands do without, and `run` does it while
its machines run.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from analysis.checks import Verdict, verdict
from analysis.history.run import Run
from analysis.logs.finding import FIGURES, InputError, find_runs, is_logged, load, load_all
from analysis.metrics.points import by_run, measured, place_of, print_points
from analysis.metrics.run import figures
from analysis.text.audit import VERDICT, exit_code, keep, plain_verdict, print_audit
from analysis.text.summary import as_json, print_across, print_run
from orchestrator.cli.arguments import UsageError
from orchestrator.cli.console import complain, console_of_output
from orchestrator.cli.report import Pages, leave_index
from orchestrator.runner.execution import Batch
from vm.files import SUMMARY, whole_file

#: Up to so many runs have tables of their own, and up to so many a row in a common one.
MAX_TABLES = 6
MAX_ROWS = 20


def analyse(given: argparse.Namespace) -> int:
    console, code = console_of_output(), 0
    if given.json and given.out:
        raise UsageError("--out: --json leaves no files; give one of the two")
    with _usable_input():
        found = find_runs(given.paths, given.format)
    homes = _homes(found, given.out)
    paths, every = list[Path](), list[Mapping[str, Any]]()
    with Pages(len(found)) as pages:
        for path in found:
            try:
                runs = load_all(path, given.format) if is_logged(path, given.format) else []
                every += map(figures, runs) if runs else [measured(path)]
            except InputError as error:
                # One lab of sixty that cannot be read is no reason not to look at the others.
                code = complain(2, str(error))
                continue
            paths += [path] * max(1, len(runs))
            pages.runs += max(0, len(runs) - 1)
            for run in () if given.json else runs:
                if pages.runs <= MAX_TABLES:
                    print_run(run, console)
                pages.leave(run, homes[path])
        if given.json:
            print(json.dumps(as_json(every)))
        elif every:
            _print_together(every, by_run(every, list(map(place_of, paths))), console)
            pages.leave_experiments(homes, paths, every)
            pages.tell(console)
    return code


def check(given: argparse.Namespace) -> int:
    verdicts, console = [], console_of_output()
    with _usable_input():
        found = find_runs(given.paths, given.format)
    homes = _homes(found, given.out)
    for path in found:
        for run, judged in _judged(path, given.format):
            verdicts.append(judged)
            _keep(judged, homes[path])
            if not given.json:
                print_audit(run, judged, console)
    if given.json:
        print(json.dumps({"runs": [plain_verdict(judged) for judged in verdicts]}))
    return exit_code(verdicts)


def _judged(path: Path, format_name: str) -> Iterator[tuple[Run | None, Verdict]]:
    """The verdict on each run at a path, and the run unless nothing could be read of it."""
    try:
        if is_logged(path, format_name):
            yield from ((run, verdict(run)) for run in load_all(path, format_name))
            return
        why = f"only its figures were kept, no logs: {path / FIGURES}"
    except InputError as error:
        why = str(error)
    yield None, Verdict(path.resolve().name, account=None, violations=(), unchecked=(why,))


def _homes(paths: Sequence[Path], out: Path | None) -> Mapping[Path, Path]:
    """Where what is found out about each run goes: beside its logs, or into a folder of its own
    below `out`, as the runs lie to each other. UsageError if that cannot be made."""
    if out is None:
        return {path: path for path in paths}
    common = os.path.commonpath([path.resolve().parent for path in paths])
    homes = {path: out / path.resolve().relative_to(common) for path in paths}
    try:
        for home in homes.values():
            home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {error.filename} cannot be written: {error.strerror}") from None
    return homes


def _keep(found: Verdict, home: Path) -> None:
    try:
        keep(found, home)
    except OSError as error:
        print(f"vklocks: {VERDICT} is not kept: {error.strerror}", file=sys.stderr)


def conclude(
    experiment: Path | None, directories: Sequence[Path], batch: Batch, console: Console
) -> int:
    """Say what happened in the runs of an experiment; 1 if a check is violated.

    What simulated runs were measured to be is not worked out again, unless they are few. A run
    that failed before its machines wrote anything has nothing to say. `experiment` is the folder
    that gets the summary, if any does.
    """
    known = [d for d in directories if (d / FIGURES).exists() or any(d.glob("*.jsonl"))]
    few = len(known) <= MAX_TABLES
    every: list[Mapping[str, Any]] = []
    violated = {done.name for done in batch.runs if done.is_violated}
    with _usable_input(), Pages(len(known)) as pages:
        for directory in known:
            if (directory / FIGURES).exists() and not (few and is_logged(directory)):
                every.append(measured(directory))
                if pages.are_of_runs and is_logged(directory):
                    pages.leave(load(directory), directory)
                continue
            run = load(directory)
            every.append(figures(run))
            found = verdict(run)
            _keep(found, directory)
            if found.violations:
                violated.add(run.name)
            if few:
                print_run(run, console)
            pages.leave(run, directory)
        if every:
            rows = by_run(every, list(map(place_of, known)))
            _print_together(every, rows, console)
            if experiment:
                _write_summary(experiment, rows)
            pages.leave_experiments({path: path for path in known}, known, every)
            pages.tell(console)
            leave_index(known[0].parent.parent)
    if violated and not few:
        complain(1, f"checks are violated in {len(violated)} runs: see `vklocks check`")
    return int(bool(violated))


def _print_together(
    every: Sequence[Mapping[str, Any]], rows: pl.DataFrame, console: Console
) -> None:
    """A row for every run if they are not too many, and for every point if there are several."""
    if 1 < len(every) <= MAX_ROWS:
        print_across(every, console)
    if len(every) > MAX_ROWS or rows["point"].n_unique() > 1:
        print_points(rows, console)


def _write_summary(folder: Path, rows: pl.DataFrame) -> None:
    with whole_file(folder / SUMMARY) as partial:
        rows.write_csv(partial)


@contextmanager
def _usable_input() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None
