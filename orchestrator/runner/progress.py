"""How far the runs are: a live display on a terminal, plain lines anywhere else."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

#: What each phase looks like from outside. "run" begins with the barrier.
WORDS = {
    "create": "creating",
    "start": "starting",
    "run": "running",
    "stop": "stopping",
    "collect": "collecting",
    "remove": "removing",
}
#: Up to so many runs are told of one by one; of more, so many lines are printed in all, and
#: those that the impatient need.
MAX_TOLD = 20
MAX_SILENCE_S = 30


class Display(Protocol):
    """Told by the threads of the runs what happens."""

    def phase(self, run: str, phase: str) -> None:
        """A run has come to a phase."""

    def done(self, run: str, problem: str) -> None:
        """A run is over, with a problem or with ""."""


class Pace:
    """How fast the runs get done, and how long the rest will take.

    `costs` holds what each run takes, in any unit; `speed` how much of that gets done in a
    second, unless that is to be seen. A cost that is seconds is paid while the run is running.
    """

    def __init__(
        self, costs: Mapping[str, float], speed: float | None, now_s: Callable[[], float]
    ) -> None:
        self.costs = costs
        self.over: set[str] = set()
        self._speed = speed
        self.now_s = now_s
        self._begun_s = now_s()
        self._running_since_s: dict[str, float] = {}

    def begins(self, run: str) -> None:
        self._running_since_s[run] = self.now_s()

    def passed(self, run: str) -> float:
        """How much of a run's cost is paid."""
        if run in self.over:
            return self.costs[run]
        since_s = self._running_since_s.get(run)
        return 0.0 if since_s is None else min(self.costs[run], self.now_s() - since_s)

    def words(self) -> str:
        """Rate and time left, as far as they can be known."""
        elapsed_s = self.now_s() - self._begun_s
        paid, total = sum(map(self.passed, self.costs)), sum(self.costs.values())
        speed = self._speed or (paid / elapsed_s if elapsed_s else 0)
        rate_hz = len(self.over) / elapsed_s if elapsed_s else 0
        known = [_rate(rate_hz)] if rate_hz else []
        return ", ".join(known + ([f"about {_time((total - paid) / speed)} left"] if speed else []))


def _rate(rate_hz: float) -> str:
    return f"{rate_hz:.1f} runs/s" if rate_hz >= 1 else f"{rate_hz * 60:.1f} runs/min"


def _time(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 100 else f"{hours:.1f} h"


class Lines:
    """Plain lines: of few runs one for each that begins to tick or is over; of many a few in all,
    and whatever goes wrong."""

    def __init__(self, console: Console, pace: Pace) -> None:
        self._console = console
        self._pace = pace
        self._lock = threading.Lock()
        self._step = ceil(len(pace.costs) / MAX_TOLD)
        self._problems = 0
        self._said_s = pace.now_s()

    def phase(self, run: str, phase: str) -> None:
        with self._lock:
            if phase == "run":
                self._pace.begins(run)
                if self._step == 1:
                    self._say(f"{run}: running for {self._pace.costs[run]:g} s")

    def done(self, run: str, problem: str) -> None:
        with self._lock:
            self._pace.over.add(run)
            over, total = len(self._pace.over), len(self._pace.costs)
            self._problems += bool(problem)
            if self._step == 1:
                self._say(f"{run}: {problem or 'finished'} ({over} of {total}{self._words()})")
                return
            if problem and self._problems <= MAX_TOLD:
                self._say(f"{run}: {problem}")
            silent = self._pace.now_s() - self._said_s > MAX_SILENCE_S
            if over % self._step == 0 or over == total or silent:
                self._said_s = self._pace.now_s()
                self._say(f"{over} of {total} runs{self._words()}")

    def _words(self) -> str:
        left = len(self._pace.over) < len(self._pace.costs)
        return f"; {self._pace.words()}" if left else ""

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Live:
    """A bar for every run that is under way, and one for all."""

    def __init__(self, progress: Progress, pace: Pace) -> None:
        self._progress = progress
        self._pace = pace
        self._tasks: dict[str, TaskID] = {}
        self._all = progress.add_task("all runs", total=len(pace.costs), note="")

    def phase(self, run: str, phase: str) -> None:
        if run not in self._tasks:
            cost = self._pace.costs[run]
            self._tasks[run] = self._progress.add_task(run, total=cost, note="")
        if phase == "run":
            self._pace.begins(run)
        self._progress.update(self._tasks[run], note=WORDS[phase])

    def done(self, run: str, problem: str) -> None:
        self._pace.over.add(run)
        if run in self._tasks:
            self._progress.remove_task(self._tasks.pop(run))
        if problem or len(self._pace.costs) <= MAX_TOLD:
            line = f"{run}: {problem or 'finished'}"
            self._progress.console.print(line, markup=False, highlight=False)
        self._progress.update(self._all, completed=len(self._pace.over))

    def refresh(self) -> None:
        """Move the bars with the time."""
        for run, task in list(self._tasks.items()):
            self._progress.update(task, completed=self._pace.passed(run))
        over, total = len(self._pace.over), len(self._pace.costs)
        self._progress.update(self._all, note=f"{over} of {total} {self._pace.words()}")


@contextmanager
def display(
    console: Console, costs: Mapping[str, float], speed: float | None = None
) -> Iterator[Display]:
    """The display that suits the console, for runs by name; costs and speed as in `Pace`."""
    pace = Pace(costs, speed, monotonic)
    if not console.is_terminal:
        yield Lines(console, pace)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        live = Live(progress, pace)
        with _repeated(live.refresh, every_s=0.5):
            yield live


@contextmanager
def _repeated(act: Callable[[], None], every_s: float) -> Iterator[None]:
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every_s):
            act()

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
