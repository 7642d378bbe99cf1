"""`vklocks run`: execute the runs of an experiment, several in parallel, and evaluate them."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from errno import EDQUOT, ENOSPC
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from orchestrator.backends import BACKENDS
from orchestrator.cli.arguments import BACKEND_OPTIONS, MAX_PAGES, unwritable
from orchestrator.cli.console import console_of_output, say
from orchestrator.cli.execution.loading import LOADING_AFTER_S, Reports, analysis_loading
from orchestrator.cli.lines import complain
from orchestrator.experiments.experiment import LAB, Experiment, ExperimentFile, parse, read
from orchestrator.runner import planning, threads
from orchestrator.runner.execution import Batch, ExecutedRun, PlannedRun
from orchestrator.runner.interrupt import Interrupt, exit_code
from orchestrator.runner.pools import CLUSTERS, POOLS
from orchestrator.runner.pools.store import check as check_store
from orchestrator.runner.progress import display
from vm.options import OPTIONS, UsageError, flag_of, given_fields, options_of
from vm.quoting import counted, quoted
from vm.quoting import plain as printable
from vm.spec import Spec, SpecError, suggestion

if TYPE_CHECKING:
    from rich.console import Console

#: Errors of a full disk, which is not wrong usage.
FULL = (ENOSPC, EDQUOT)
#: The most runs that are listed one by one.
MAX_LISTED = 10


def run_experiment(given: argparse.Namespace) -> int:
    _check_virtual(given)
    _check_backend(given)
    (file, experiment), console = _experiment(given), console_of_output()
    try:
        logs = given.store or given.logs
        plan = planning.plan(file, experiment, given.out, given.backend, logs)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise unwritable(given.out / experiment.name, error) from None
    is_seeded = file is None or given.seed is not None or "seed" in file.plain
    reports = Reports(len(plan.specs), given.verbose)
    with planning.without_leftovers(plan.folder):
        batch = _execute(given, plan.missing, plan.present, is_seeded, console, reports)
    kept = plan.directories(batch.runs)
    return _conclude(reports, plan.folder if file else None, kept, batch, console)


def _check_virtual(given: argparse.Namespace) -> None:
    """Check the options for simulated runs; UsageError if other runs have them."""
    options = {"--no-logs": not given.logs, "--pool": given.pool, "--store": given.store}
    for option, wanted in options.items():
        if wanted and not BACKENDS[given.backend].is_virtual:
            virtual = next(name for name, backend in BACKENDS.items() if backend.is_virtual)
            raise UsageError(f"{option} is for simulated runs: add --backend {virtual}")
    if given.pool and given.pool not in POOLS:
        raise UsageError(f"--pool: there is no {quoted(given.pool)}{suggestion(given.pool, POOLS)}")
    if given.store:
        _check_store(given)


def _check_store(given: argparse.Namespace) -> None:
    """Check that a store can be used; UsageError otherwise."""
    if given.pool not in CLUSTERS:
        raise UsageError(f"--store is for workers elsewhere: add --pool {' or '.join(CLUSTERS)}")
    if not given.logs:
        raise UsageError("--store keeps the logs, --no-logs keeps none: give one of them")
    check_store(given.store)


def _check_backend(given: argparse.Namespace) -> None:
    """Check the options for single backends; UsageError if this is another backend."""
    for option in _backend_options(given):
        if option not in BACKENDS[given.backend].options:
            names = [name for name, backend in BACKENDS.items() if option in backend.options]
            raise UsageError(f"--{option} is for --backend {' or '.join(names)}")


def _backend_options(given: argparse.Namespace) -> dict[str, Any]:
    return {option: value for option in BACKEND_OPTIONS if (value := getattr(given, option))}


def _experiment(given: argparse.Namespace) -> tuple[ExperimentFile | None, Experiment]:
    """Return the experiment file, or None, and the experiment that file and options describe."""
    options = given_fields(given, (*OPTIONS, "repeat"))
    without = _changed(LAB, {"seed": SystemRandom().randrange(2**31)}, options)
    if given.experiment is None:
        return None, without
    file = read(given.experiment)
    for field in options:
        if any(field in point.values for point in file.experiment.points):
            problem = f"{given.experiment} sweeps {field}, so the option cannot set it"
            raise UsageError(f"{flag_of(field)}: {problem}")
    if not options:
        return file, file.experiment
    return file, _changed(file.experiment.name, file.plain, options)


def _changed(name: str, plain: Mapping[str, Any], options: Mapping[str, Any]) -> Experiment:
    """Return the experiment of the values with the options; UsageError names a wrong option."""
    try:
        return parse(name, {**plain, **options})
    except SpecError as error:
        field, dot, part = error.field.partition(".")
        named = flag_of(field) + dot + part if field in options else error.field
        raise UsageError(f"{printable(named)}: {error.problem}") from None


def _execute(
    given: argparse.Namespace,
    planned: Sequence[PlannedRun],
    present: int,
    is_seeded: bool,
    console: "Console",
    reports: Reports,
) -> Batch:
    backend = BACKENDS[given.backend]
    if backend.configure and planned:
        backend = backend.configure(_backend_options(given), [run.spec for run in planned])
    if backend.prepare and planned:
        backend.prepare(partial(say, console))
    if present:
        say(console, f"kept: {counted(present, 'run')} that were there already")
    if not planned:
        return Batch()
    jobs = min(given.jobs or backend.jobs([run.spec for run in planned]), len(planned))
    is_limited = given.jobs or given.pool not in CLUSTERS
    at_a_time = f"{jobs} at a time" if is_limited else "as many at a time as there are workers"
    say(console, f"{counted(len(planned), 'run')}, {at_a_time}")
    say(console, _seeds(planned, is_seeded))
    if len(planned) <= MAX_LISTED:
        say(console, f"ticks/s of the machines: {'; '.join(_rates(run.spec) for run in planned)}")
    if given.experiment is None:
        say(console, f"the same again: {_again(given, planned)}")
    if backend.is_virtual:
        from orchestrator.cli.execution.simulated import DEFAULT_POOL, simulate_all

        is_evaluated = len(planned) + present > MAX_PAGES
        pool, most = given.pool or DEFAULT_POOL, jobs if is_limited else None
        return simulate_all(planned, most, console, is_evaluated, given.logs, pool, given.store)
    costs = {run.name: run.spec.duration_s for run in planned}
    after_s = min(LOADING_AFTER_S, *(duration_s / 2 for duration_s in costs.values()))
    loading = partial(analysis_loading, reports=reports, jobs=jobs, after_s=after_s)
    with display(console, costs, speed=jobs) as shown, loading(shown) as starting:
        batch = threads.execute(planned, backend.create, jobs, starting, reports.add)
        starting.is_needless = bool(batch.interrupted)
    return batch


def _seeds(planned: Sequence[PlannedRun], is_given: bool) -> str:
    """Name the seeds of the runs, and the remedy if they are the default ones."""
    seeds = [run.spec.seed for run in planned]
    low, high = min(seeds), max(seeds)
    line = f"seed {low}" if low == high else f"seeds {low} to {high}"
    if is_given:
        return line
    return f"{line}, as the file sets none: --seed N draws others"


def _rates(spec: Spec) -> str:
    rates_hz = [spec.tick_rate_hz(machine) for machine in spec.machines]
    if len(rates_hz) > MAX_LISTED:
        return f"{min(rates_hz)} to {max(rates_hz)}"
    return " ".join(map(str, rates_hz))


def _again(given: argparse.Namespace, planned: Sequence[PlannedRun]) -> str:
    """Return the command that executes the same runs again."""
    options = options_of(planned[0].spec)
    assert options
    words = ["vklocks", "run", "--backend", given.backend, *options, "--repeat", str(len(planned))]
    for option, value in _backend_options(given).items():
        words.append(f"--{option}")
        if isinstance(value, dict):
            words.append(",".join(f"{name}={place}" for name, place in value.items()))
        elif value is not True:
            words.append(value)
    return shlex.join(words)


def _conclude(
    reports: Reports,
    experiment: Path | None,
    directories: Sequence[Path],
    batch: Batch,
    console: "Console",
) -> int:
    """Evaluate all present runs, unless interrupted; list them, and report failures.

    `experiment` is the folder of the experiment, None without an experiment file.
    """
    code = 0
    if batch.interrupted:
        reports.drop()
    else:
        try:
            code = reports.reporting.finish(experiment, directories, batch, console)
        except Interrupt as error:
            batch.interrupted = error.number
    if directories:
        say(console, "")
        say(console, "kept:")
    for directory in directories if len(directories) <= MAX_LISTED else [directories[0].parent]:
        say(console, f"  {directory}")
    failed = [run for run in batch.runs if run.result == "failed"]
    for run in failed[:MAX_LISTED]:
        apart = f" (kept as {run.directory}, to be tried again)" if experiment else ""
        code = complain(4, f"{run.name} failed: {run.problem}{apart}")
    if len(failed) > MAX_LISTED:
        complain(4, f"and {len(failed) - MAX_LISTED} more failed")
    for problem in dict.fromkeys(batch.problems):
        code = complain(3, problem)
    if batch.interrupted:
        kept = _kept(directories, batch.runs)
        code = complain(exit_code(batch.interrupted), f"interrupted; {kept}")
    return code


def _kept(directories: Sequence[Path], runs: Sequence[ExecutedRun]) -> str:
    """Return the number of runs that are kept, and the place of the logs of others."""
    apart = [run.directory for run in runs if run.directory not in directories]
    kept = [f"{counted(len(directories), 'run')} kept"] if directories else []
    if apart:
        kept.append(f"logs of {counted(len(apart), 'unfinished run')} in {apart[0].parent}")
    return ", ".join(kept) or "nothing kept"
