"""The command `vklocks`. Exit codes: 0 fine, 1 a check is violated, 2 wrong usage or input,
3 the environment lacks something, 4 some runs failed, 130 interrupted.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, NoReturn

from rich.console import Console

from analysis.checks import verdict
from analysis.events import InputError, find_runs, load
from analysis.summary import as_json, print_summary, print_verdicts, verdicts_as_json
from orchestrator import engine, image, run
from orchestrator.experiment import Experiment, ExperimentError, parse, read
from orchestrator.outcome import EnvironmentProblem
from orchestrator.progress import Display, display
from orchestrator.run import BACKENDS, Run
from vm import __version__
from vm.spec import Spec, SpecError
from vm.workloads import WORKLOADS

OUT = Path("runs")
DEFAULT_EXPERIMENT = "lab"
#: Where no width is known, as in a file.
COLUMNS = 100
#: What a core bears without ticks that come late: ticks a second, and machines at all.
MAX_TICKS_PER_CORE_HZ = 300
MAX_MACHINES_PER_CORE = 25
MAX_JOBS = 64
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


class UsageError(Exception):
    """A wrong argument; the text names it and what would do."""


class Parser(argparse.ArgumentParser):
    """Reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (`{self.prog} --help` lists the options)")


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        given = _parser().parse_args(arguments)
        code: int = given.act(given)
        sys.stdout.flush()
    except (UsageError, ExperimentError, InputError) as error:
        return _fail(2, str(error))
    except EnvironmentProblem as error:
        return _fail(3, str(error))
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    except BrokenPipeError:
        # Whoever read has seen enough. Nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _fail(code: int, problem: str) -> int:
    print(f"vklocks: {problem}", file=sys.stderr)
    return code


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else COLUMNS)


# --- run ---


def _run(given: argparse.Namespace) -> int:
    experiment = _experiment(given)
    specs = experiment.specs()
    jobs = min(given.jobs or _default_jobs(experiment.spec), len(specs))
    console = _console()
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
        _say(console, f"{len(specs)} x {experiment.spec.duration_s:g} s, {jobs} at a time;")
        _say(console, f"the same again: {_again(given, experiment)}")
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
        for future in as_completed(futures):
            try:
                done = future.result()
            except EnvironmentProblem as error:
                problems.append(str(error))
                shown.done(futures[future], str(error))
                continue
            runs.append(done)
            shown.done(done.name, f"{done.result}: {done.problem}" if done.problem else done.result)
    return sorted(runs, key=lambda done: names.index(done.name)), problems, under.interrupted


def _report(shown: Display, partial: Path) -> Callable[[str], None]:
    return lambda phase: shown.phase(run.name_of(partial), phase)


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
    loaded = [load(done.directory) for done in runs if any(done.directory.glob("*.jsonl"))]
    if loaded:
        print_summary(loaded, console)
    kept = [str(done.directory) for done in runs]
    if kept:
        _say(console, "\nkept:")
    for directory in kept:
        _say(console, f"  {directory}")
    for problem in dict.fromkeys(problems):
        _fail(3, problem)
    failed = [done for done in runs if done.result == "failed"]
    for done in failed:
        _fail(4, f"{done.name} failed: {done.problem}")
    if interrupted:
        return _fail(130, f"interrupted; {len(kept)} runs kept, nothing left in the engine")
    if problems:
        return 3
    if failed:
        return 4
    return int(any(verdict(one).violations for one in loaded))


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


# --- analyse, check ---


def _analyse(given: argparse.Namespace) -> int:
    runs = [load(directory) for directory in find_runs(given.paths)]
    if given.json:
        print(json.dumps(as_json(runs)))
    else:
        print_summary(runs, _console())
    return 0


def _check(given: argparse.Namespace) -> int:
    runs = [load(directory) for directory in find_runs(given.paths)]
    if given.json:
        print(json.dumps(verdicts_as_json(runs)))
    else:
        print_verdicts(runs, _console())
    return int(any(verdict(one).violations for one in runs))


# --- list, clean, doctor ---


def _list(given: argparse.Namespace) -> int:
    found = [
        (path.parent, run.read(path.parent)) for path in sorted(given.out.glob("*/*/run.json"))
    ]
    if not found:
        print(f"no runs in {given.out}/ yet; `vklocks run` makes some")
    for directory, plain in found:
        if plain is None:
            print(f"{directory}: run.json cannot be read")
            continue
        machines = plain.get("machines")
        count = len(machines) if isinstance(machines, dict) else 0
        line = f"{directory}  {plain.get('backend')}  {count} machines  {plain.get('outcome')}"
        print(line + (f": {plain['problem']}" if plain.get("problem") else ""))
    return 0


def _clean(given: argparse.Namespace) -> int:
    removed = 0
    with engine.connected() as client:
        for left in engine.leftovers(client):
            if left.is_abandoned():
                left.remove()
                removed += 1
                print(f"removed {left.what} {left.name}")
            else:
                print(f"left {left.what} {left.name}: {left.owner} may still use it")
    for partial in run.unfinished(given.out):
        shutil.rmtree(partial)
        removed += 1
        print(f"removed unfinished {partial}")
    print(f"{removed} leftovers of dead owners removed" if removed else "nothing to clean")
    return 0


def _doctor(given: argparse.Namespace) -> int:
    missing = False
    with engine.connected() as client:
        findings = [*engine.examine(client, given.out), _examine_image(client)]
    for finding in findings:
        missing |= finding.state == "missing"
        print(f"{finding.state:8} {finding.subject}: {finding.text}")
    return 3 if missing else 0


def _examine_image(client: Any) -> engine.Finding:
    present = image.find(client)
    if present and (not image.has_sources() or present[1] == image.fingerprint(image.CHECKOUT)):
        return engine.Finding("image", "ok", f"{image.NAME} is there and fits the sources")
    if image.has_sources():
        which = "is older than the sources" if present else "is not there"
        return engine.Finding("image", "ok", f"{image.NAME} {which}; the next run builds it")
    return engine.Finding(
        "image", "missing", f"{image.NAME} is not there: run vklocks from its checkout once"
    )


# --- the command line ---


def _parser() -> Parser:
    parser = Parser(prog="vklocks", description="A laboratory for logical clocks.")
    parser.add_argument("--version", action="version", version=f"vklocks {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    for name, act, text in (
        ("analyse", _analyse, "what happened in runs: clocks, jumps, drift, queues"),
        ("check", _check, "whether what happened can be right; exit code 1 if not"),
    ):
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="runs, or folders")
        command.add_argument("--json", action="store_true", help="unrounded, for programs")
        command.set_defaults(act=act)
    for name, act, text in (
        ("list", _list, "the runs there are"),
        ("clean", _clean, "remove what interrupted runs of dead owners left behind"),
        ("doctor", _doctor, "whether engine, image, disk and clock will do"),
    ):
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        _add_out(command)
        command.set_defaults(act=act)
    return parser


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=OUT, help="where runs go (runs)"
    )


def _add_run(commands: Any) -> None:
    text = "carry out runs and say what happened"
    command = commands.add_parser("run", help=text, description=text, allow_abbrev=False)
    add = command.add_argument
    add("experiment", metavar="EXPERIMENT.toml", nargs="?", type=Path, help="fields of a spec")
    add("--backend", choices=BACKENDS, default="containers", help="where machines run (containers)")
    add("--machines", metavar="N", type=int, help="how many machines (3)")
    add("--duration", metavar="S", dest="duration_s", type=_number, help="seconds of a run (60)")
    add("--ticks", metavar="MIN-MAX", type=_ticks, help="range of ticks per second (1-6)")
    workload = command.add_mutually_exclusive_group()
    workload.add_argument(
        "--tight",
        dest="workload",
        action="store_const",
        const="tight",
        help="more messages, fewer internal events",
    )
    workload.add_argument(
        "--weights",
        metavar="ONE,ALL,INTERNAL",
        dest="workload",
        type=_workload,
        help=f"how often an idle tick sends to one, to all, or neither ({_weights()})",
    )
    add("--clocks", metavar="CLOCK,…", type=_list_of_names, help="lamport, vector (lamport)")
    add("--seed", metavar="N", type=int, help="seed of the first run, the next has N+1 (random)")
    add("--repeat", metavar="N", type=int, help="how many runs (1)")
    add("--jobs", metavar="N", type=_jobs, help="how many side by side (as many as cores bear)")
    _add_out(command)
    command.set_defaults(act=_run)


def _weights() -> str:
    weights = WORKLOADS["assignment"]
    return f"{weights.one},{weights.all},{weights.internal}"


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    return int(number) if number.is_integer() else number


def _ticks(text: str) -> list[int]:
    low, _, high = text.partition("-")
    try:
        return [int(low), int(high or low)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not MIN-MAX, as in 1-6") from None


def _workload(text: str) -> dict[str, int]:
    try:
        one, to_all, internal = map(int, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not ONE,ALL,INTERNAL, as in 2,1,7") from None
    return {"one": one, "all": to_all, "internal": internal}


def _list_of_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_JOBS}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
