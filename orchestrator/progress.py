"""How far the runs are: a live display on a terminal, plain lines anywhere else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class Display(Protocol):
    """Told by the threads of the runs what happens."""

    def phase(self, run: str, phase: str) -> None:
        """A run has come to a phase."""

    def done(self, run: str, how: str) -> None:
        """A run is over; `how` it went."""


class Lines:
    """One line for every run that begins to tick or is over."""

    def __init__(self, console: Console, durations_s: dict[str, float]) -> None:
        self._console = console
        self._durations_s = durations_s
        self._lock = threading.Lock()
        self._over = 0

    def phase(self, run: str, phase: str) -> None:
        if phase == "run":
            self._say(f"{run}: running for {self._durations_s[run]:g} s")

    def done(self, run: str, how: str) -> None:
        with self._lock:
            self._over += 1
        self._say(f"{run}: {how} ({self._over} of {len(self._durations_s)})")

    def _say(self, line: str) -> None:
        with self._lock:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Live:
    """A bar for every run that is under way, and one for all."""

    def __init__(self, progress: Progress, durations_s: dict[str, float], jobs: int) -> None:
        self._progress = progress
        self._durations_s = durations_s
        self._jobs = jobs
        self._tasks: dict[str, TaskID] = {}
        self._running_since: dict[str, float] = {}
        self._over: set[str] = set()
        self._all = progress.add_task("all runs", total=len(durations_s), note="")

    def phase(self, run: str, phase: str) -> None:
        if run not in self._tasks:
            self._tasks[run] = self._progress.add_task(run, total=self._durations_s[run], note="")
        if phase == "run":
            self._running_since[run] = monotonic()
        self._progress.update(self._tasks[run], note=WORDS[phase])

    def done(self, run: str, how: str) -> None:
        self._over.add(run)
        if run in self._tasks:
            self._progress.remove_task(self._tasks[run])
        self._progress.console.print(f"{run}: {how}", markup=False, highlight=False)
        self._progress.update(self._all, completed=len(self._over))

    def refresh(self) -> None:
        """Move the bars with the time."""
        left_s = 0.0
        for run, duration_s in self._durations_s.items():
            if run in self._over:
                continue
            since = self._running_since.get(run)
            passed_s = 0.0 if since is None else min(duration_s, monotonic() - since)
            left_s += duration_s - passed_s
            if run in self._tasks:
                self._progress.update(self._tasks[run], completed=passed_s)
        self._progress.update(self._all, note=f"about {left_s / self._jobs:.0f} s left")


@contextmanager
def display(console: Console, durations_s: dict[str, float], jobs: int) -> Iterator[Display]:
    """The display that suits the console, for runs by name, `jobs` of them at a time."""
    if not console.is_terminal:
        yield Lines(console, durations_s)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        live = Live(progress, durations_s, jobs)
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
