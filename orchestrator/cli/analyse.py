"""`vklocks analyse`: evaluate runs, and report on them.

Importing it takes half a second, so most commands avoid it, and `run` imports it while its
machines run.
"""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from analysis.evaluation import Evaluation, State, Verdict, evaluate
from analysis.history.run import InputError, Run
from analysis.logs.finding import Source, source_of
from analysis.metrics.across import per_runs
from analysis.metrics.points import by_run, point_of
from analysis.metrics.run import METRICS
from analysis.submissions import Submission, are_one_experiment
from analysis.text import plain
from analysis.text.notes import shown_verdict
from analysis.text.plain import read_state
from analysis.text.points import print_points
from analysis.text.summary import (
    print_across,
    print_class,
    print_run,
    print_summary,
    print_verdicts,
)
from orchestrator.cli.check import Submissions, reported_if_not_written, usable_input
from orchestrator.cli.console import console_of_output, counting, say
from orchestrator.cli.lines import complain, put_json
from orchestrator.cli.report import Pages, prepare, write_index
from orchestrator.runner.execution import Batch
from vm.files import METRICS as METRICS_FILE
from vm.files import REPORT, SUMMARY, VERDICT, name_of, whole_file
from vm.quoting import counted

#: The most runs for a table with a row per run, and for all tables of each run.
MAX_ROWS = 20
#: The most submissions for a table with a row for each.
MAX_SUBMISSIONS = 200


def analyse(given: argparse.Namespace) -> int:
    console = Console(quiet=True) if given.json else console_of_output()
    submissions = Submissions(given)
    with Pages(len(submissions.each)) as pages:
        analysis = Analysis(given, submissions, pages, console)
        with counting(console, "reports", len(submissions.each)) as advance:
            for one in submissions.each:
                advance()
                analysis.add(one)
        analysis.finish()
    if given.json:
        put_json(plain.plain_metrics(analysis.every, across=not analysis.is_class))
    return analysis.code


class Analysis:
    """The analysis of the runs of an experiment, or of the submissions of a class.

    A class has a row for each submission, and no statistics: it is no sample of one experiment.
    """

    def __init__(
        self, given: argparse.Namespace, submissions: Submissions, pages: Pages, console: Console
    ) -> None:
        several = len(submissions.each) > 1
        self.is_class = several and not are_one_experiment(submissions.each)
        self.every: list[Mapping[str, Any]] = []
        self.code = 0
        self._given = given
        self._submissions = submissions
        self._pages = pages
        self._console = console
        self._writes = not given.json or given.out is not None
        self._paths: list[Path] = []
        self._states: list[State | None] = []
        #: The metrics of each submission, without values unless it is one run.
        self._single: list[Mapping[str, Any]] = []

    def add(self, one: Submission) -> None:
        """Evaluate the runs of a submission; if it cannot be read, the others still count."""
        evaluations, read = list[Evaluation](), list[Mapping[str, Any]]()
        judged: list[tuple[Run | None, Verdict]]
        try:
            evaluations = one.evaluations()
            read = [each.metrics for each in evaluations] or [plain.read_metrics(one.path)]
            judged = [(each.run, each.verdict) for each in evaluations if self._judges]
        except InputError as error:
            self.code = 2
            judged = [one.unreadable(str(error))]
            if not self._is_listed:
                complain(2, str(error))
        if self._is_listed or self._given.csv:
            self._submissions.add(one, judged or one.judged())
            self._single.append(read[0] if len(read) == 1 else {"run": one.label, "machines": []})
        if read:
            self._pages.runs += len(read) - 1
            self._write(one, evaluations)
            names = [one.label_of(each["run"]) if self.is_class else each["run"] for each in read]
            self.every += [{**each, "run": name} for each, name in zip(read, names, strict=True)]
            self._paths += [one.path] * len(read)
            known = [verdict.state for _, verdict in judged]
            self._states += known or [read_state(one.path)] * len(read)

    @property
    def _judges(self) -> bool:
        """Whether the verdicts of the runs are needed."""
        return bool(
            self._is_listed or self._given.csv or (self._writes and self._pages.are_of_runs)
        )

    @property
    def _is_listed(self) -> bool:
        """Whether there is a line for each submission."""
        return self.is_class and not self._given.json

    def _write(self, one: Submission, evaluations: Sequence[Evaluation]) -> None:
        for evaluation in evaluations if self._writes else ():
            if _are_shown(self._pages.runs, self._given.verbose):
                print_run(evaluation, self._console)
            self._pages.write_run(evaluation, self._submissions.homes[one.path])

    def finish(self) -> None:
        """Report on all runs together."""
        if self.is_class and self._writes:
            if 0 < len(self.every) <= MAX_SUBMISSIONS:
                print_class(self.every, self._console)
            self._submissions.put_all()
            self._pages.finish(self._console, is_of_all=False)
        elif self.every and self._writes:
            with usable_input():
                homes, verbose = self._submissions.homes, self._given.verbose
                _report(
                    *(self._pages, homes, self._paths, self.every, self._states),
                    verbose,
                    self._console,
                )
            self._pages.finish(self._console)
        self._submissions.write_csv(per_runs(self._single).select(*METRICS))
        if self._is_listed:
            self._submissions.put_total()


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
        prepare(self._pages.runs)

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
        with reported_if_not_written():
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
        with usable_input(), self._pages as pages:
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
                    with reported_if_not_written(), whole_file(experiment / SUMMARY) as partial:
                        rows.write_csv(partial)
                write_index(paths[0].parent.parent)
                pages.finish(console)
        if self._violated and self._printed is None:
            some = counted(len(self._violated), "run")
            complain(1, f"checks are violated in {some}: see `vklocks check`")
        return int(bool(self._violated))

    def _metrics(self, source: Source) -> Mapping[str, Any]:
        """Return the metrics of a run: evaluate it, unless its files of an earlier call are there.

        A page that another version wrote is kept, too; `vklocks analyse` writes it again.
        """
        if source.path not in self._evaluated and self._is_complete(source):
            if read_state(source.path) == "violated":
                self._violated.add(name_of(source.path))
            return plain.read_metrics(source.path)
        if source.path not in self._evaluated:
            self._evaluate(source)
        return self._evaluated[source.path]

    def _is_complete(self, source: Source) -> bool:
        """Return whether there are all files about a run, and none is older than its logs."""
        if not source.has_metrics or (self._printed is not None and source.is_logged):
            return False
        if not source.is_logged:
            return True
        needed = [METRICS_FILE, VERDICT, *self._pages.files_of_run]
        changed = [file.stat().st_mtime_ns for file in source.files]
        written = [
            path.stat().st_mtime_ns for name in needed if (path := source.path / name).exists()
        ]
        return len(written) == len(needed) and max(changed) <= min(written)


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
