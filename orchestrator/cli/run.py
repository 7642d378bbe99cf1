"""`vklocks run`: an experiment's runs, several at a time, and what they come to."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from rich.console import Console

from orchestrator import engine, image, run
from orchestrator.cli.arguments import MAX_JOBS, UsageError
from orchestrator.cli.console import complain, console_of_output, say
from orchestrator.experiment import Experiment, parse, read
from orchestrator.outcome import EnvironmentProblem
from orchestrator.progress import Display, display
from orchestrator.run import BACKENDS, Run
from vm.spec import Spec, SpecError

DEFAULT_EXPERIMENT = "lab"
#: What a core bears without ticks that come late: ticks a second, and machines at all.
MAX_TICKS_PER_CORE_HZ = 300
MAX_MACHINES_PER_CORE = 25
#: How often the main thread looks whether it was told to end.
SIGNALS_EVERY_S = 0.1
#: The options that set a field of the experiment, for errors that name what was typed.
OPTIONS = {
    "machines": "--machines",
    "duration_s": "--duration",
    "ticks": "--ticks",
    "workload": "--weights",
    "clocks": "--clocks",
    "seed": "--seed",
    "repeat": "--repeat",
}


def run_experiment(given: argparse.Namespace) -> int:
    experiment = _experiment(given)
    specs = experiment.specs()
    jobs = min(given.jobs or _default_jobs(experiment.spec), len(specs))
    console = console_of_output()
    with ExitStack() as stack:
        try:
            folder = given.out / experiment.name
            partials = [stack.enter_context(run.reserved(folder, spec)) for spec in specs]
        except OSError as error:
            raise UsageError(
                f"--out: {error.filename or folder} cannot be written: {error.strerror}"
            ) from None
        with engine.connected() as client:
            image.ensure(client, console.print)
        say(console, f"{len(specs)} x {experiment.spec.duration_s:g} s, {jobs} at a time;")
        say(console, f"the same again: {_again(given, experiment)}")
        runs, problems, interrupted = _carry_out(given.backend, specs, partials, jobs, console)
    return _conclude(console, runs, problems, interrupted)


def _experiment(given: argparse.Namespace) -> Experiment:
    plain = read(given.experiment) if given.experiment else {}
    plain |= {field: value for field in OPTIONS if (value := vars(given)[field]) is not None}
    plain.setdefault("seed", SystemRandom().randrange(2**31))
    try:
        return parse(given.experiment.stem if given.experiment else DEFAULT_EXPERIMENT, plain)
    except SpecError as error:
        option = OPTIONS.get(error.field.partition(".")[0])
        raise UsageError(f"{option or error.field}: {error.problem}") from None


def _default_jobs(spec: Spec) -> int:
    """As many clusters side by side as this computer bears without ticks that come late."""
    cores = os.cpu_count() or 1
    by_ticks = cores * MAX_TICKS_PER_CORE_HZ // (spec.ticks[1] * len(spec.machines))
    by_machines = cores * MAX_MACHINES_PER_CORE // len(spec.machines)
    return max(1, min(by_ticks, by_machines, MAX_JOBS))


def _again(given: argparse.Namespace, experiment: Experiment) -> str:
    """The command that carries out the same runs."""
    spec = experiment.spec
    weights = spec.workload
    options = {
        "--machines": len(spec.machines),
        "--duration": f"{spec.duration_s:g}",
        "--ticks": f"{spec.ticks[0]}-{spec.ticks[1]}",
        "--weights": f"{weights.one},{weights.all},{weights.internal}",
        "--clocks": ",".join(spec.clocks),
        "--seed": spec.seed,
        "--repeat": experiment.repeat,
    }
    if given.experiment:
        return f"vklocks run {given.experiment} --seed {spec.seed} --repeat {experiment.repeat}"
    return " ".join(["vklocks run", *(f"{name} {value}" for name, value in options.items())])


@dataclass
class _Under:
    """The runs under way, and whether they are to end."""

    interrupted: bool = False
    backends: tuple[run.Backend, ...] = ()

    def interrupt(self, *_signal: object) -> None:
        if not self.interrupted:
            self.interrupted = True
            print("\nending the runs; their logs are kept ...", file=sys.stderr)
        for backend in self.backends:
            backend.interrupt()


def _carry_out(
    backend_name: str, specs: list[Spec], partials: list[Path], jobs: int, console: Console
) -> tuple[list[Run], list[str], bool]:
    """All runs, `jobs` at a time; those that were carried out, what was lacking, if interrupted."""
    names = [run.name_of(partial) for partial in partials]
    backends = [BACKENDS[backend_name](spec, name) for spec, name in zip(specs, names, strict=True)]
    under = _Under(backends=tuple(backends))
    durations_s = {name: spec.duration_s for name, spec in zip(names, specs, strict=True)}
    runs: list[Run] = []
    problems: list[str] = []
    with (
        display(console, durations_s, jobs) as shown,
        _on_interrupt(under.interrupt),
        ThreadPoolExecutor(jobs) as pool,
    ):
        futures: dict[Future[Run], str] = {}
        for backend, spec, partial in zip(backends, specs, partials, strict=True):
            one = pool.submit(
                run.carry_out, backend, backend_name, spec, partial, _report(shown, partial)
            )
            futures[one] = run.name_of(partial)
        for future in _as_they_end(futures):
            try:
                done = future.result()
            except EnvironmentProblem as error:
                problems.append(str(error))
                shown.done(futures[future], str(error))
                continue
            runs.append(done)
            shown.done(done.name, f"{done.result}: {done.problem}" if done.problem else done.result)
    return sorted(runs, key=lambda done: names.index(done.name)), problems, under.interrupted


def _as_they_end(futures: Iterable[Future[Run]]) -> Iterator[Future[Run]]:
    """Each future once it is done, from a main thread that hears signals meanwhile.

    The kernel may hand a signal to any thread; Python runs its handler when the main thread
    comes to, and one that waits without a limit does not.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, SIGNALS_EVERY_S, FIRST_COMPLETED)
        yield from done


def _report(shown: Display, partial: Path) -> Callable[[str], None]:
    def report(phase: str) -> None:
        shown.phase(run.name_of(partial), phase)
        if phase == "run":
            # Half a second's work, done while the thread would only wait for the machines.
            from orchestrator.cli import analyse  # noqa: F401

    return report


@contextmanager
def _on_interrupt(act: Callable[..., None]) -> Iterator[None]:
    """Let the first Ctrl-C, or SIGTERM, end the runs instead of the program."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, act) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(console: Console, runs: list[Run], problems: list[str], interrupted: bool) -> int:
    from orchestrator.cli import analyse

    code = analyse.conclude([done.directory for done in runs], console)
    if runs:
        say(console, "\nkept:")
    for done in runs:
        say(console, f"  {done.directory}")
    failed = [done for done in runs if done.result == "failed"]
    for done in failed:
        code = complain(4, f"{done.name} failed: {done.problem}")
    for problem in dict.fromkeys(problems):
        code = complain(3, problem)
    if interrupted:
        code = complain(130, f"interrupted; {len(runs)} runs kept, nothing left in the engine")
    return code
