"""The pages that `run` and `analyse` write: per run, per experiment, and the list of all runs."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

from rich.console import Console

from analysis.charts.captioned import run_charts
from analysis.charts.renderers import Renderers
from analysis.charts.themes import standalone_specs
from analysis.evaluation import Evaluation
from analysis.metrics.across import half_width_in_sd
from analysis.metrics.points import by_run, point_of
from analysis.report import experiment, index, vega
from analysis.report import run as report
from analysis.report.page import compile_templates
from analysis.text.plain import read_state
from orchestrator.cli.arguments import MAX_PAGES
from orchestrator.cli.console import say
from orchestrator.cli.lines import complain
from vm.files import CHARTS, INDEX, REPORT, file_of_run

#: The most runs for which each gets its charts as files, which takes another second.
MAX_CHARTS = 12


@cache
def renderers() -> Renderers:
    """Return the renderers that all runs share."""
    return Renderers()


def prepare(runs: int) -> None:
    """Do the preparations for the pages of `runs` runs, which take two seconds."""
    if runs <= MAX_CHARTS:
        renderers()
    vega.bundle()
    compile_templates()
    half_width_in_sd(2)


class Pages:
    """The pages of `runs` runs, and of the folders that hold several of them.

    If one cannot be written, for example in a folder of another user, the problem is reported, and
    no more are written. Charts that are not drawn at an early exit are dropped.
    """

    def __init__(self, runs: int) -> None:
        self.runs = runs
        #: The name of the pages of folders.
        self.file = REPORT
        self._last: Path | None = None
        self._refused = False
        self._drawing: Renderers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        """Cancel all charts that have not been started."""
        if self._drawing:
            self._drawing.drop()

    @property
    def are_of_runs(self) -> bool:
        """Whether each run gets a page."""
        return self.runs <= MAX_PAGES

    @property
    def files_of_run(self) -> tuple[str, ...]:
        """The files and folders that `write_run` makes."""
        return (REPORT,) * self.are_of_runs + (CHARTS,) * (self.runs <= MAX_CHARTS)

    def write_run(self, evaluation: Evaluation, home: Path) -> None:
        """Write the page of a run, and its charts as files, unless there are many runs."""
        if self.runs <= MAX_CHARTS:
            # Charts first: other processes draw them while this one makes the page.
            self._write(lambda: self._draw(evaluation, home))
        if self.are_of_runs:
            self._write(lambda: report.write(evaluation, home))

    def write_experiments(
        self, homes: Mapping[Path, Path], paths: Sequence[Path], every: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the pages of folders; `every` holds the metrics of the runs at `paths`."""
        folders: dict[Path, list[int]] = {}
        for number, path in enumerate(paths):
            folders.setdefault(path.resolve().parent, []).append(number)
        for numbers in folders.values():
            if len(numbers) > 1:
                own = [paths[number] for number in numbers]
                metrics = [every[number] for number in numbers]
                self._write(partial(_write_experiment, own, homes, metrics, self.file))

    def finish(self, console: Console, *, is_of_all: bool = True) -> None:
        """Wait for all charts, and print the path of the last page, if it is one of all runs."""
        if self._drawing:
            self._write(self._drawing.wait)
        if self._last and not self._refused and not is_of_all:
            say(console, f"reports: {self._last.name} of each, like {self._last}")
        elif self._last and not self._refused:
            say(console, f"report: {self._last}")
        if not self.are_of_runs:
            say(console, "no report per run for this many runs; `vklocks analyse RUN` writes one")

    def _draw(self, evaluation: Evaluation, home: Path) -> None:
        run, self._drawing = evaluation.run, renderers()
        self._drawing.draw(standalone_specs(run_charts(run)), file_of_run(home, CHARTS, run.name))

    def _write(self, write: Callable[[], Path | None]) -> None:
        if self._refused:
            return
        try:
            self._last = write() or self._last
        except OSError as error:
            self._refused = True
            complain(0, f"no report: {error.filename} cannot be written: {error.strerror}")


def write_index(out: Path) -> None:
    """Write or refresh the page that lists all runs."""
    try:
        index.write(out)
    except OSError as error:
        complain(0, f"no {INDEX}: {error.filename} cannot be written: {error.strerror}")


def _write_experiment(
    paths: Sequence[Path],
    homes: Mapping[Path, Path],
    every: Sequence[Mapping[str, Any]],
    file: str,
) -> Path:
    """Write the page of the folder that holds all these runs, or of one run's executions."""
    rows = by_run(every, list(map(point_of, paths)))
    verdicts = [read_state(homes[path]) for path in paths]
    folder, home = paths[0], homes[paths[0]]
    if len({*paths}) > 1 or not folder.is_dir():
        folder, home = folder.parent, home.parent
    return experiment.write(folder, home, rows, every, verdicts, file)
