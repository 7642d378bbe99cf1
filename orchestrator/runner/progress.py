"""The progress of runs: a live display on a terminal, plain lines elsewhere."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

#: The phases as they are displayed. "run" begins with the barrier.
PHASE_LABELS = {
    "create": "creating",
    "start": "starting",
    "run": "running",
    "stop": "stopping",
    "collect": "collecting",
    "remove": "removing",
}
#: The most runs with lines per run. For more runs, about this number of lines reports on all of
#: them, with a further line after each silence of MAX_SILENCE_S.
MAX_LINES = 20
MAX_SILENCE_S = 30
#: Lines about many fast runs would scroll away the lines above.
MIN_SILENCE_S = 1


class Display(Protocol):
    """A display of the progress of runs, called by the threads that execute them."""

    def phase(self, run: str, phase: str) -> None:
        """Show that a run has reached a phase."""

    def done(self, run: str, problem: str) -> None:
        """Show that a run has ended; `problem` is "" if it finished."""


class Pace:
    """The rate at which runs end, and the time left.

    `costs` holds the expected cost of each run, in any unit, and `speed` the cost per second, if it
    is known beforehand. A run that is active pays one unit of its cost per second.
    """

    def __init__(
        self, costs: Mapping[str, float], speed: float | None, now_s: Callable[[], float]
    ) -> None:
        self.costs = costs
        self.ended: set[str] = set()
        self._speed = speed
        self.now_s = now_s
        self._begun_s = now_s()
        self._running_since_s: dict[str, float] = {}

    def begins(self, run: str) -> None:
        self._running_since_s[run] = self.now_s()

    def paid(self, run: str) -> float:
        """Return the part of a run's cost that is paid."""
        if run in self.ended:
            return self.costs[run]
        since_s = self._running_since_s.get(run)
        return 0.0 if since_s is None else min(self.costs[run], self.now_s() - since_s)

    def summary(self) -> str:
        """Return rate and time left, as far as they are known."""
        elapsed_s = self.now_s() - self._begun_s
        paid, total = sum(map(self.paid, self.costs)), sum(self.costs.values())
        speed = self._speed or (paid / elapsed_s if elapsed_s else 0)
        rate_hz = len(self.ended) / elapsed_s if elapsed_s else 0
        known = [_rate(rate_hz)] if rate_hz else []
        return ", ".join(known + ([f"{_time((total - paid) / speed)} left"] if speed else []))


def _rate(rate_hz: float) -> str:
    return f"{rate_hz:.1f} runs/s" if rate_hz >= 1 else f"{rate_hz * 60:.1f} runs/min"


def _time(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {minutes:.0f} min" if minutes < 100 else f"about {hours:.1f} h"


class PlainDisplay:
    """Plain lines: for few runs, a line when each starts to tick and when it ends; for many runs,
    some lines about all of them, and the problems."""

    def __init__(self, console: "Console", pace: Pace) -> None:
        self._console = console
        self._pace = pace
        self._lock = threading.Lock()
        self._step = ceil(len(pace.costs) / MAX_LINES)
        self._problems = 0
        self._printed_s = pace.now_s()

    def phase(self, run: str, phase: str) -> None:
        with self._lock:
            if phase == "run":
                self._pace.begins(run)
                if self._step == 1:
                    self._print(f"{run}: running for {self._pace.costs[run]:g} s")

    def done(self, run: str, problem: str) -> None:
        with self._lock:
            self._pace.ended.add(run)
            ended, total = len(self._pace.ended), len(self._pace.costs)
            self._problems += bool(problem)
            if self._step == 1:
                self._print(f"{run}: {problem or 'finished'} ({ended} of {total}{self._rest()})")
                return
            if problem and self._problems <= MAX_LINES:
                self._print(f"{run}: {problem}")
            silence_s = self._pace.now_s() - self._printed_s
            is_due = ended % self._step == 0 and silence_s >= MIN_SILENCE_S
            if is_due or ended == total or silence_s > MAX_SILENCE_S:
                self._printed_s = self._pace.now_s()
                self._print(f"{ended} of {total} runs{self._rest()}")

    def _rest(self) -> str:
        left = len(self._pace.ended) < len(self._pace.costs)
        return f"; {self._pace.summary()}" if left else ""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveDisplay:
    """A bar for every active run, and one for all runs."""

    def __init__(self, progress: "Progress", pace: Pace) -> None:
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
        self._progress.update(self._tasks[run], note=PHASE_LABELS[phase])

    def done(self, run: str, problem: str) -> None:
        self._pace.ended.add(run)
        if run in self._tasks:
            self._progress.remove_task(self._tasks.pop(run))
        if problem or len(self._pace.costs) <= MAX_LINES:
            line = f"{run}: {problem or 'finished'}"
            self._progress.console.print(line, markup=False, highlight=False)
        self._progress.update(self._all, completed=len(self._pace.ended))

    def refresh(self) -> None:
        """Advance the bars."""
        for run, task in list(self._tasks.items()):
            self._progress.update(task, completed=self._pace.paid(run))
        ended, total = len(self._pace.ended), len(self._pace.costs)
        self._progress.update(self._all, note=f"{ended} of {total} {self._pace.summary()}")


@contextmanager
def display(
    console: "Console", costs: Mapping[str, float], speed: float | None = None
) -> Iterator[Display]:
    """Yield a display for the kind of console; costs and speed as in `Pace`."""
    pace = Pace(costs, speed, monotonic)
    if not console.is_terminal:
        yield PlainDisplay(console, pace)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        live = LiveDisplay(progress, pace)
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
