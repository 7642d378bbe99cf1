"""`vklocks run`: an experiment's runs, several at a time, and what they come to."""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryFile

from rich.console import Console

from orchestrator.backends.docker import engine, image
from orchestrator.cli.arguments import MAX_JOBS, UsageError
from orchestrator.cli.console import complain, console_of_output, say
from orchestrator.experiments import folder as experiment_folder
from orchestrator.experiments.experiment import Experiment, parse, read
from orchestrator.runner import execution, threads
from orchestrator.runner.execution import BACKENDS, VIRTUAL, Batch, PlannedRun
from orchestrator.runner.progress import Display, display
from vm.spec import Spec, SpecError, suggestion

DEFAULT_EXPERIMENT = "lab"
#: What a core bears without ticks that come late: ticks a second, and machines at all.
MAX_TICKS_PER_CORE_HZ = 300
MAX_MACHINES_PER_CORE = 25
#: What makes another process worth its start: half a second's work.
MIN_EVENTS_PER_JOB = 50_000
DEFAULT_POOL = "loky"
LOADING_NICENESS = 19
#: Up to so many runs are named one by one.
MAX_NAMED = 10
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
    _check_virtual(given)
    experiment, console = _experiment(given), console_of_output()
    folder = given.out / experiment.name
    try:
        specs = _claimed(given, experiment, folder)
    except OSError as error:
        raise UsageError(
            f"--out: {error.filename or folder} cannot be written: {error.strerror}"
        ) from None
    resumable = given.experiment is not None
    orders = [
        PlannedRun(name, spec, given.backend, folder, resumable)
        for name, spec in specs.items()
        if not (folder / name).exists()
    ]
    execution.remove_leftovers(given.out, folder)
    try:
        batch = _carry_out(given, orders, len(specs) - len(orders), console)
    finally:
        # What was killed on the way leaves nothing but whole runs.
        execution.remove_leftovers(given.out, folder)
    places = {done.name: done.directory for done in batch.runs}
    found = [places.get(name, folder / name) for name in specs]
    there = [directory for directory in found if directory.parent == folder and directory.exists()]
    return _conclude(folder if resumable else None, there, batch, console)


def _check_virtual(given: argparse.Namespace) -> None:
    """That options for simulated runs come with simulated runs, and name what there is."""
    for option, wanted in {"--no-logs": not given.logs, "--pool": given.pool}.items():
        if wanted and given.backend not in VIRTUAL:
            raise UsageError(f"{option} is for simulated runs: add --backend {VIRTUAL[0]}")
    if given.pool:
        # joblib takes its time to load.
        from orchestrator.runner.pools import POOLS

        if given.pool not in POOLS:
            raise UsageError(f"--pool: there is no {given.pool!r}{suggestion(given.pool, POOLS)}")


def _experiment(given: argparse.Namespace) -> Experiment:
    """What the file and the options say."""
    file: Path | None = given.experiment
    plain = read(file) if file else {"seed": SystemRandom().randrange(2**31)}
    options = {field: value for field in OPTIONS if (value := vars(given)[field]) is not None}
    try:
        experiment = parse(file.stem if file else DEFAULT_EXPERIMENT, plain | options)
    except SpecError as error:
        option = OPTIONS.get(error.field.partition(".")[0])
        raise UsageError(f"{option or error.field}: {error.problem}") from None
    for field in options:
        if any(field in point.values for point in experiment.points):
            raise UsageError(f"{OPTIONS[field]}: {file} sweeps {field}, so it takes no one value")
    return experiment


def _claimed(given: argparse.Namespace, experiment: Experiment, folder: Path) -> dict[str, Spec]:
    """The specs of all runs by the runs' names, in a folder that is theirs.

    OSError if it cannot be written, ExperimentError if another experiment has it.
    """
    specs, file = experiment.specs(), given.experiment
    if file is None:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            """So it can be written."""
        return dict(zip(execution.fresh_names(folder, specs.values()), specs.values(), strict=True))
    ours = experiment_folder.resolved(experiment, given.backend, given.logs)
    experiment_folder.claim(folder, file.read_text(encoding="utf-8"), ours)
    return specs


def _carry_out(
    given: argparse.Namespace, orders: Sequence[PlannedRun], there: int, console: Console
) -> Batch:
    prepare = PREPARATIONS.get(given.backend)
    if prepare and orders:
        prepare(console)
    if there:
        say(console, f"kept: {_runs(there)} that were there already")
    if not orders:
        return Batch()
    virtual = given.backend in VIRTUAL
    jobs = min(given.jobs or (_simulated_jobs if virtual else _jobs)(orders), len(orders))
    say(console, f"{_runs(len(orders))}, {jobs} at a time")
    if given.experiment is None:
        say(console, f"the same again: {_again(given, orders)}")
    if virtual:
        return _simulate(given, orders, jobs, console)
    costs = {order.name: order.spec.duration_s for order in orders}
    with display(console, costs, speed=jobs) as shown, _analysis_loading(shown, jobs) as starting:
        return threads.carry_out(orders, BACKENDS[given.backend], jobs, starting)


def _simulate(
    given: argparse.Namespace, orders: Sequence[PlannedRun], jobs: int, console: Console
) -> Batch:
    from orchestrator.cli.simulated import simulate
    from orchestrator.runner import pools

    folder = orders[0].folder
    # A worker need not be where we are.
    absolute = [replace(order, folder=folder.absolute()) for order in orders]
    costs = {order.name: _expected_events(order.spec) for order in orders}
    with display(console, costs) as shown:
        work = partial(simulate, logs=given.logs)
        batch = pools.carry_out(absolute, work, jobs, given.pool or DEFAULT_POOL, shown)
    for number, done in enumerate(batch.runs):
        directory = folder / done.directory.relative_to(folder.absolute())
        batch.runs[number] = replace(done, directory=directory)
    return batch


class _Starting:
    """Passes on to a display what happens, and knows when as many runs as go side by side run."""

    def __init__(self, shown: Display, jobs: int) -> None:
        self.is_over = threading.Event()
        self._shown = shown
        self._jobs = jobs
        self._running: set[str] = set()

    def phase(self, run: str, phase: str) -> None:
        self._shown.phase(run, phase)
        if phase == "run":
            self._running.add(run)
        if len(self._running) >= self._jobs:
            self.is_over.set()

    def done(self, run: str, how: str) -> None:
        self._shown.done(run, how)


@contextmanager
def _analysis_loading(shown: Display, jobs: int) -> Iterator[Display]:
    """Load what will be said of runs, three seconds' work, while they wait for their machines.

    Not before: imports would keep the threads that start machines from their work.
    """
    starting = _Starting(shown, jobs)

    def load() -> None:
        starting.is_over.wait()
        _load_analysis()

    thread = threading.Thread(target=load, name="loading the analysis", daemon=True)
    thread.start()
    try:
        yield starting
    finally:
        starting.is_over.set()
        thread.join()


def _load_analysis() -> None:
    if sys.platform == "linux":
        # Of this thread and of those that it begins: the machines' ticks come first.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOADING_NICENESS)
    from orchestrator.cli.report import prepare

    prepare()


def _jobs(orders: Sequence[PlannedRun]) -> int:
    """As many clusters side by side as this computer bears without ticks that come late."""
    cores = os.cpu_count() or 1
    machines = max(len(order.spec.machines) for order in orders)
    ticks_hz = max(sum(_max_rates_hz(order.spec)) for order in orders)
    by_ticks = cores * MAX_TICKS_PER_CORE_HZ // ticks_hz
    by_machines = cores * MAX_MACHINES_PER_CORE // machines
    return max(1, min(by_ticks, by_machines, MAX_JOBS))


def _simulated_jobs(orders: Sequence[PlannedRun]) -> int:
    """One for each core, if there is enough to do for another process to be worth it."""
    events = sum(_expected_events(order.spec) for order in orders)
    return max(1, min(os.cpu_count() or 1, int(events / MIN_EVENTS_PER_JOB)))


def _max_rates_hz(spec: Spec) -> list[int]:
    return [spec.tick_rates_hz.get(machine, spec.ticks[1]) for machine in spec.machines]


def _expected_events(spec: Spec) -> float:
    return sum(spec.tick_rate_hz(machine) for machine in spec.machines) * spec.duration_s


def _again(given: argparse.Namespace, orders: Sequence[PlannedRun]) -> str:
    """The command that carries out the same runs."""
    spec = orders[0].spec
    weights = spec.workload
    options = {
        "--backend": given.backend,
        "--machines": len(spec.machines),
        "--duration": f"{spec.duration_s:g}",
        "--ticks": f"{spec.ticks[0]}-{spec.ticks[1]}",
        "--weights": f"{weights.one},{weights.all},{weights.internal}",
        "--clocks": ",".join(spec.clocks),
        "--seed": spec.seed,
        "--repeat": len(orders),
    }
    return " ".join(["vklocks run", *(f"{name} {value}" for name, value in options.items())])


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _conclude(
    experiment: Path | None, directories: Sequence[Path], batch: Batch, console: Console
) -> int:
    """Say what happened in all runs that are there, and what kept others from it.

    `experiment` is the folder of an experiment that has one of its own.
    """
    from orchestrator.cli import analyse

    code = analyse.conclude(experiment, directories, batch, console)
    if directories:
        say(console, "\nkept:")
    for directory in directories if len(directories) <= MAX_NAMED else [directories[0].parent]:
        say(console, f"  {directory}")
    failed = [done for done in batch.runs if done.result == "failed"]
    for done in failed[:MAX_NAMED]:
        apart = f" (kept as {done.directory}, to be tried again)" if experiment else ""
        code = complain(4, f"{done.name} failed: {done.problem}{apart}")
    if len(failed) > MAX_NAMED:
        complain(4, f"and {len(failed) - MAX_NAMED} more failed")
    for problem in dict.fromkeys(batch.problems):
        code = complain(3, problem)
    if batch.interrupted:
        code = complain(130, f"interrupted; {_runs(len(directories))} kept")
    return code


def _prepare_engine(console: Console) -> None:
    with engine.connected() as client:
        for left in engine.remove_abandoned(client):
            say(console, f"removed {left.what} {left.name} of a run that was killed")
        image.ensure(client, console.print)


#: What has to be done before the first run of some backends.
PREPARATIONS: dict[str, Callable[[Console], None]] = {"containers": _prepare_engine}
