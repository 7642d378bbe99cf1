"""`vklocks analyse` and `vklocks check`: evaluate runs, and report on them.

Importing it takes half a second, so most commands avoid it, and `run` imports it while its
machines run.
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from analysis.evaluation import Evaluation, State, Verdict, evaluate, exit_code
from analysis.history.run import InputError, Run
from analysis.logs.finding import Source, find_runs, source_of
from analysis.metrics.points import by_run, point_of
from analysis.text import plain
from analysis.text.notes import shown_verdict
from analysis.text.plain import read_state
from analysis.text.points import print_points
from analysis.text.summary import print_across, print_run, print_summary, print_verdicts
from analysis.text.verdict import print_verdict
from orchestrator.cli.arguments import unwritable
from orchestrator.cli.console import console_of_output, counting, say
from orchestrator.cli.lines import complain, put_json
from orchestrator.cli.report import Pages, prepare, write_index
from orchestrator.runner.execution import Batch
from vm.files import METRICS, REPORT, SUMMARY, make_folder, name_of, whole_file
from vm.options import UsageError
from vm.quoting import counted

#: The most runs for a table with a row per run, and for all tables of each run.
MAX_ROWS = 20


def analyse(given: argparse.Namespace) -> int:
    console, code = Console(quiet=True) if given.json else console_of_output(), 0
    writes = not given.json or given.out is not None
    with _usable_input():
        sources = find_runs(given.paths, given.format)
    homes = _homes(sources, given.out)
    paths, every, states = list[Path](), list[Mapping[str, Any]](), list[State | None]()
    with Pages(len(sources)) as pages:
        with counting(console, "reports", len(sources)) as advance:
            for source in sources:
                advance()
                try:
                    evaluations = list(map(evaluate, source.load())) if source.is_logged else []
                    read = [one.metrics for one in evaluations] or [plain.read_metrics(source.path)]
                except InputError as error:
                    # If one lab of sixty cannot be read, the others are still analysed.
                    code = complain(2, str(error))
                    continue
                every += read
                paths += [source.path] * len(read)
                pages.runs += len(read) - 1
                for evaluation in evaluations if writes else ():
                    if _are_shown(pages.runs, given.verbose):
                        print_run(evaluation, console)
                    pages.write_run(evaluation, homes[source.path])
                judged = evaluations if writes and pages.are_of_runs else []
                known = [one.verdict.state for one in judged]
                states += known or [read_state(source.path)] * len(read)
        if every and writes:
            with _usable_input():
                _report(pages, homes, paths, every, states, given.verbose, console)
            pages.finish(console)
    if given.json:
        put_json(plain.plain_metrics(every))
    return code


def check(given: argparse.Namespace) -> int:
    verdicts, console = [], console_of_output()
    with _usable_input():
        sources = find_runs(given.paths, given.format)
    homes = _homes(sources, given.out)
    for source in sources:
        for run, verdict in _verdicts(source):
            verdicts.append(verdict)
            with _reported_if_not_written():
                plain.write_verdict(verdict, homes[source.path])
            if not given.json:
                print_verdict(run, verdict, console)
    if given.json:
        put_json({"runs": list(map(plain.plain_verdict, verdicts))})
    return exit_code(verdicts)


def _verdicts(source: Source) -> Iterator[tuple[Run | None, Verdict]]:
    """Yield each run of a source with its verdict; the run is None if it cannot be read."""
    try:
        if source.is_logged:
            yield from ((run, evaluate(run).verdict) for run in source.load())
            return
        why = f"only its metrics were written, no logs: {source.path / METRICS}"
    except InputError as error:
        why = str(error)
    name = name_of(source.path)
    yield None, Verdict(name, account=None, violations=(), unchecked=(why,))


def _homes(sources: Sequence[Source], out: Path | None) -> Mapping[Path, Path]:
    """Return the folder for the output of each run: beside its logs, or a folder below `out`.

    Folders below `out` have the same relative paths as the runs. UsageError if one cannot be made.
    """
    paths = [source.path for source in sources]
    if out is None:
        return {path: path for path in paths}
    common = os.path.commonpath([path.resolve().parent for path in paths])
    homes = {path: out / path.resolve().relative_to(common) for path in paths}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for home in homes.values():
            for folder in [*reversed(home.relative_to(out).parents), home.relative_to(out)][1:]:
                make_folder(out / folder)
    except OSError as error:
        raise unwritable(out, error) from None
    return homes


@contextmanager
def _reported_if_not_written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        complain(0, f"{error.filename2 or error.filename} is not written: {error.strerror}")


def _are_shown(runs: int, verbose: bool) -> bool:
    """Return whether all tables of each of `runs` runs are printed."""
    return runs == 1 or (verbose and runs <= MAX_ROWS)


class Reporting:
    """The reports on an experiment: on each run as it ends, then on all runs together.

    Each run is evaluated once: here, or earlier by a worker if many runs are simulated; then its
    metrics are beside its logs.
    """

    def __init__(self, runs: int, verbose: bool) -> None:
        self._verbose = verbose
        self._pages = Pages(runs)
        self._sources: dict[Path, Source] = {}
        self._evaluated: dict[Path, Mapping[str, Any]] = {}
        #: The evaluations to print, None if only a summary is printed.
        self._printed: dict[Path, Evaluation] | None = {} if _are_shown(runs, verbose) else None
        self._states: dict[Path, State] = {}
        self._violated: set[str] = set()

    def prepare(self) -> None:
        """Do preparations that take seconds, before the first run ends."""
        prepare()

    def drop(self) -> None:
        """Cancel all charts that have not been started."""
        self._pages.drop()

    def add(self, directory: Path) -> None:
        """Evaluate a run that has just ended; if it cannot be read, `finish` reports it."""
        with suppress(InputError):
            self._evaluate(self._source(directory))

    def _source(self, directory: Path) -> Source:
        if directory not in self._sources:
            self._sources[directory] = source_of(directory)
        return self._sources[directory]

    def _evaluate(self, source: Source) -> None:
        (run,) = source.load()
        evaluation = evaluate(run)
        self._pages.write_run(evaluation, source.path)
        self._evaluated[source.path] = evaluation.metrics
        with _reported_if_not_written():
            plain.write_evaluation(evaluation, source.path)
        self._states[source.path] = evaluation.verdict.state
        if evaluation.verdict.state == "violated":
            self._violated.add(run.name)
        if self._printed is not None:
            self._printed[source.path] = evaluation

    def finish(
        self, experiment: Path | None, directories: Sequence[Path], batch: Batch, console: Console
    ) -> int:
        """Report on all runs; return 1 if a check is violated.

        Runs that failed before their machines wrote a log are left out. The summary is written to
        the folder `experiment`, if given.
        """
        self._violated |= {done.name for done in batch.runs if done.is_violated}
        with _usable_input(), self._pages as pages:
            sources = [source for source in map(self._source, directories) if source.is_run]
            paths, every = [source.path for source in sources], list[Mapping[str, Any]]()
            left = sum(source.path not in self._evaluated for source in sources)
            with counting(console, "reports", left) as advance:
                for source in sources:
                    if source.path not in self._evaluated:
                        advance()
                    every.append(self._metrics(source))
            for source in sources:
                if self._printed and source.path in self._printed:
                    print_run(self._printed[source.path], console)
            states = [self._states.get(path) or read_state(path) for path in paths]
            if every:
                if experiment is None:
                    # Beside the reports of earlier calls.
                    pages.file = f"{paths[0].name}-{REPORT}"
                homes = {path: path for path in paths}
                rows = _report(pages, homes, paths, every, states, self._verbose, console)
                if experiment:
                    with _reported_if_not_written(), whole_file(experiment / SUMMARY) as partial:
                        rows.write_csv(partial)
                write_index(paths[0].parent.parent)
                pages.finish(console)
        if self._violated and self._printed is None:
            some = counted(len(self._violated), "run")
            complain(1, f"checks are violated in {some}: see `vklocks check`")
        return int(bool(self._violated))

    def _metrics(self, source: Source) -> Mapping[str, Any]:
        has_page = self._pages.are_of_runs and source.is_logged
        if source.path not in self._evaluated and source.has_metrics and not has_page:
            return plain.read_metrics(source.path)
        if source.path not in self._evaluated:
            self._evaluate(source)
        return self._evaluated[source.path]


def _report(
    pages: Pages,
    homes: Mapping[Path, Path],
    paths: Sequence[Path],
    every: Sequence[Mapping[str, Any]],
    states: Sequence[State | None],
    verbose: bool,
    console: Console,
) -> pl.DataFrame:
    """Report on all runs together; return a row per run.

    The output has a row per run, unless there are too many, and a row per point if there are
    several points or too many runs.
    """
    rows = by_run(every, list(map(point_of, paths)))
    verdicts = list(map(shown_verdict, paths, states))
    if 1 < len(every) <= MAX_ROWS and verbose:
        print_across(every, console)
    elif 1 < len(every) <= MAX_ROWS:
        print_summary(every, verdicts, console)
    if len(every) > MAX_ROWS or rows["point"].n_unique() > 1:
        print_points(rows, console, verbose=verbose)
    if len(every) > 1:
        print_verdicts(rows["run"].to_list(), verdicts, console)
    if 1 < len(every) <= MAX_ROWS and not verbose:
        say(console, "--verbose prints all tables of each run")
    pages.write_experiments(homes, paths, every)
    return rows


@contextmanager
def _usable_input() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None
