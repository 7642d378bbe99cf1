"""The Python API of vklocks: simulate, execute and load runs, and ask about their events.

    >>> import vklocks
    >>> run = vklocks.simulate(machines=3, duration_s=10, seed=7)
    >>> run
    <Run seed7: 3 machines, 10 s, seed 7>
    >>> run.happened_before(("vm1", 3), ("vm2", 40))
    True
    >>> run.check()
    <Verdict holds: 15 checks>

An event is named by its machine and its number on it: ("vm1", 3) is the fourth event of vm1. The
fields of a run (`machines`, `duration_s`, ...) have the names and plain values of an experiment
file. Paths may be strings. docs/07-python.md is the tutorial.

Imports of the analysis and the orchestrator are inside functions, and `__getattr__` provides names
from there: Polars, NumPy and Altair take seconds to import, and `import vklocks` should not.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from html import escape
from importlib import import_module
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, SupportsIndex

import vm.spec
from vm import __version__
from vm.quoting import counted, quoted
from vm.spec import FIELDS, SpecError, suggestion

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from analysis.charts.captioned import CaptionedChart
    from analysis.charts.experiment import ExperimentRuns
    from analysis.evaluation import Evaluation, Verdict
    from analysis.history.causality import Causality, Hop
    from analysis.history.run import InputError
    from analysis.history.run import Run as History
    from analysis.report.cell import Diagram
    from orchestrator.backends.outcome import EnvironmentProblem, RunFailed
    from orchestrator.experiments.experiment import ExperimentError
    from orchestrator.runner.planning import Plan

__all__ = [
    "EnvironmentProblem",
    "Experiment",
    "ExperimentError",
    "InputError",
    "Run",
    "RunFailed",
    "Spec",
    "SpecError",
    "Verdict",
    "__version__",
    "experiment",
    "load",
    "run",
    "simulate",
]

Event = tuple[str, int]

#: The columns of `Run.machines` that a notebook shows with a run.
SHOWN = ("machine", "tick_rate_hz", "events", "final_clock", "jump_mean", "jump_max", "queue_peak")
#: The modules of the names that `__getattr__` provides.
HOMES = {
    "EnvironmentProblem": "orchestrator.backends.outcome",
    "ExperimentError": "orchestrator.experiments.experiment",
    "InputError": "analysis.history.run",
    "RunFailed": "orchestrator.backends.outcome",
    "Verdict": "analysis.evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


class Spec:
    """All values on which one run depends; SpecError names an invalid field.

    The fields have the names, plain values and defaults of an experiment file, and are attributes;
    a spec always has a seed, 0 by default. `fields` holds all of them.

    >>> spec = Spec(machines=5, ticks=[1, 6], workload="tight", seed=7)
    >>> spec
    Spec(machines=5, workload={'one': 3, 'all': 3, 'internal': 4}, seed=7)
    >>> spec.machines, spec.duration_s
    (['vm1', 'vm2', 'vm3', 'vm4', 'vm5'], 60)
    >>> Spec(machines=0)
    Traceback (most recent call last):
    ...
    vm.fields.SpecError: machines: 0 is outside 1..200
    """

    def __init__(self, **fields: Any) -> None:
        self._parsed = vm.spec.Spec.parse(fields)

    @property
    def fields(self) -> dict[str, Any]:
        """All fields with their plain values, as in spec.json."""
        return self._parsed.plain()

    def __getattr__(self, name: str) -> Any:
        if name not in FIELDS:
            raise AttributeError(f"a Spec has no field {name!r}{suggestion(name, FIELDS)}")
        return self.fields[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *FIELDS]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self._parsed == other._parsed

    def __repr__(self) -> str:
        """Return the fields that differ from the defaults."""
        default = vm.spec.Spec().plain()
        given = {name: value for name, value in self.fields.items() if value != default[name]}
        if given.get("machines") == Spec(machines=len(self.machines)).machines:
            given["machines"] = len(self.machines)
        return f"Spec({', '.join(f'{name}={value!r}' for name, value in given.items())})"


class Run:
    """One run: its events, metrics, verdict and pictures, and the causal order of its events.

    `simulate`, `run`, `load` and `experiment` return runs. `name` is the run's name, `directory`
    its directory or log (None for a simulation in memory), `spec` its Spec (None for a log of
    another program; with every tick rate if it was loaded). Everything is computed when it is first
    used.

    >>> run = simulate(machines=3, duration_s=10, seed=7)
    >>> run.name, run.spec, run.directory
    ('seed7', Spec(duration_s=10, seed=7), None)
    """

    def __init__(
        self, name: str, spec: Spec | None, directory: Path | None, load: "Callable[[], History]"
    ) -> None:
        self.name = name
        self.spec = spec
        self.directory = directory
        self._load = load

    @cached_property
    def _evaluation(self) -> "Evaluation":
        from analysis.evaluation import evaluate

        return evaluate(self._load())

    @property
    def events(self) -> "pl.DataFrame":
        """The events as a Polars table, a row per event, machine by machine.

        `machine` and `index` name the event; `kind` is internal, send or receive; `main` is the
        main clock, `clock_<name>` each clock's timestamp; `queue` counts the messages left in the
        inbox. Times (`at_ns`, `due_ns`, `arrived_ns`) are nanoseconds since the run began. A send
        has its receivers in `to`, a receive its `sender` and the number of the send, `cause`.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> run.events.select("machine", "index", "kind", "main", "sender", "cause").row(2)
        ('vm1', 2, 'internal', 4, None, None)
        >>> run.events.height
        160
        """
        return self._evaluation.run.events

    @property
    def machines(self) -> "pl.DataFrame":
        """The metrics of the machines as a Polars table, a row per machine.

        Units are at the end of a column's name; a value that is undefined is null.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> run.machines.select("machine", "tick_rate_hz", "final_clock", "queue_peak").rows()
        [('vm1', 4, 60, 1), ('vm2', 6, 65, 1), ('vm3', 6, 64, 0)]
        """
        return self._evaluation.machines

    @property
    def metrics(self) -> dict[str, int | float | None]:
        """The metrics of the run as a whole, by name; None if undefined.

        >>> simulate(machines=3, duration_s=10, seed=7).metrics["skew_max"]
        5
        """
        from analysis.metrics.run import per_run

        return per_run(self._evaluation.run)

    def check(self) -> "Verdict":
        """Return the verdict of all checks on history and clocks.

        Its `state` is holds, violated or inconclusive. `violations` are the violations, each with
        `check`, `machine`, `index` and `because`; `holding` maps the checks that hold to their
        numbers of cases; `unchecked` and `unknown` list what could not be checked, with reasons.

        >>> verdict = simulate(machines=3, duration_s=10, seed=7).check()
        >>> verdict.state, verdict.violations
        ('holds', ())
        >>> print(verdict.holding["clock_condition"])
        46 of 46 receives
        """
        return self._evaluation.verdict

    def compare_clocks(self, *names: str) -> "pl.DataFrame":
        """Compute clocks on this history, and return a Polars table with a row for each.

        Names are those of specs, as in "rev:4"; "own" stands for the clocks of the run, "all" for
        these and for each kind with its default parameters; without names, all. Of the pairs of
        events, `lost_pairs` are causally ordered and not so by the clock, and `ordered_pairs` are
        concurrent and ordered by the clock; if `sampled_pairs` is not 0, both are estimates. Sizes
        are in bytes: of stamps, and of what a log holds for an event. `problem` is the reason why
        a clock has no values, or values of the first `events` only. SpecError names a clock that
        does not exist.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> table = run.compare_clocks("lamport", "rev:2", "vector")
        >>> table.select("clock", "stamp_mean_bytes", "lost_pairs", "ordered_pairs").rows()
        [('lamport', 1.0, 0, 1784), ('rev:2', 2.0, 0, 1029), ('vector', 3.0, 0, 0)]
        """
        from analysis.clocks.comparison import ALL, compared, full_names, table

        history = self._evaluation.run
        return table(compared(history, full_names(names or (ALL,), history)))

    def plot(self, name: str) -> "alt.Chart | alt.LayerChart":
        """Return a chart as an Altair object, which shows itself in a notebook.

        The charts of a run are clock, skew, queue, jumps, jump_sizes, time_in_queue,
        network_delay, event_mix, utilisation and clocks. ValueError if there is no such chart, or
        if the logs have no data for it.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> run.plot("jump_sizes").to_dict()["title"]["text"]
        'How are the sizes of clock jumps distributed?'
        >>> run.plot("jump_size")
        Traceback (most recent call last):
        ...
        ValueError: there is no chart 'jump_size'; did you mean jump_sizes? The charts are clock, \
skew, queue, jumps, jump_sizes, time_in_queue, network_delay, event_mix, utilisation, clocks
        """
        from analysis.charts.captioned import run_charts
        from analysis.charts.run import RUN_CHARTS

        return _chart(name, RUN_CHARTS, lambda: run_charts(self._evaluation.run))

    def diagram(self) -> "Diagram":
        """Return the interactive space-time diagram, which shows itself in a notebook.

        It needs no network. Its `page` is a whole HTML page, for use without a notebook.

        >>> diagram = simulate(machines=3, duration_s=10, seed=7).diagram()
        >>> diagram
        Diagram(run='seed7')
        >>> Path("diagram.html").write_text(diagram.page) > 100_000
        True
        """
        from analysis.report.cell import Diagram
        from analysis.report.run import diagram_html

        return Diagram(self.name, diagram_html(self._evaluation))

    def happened_before(self, a: Event, b: Event) -> bool:
        """Return whether event a happened before event b, by messages and program order alone.

        Clocks are not used. ValueError, here and in the methods below, if there is no such event,
        or if a causal cycle in the logs makes all order meaningless.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> run.happened_before(("vm1", 3), ("vm2", 40))
        True
        >>> run.happened_before(("vm1", 3), ("vm1", 3))
        False
        >>> run.happened_before(("vm1", 3), ("vm2", 99))
        Traceback (most recent call last):
        ...
        ValueError: vm2 has no event 99: its 60 events have the numbers 0 to 59
        """
        return self._causality.happened_before(self._row(a), self._row(b))

    def concurrent(self, a: Event, b: Event) -> bool:
        """Return whether neither of two different events happened before the other.

        >>> simulate(machines=3, duration_s=10, seed=7).concurrent(("vm1", 0), ("vm2", 0))
        True
        """
        return self._causality.concurrent(self._row(a), self._row(b))

    def past(self, a: Event) -> list[Event]:
        """Return the names of all events that happened before an event, machine by machine.

        >>> simulate(machines=3, duration_s=10, seed=7).past(("vm1", 2))
        [('vm1', 0), ('vm1', 1), ('vm3', 0)]
        """
        known = self._causality
        return [known.name(int(row)) for row in known.past(self._row(a))]

    def path(self, a: Event, b: Event) -> "list[Hop]":
        """Return a causal path from event a to event b with the fewest messages; [] if none.

        A hop leads from the event `before` to the event `after`; its `reason` is "message", or
        "program order" for two events of one machine.

        >>> run = simulate(machines=3, duration_s=10, seed=7)
        >>> for hop in run.path(("vm1", 3), ("vm2", 40)):
        ...     print(*hop)
        ('vm1', 3) ('vm1', 18) program order
        ('vm1', 18) ('vm2', 27) message
        ('vm2', 27) ('vm2', 40) program order
        """
        return list(self._causality.path(self._row(a), self._row(b)))

    @property
    def _causality(self) -> "Causality":
        from analysis.history.causality import causality
        from analysis.history.run import InputError

        known = causality(self._evaluation.run)
        if known.cycle:
            events = ", ".join(map(str, known.cycle))
            raise InputError(f"the logs have a causal cycle, see check(): {events}")
        return known

    def _row(self, event: Event) -> int:
        """Return the row of an event in the table; ValueError names the known events."""
        match event:
            case [str() as machine, SupportsIndex() as number]:
                index = number.__index__()
            case _:
                raise ValueError(f"{quoted(event)} is no event's name, as in ('vm1', 3)")
        known = self._causality
        if machine not in known.machines:
            raise ValueError(
                f"there is no machine {quoted(machine)}{suggestion(machine, known.machines)}"
            )
        try:
            return known.row(machine, index)
        except KeyError:
            raise ValueError(self._unknown(machine, index)) from None

    def _unknown(self, machine: str, index: int) -> str:
        own = self.events.filter(machine=machine)["index"]
        if own.is_empty():
            return f"{machine} has no event {quoted(index)}: it has no events"
        first, last = min(own), max(own)
        return (
            f"{machine} has no event {quoted(index)}: its {own.len()} events have the numbers"
            f" {first} to {last}"
        )

    def __repr__(self) -> str:
        return f"<Run {self._title}>"

    @property
    def _title(self) -> str:
        if not self.spec:
            read = self._evaluation.run
            return f"{self.name}: {_machines(read.machines)}, a log {read.in_format}"
        machines, seed = _machines(self.spec.machines), self.spec.seed
        return f"{self.name}: {machines}, {self.spec.duration_s:g} s, seed {seed}"

    def _repr_html_(self) -> str:
        table = self.machines.select(SHOWN)._repr_html_()
        return f"<p>Run {escape(self._title)}; {escape(repr(self.check())[1:-1])}</p>{table}"


class Experiment:
    """The runs of an experiment file; `experiment` returns it.

    `name` is that of the file, `directory` the folder of the runs, `runs` all of its runs in the
    order of the points.
    """

    def __init__(self, directory: Path, runs: tuple[Run, ...]) -> None:
        self.name = directory.name
        self.directory = directory
        self.runs = runs

    @property
    def summary(self) -> "pl.DataFrame":
        """A Polars table with a row per run: `run`, `point`, the axes, `seed`, and the metrics.

        The metrics of machines are means over the machines. summary.csv has the same contents.

        >>> _ = Path("rates.toml").write_text('''
        ... duration_s = 10
        ... seed = 7
        ... [grid]
        ... ticks = [[1, 2], [5, 6]]
        ... ''')
        >>> summary = experiment("rates.toml", backend="simulation").summary
        >>> summary.select("point", "ticks", "seed", "events").rows()
        [('ticks1-2', '[1, 2]', 7, 20.0), ('ticks5-6', '[5, 6]', 7, 60.0)]
        """
        from analysis.metrics.points import by_run, point_of

        places = [run.directory for run in self.runs if run.directory]
        return by_run(self._metrics, list(map(point_of, places)))

    def plot(self, name: str) -> "alt.Chart | alt.LayerChart":
        """Return a chart over all runs as an Altair object, which shows itself in a notebook.

        The charts of an experiment are skew, jump, jump_share, concurrency, queue, utilisation,
        queue_growth, receives, network_delay, time_in_queue and saturation. ValueError if there is
        no such chart, or if the runs have no data for it.

        >>> _ = Path("short.toml").write_text('duration_s = 10\\n[grid]\\nmachines = [2, 4]')
        >>> chart = experiment("short.toml", backend="simulation").plot("skew")
        >>> chart.to_dict()["title"]["text"]
        'How far apart are the clocks, on average over time?'
        """
        from analysis.charts.captioned import experiment_charts
        from analysis.charts.experiment import EXPERIMENT_CHARTS

        return _chart(name, EXPERIMENT_CHARTS, lambda: experiment_charts(self._charted))

    @property
    def _charted(self) -> "ExperimentRuns":
        from analysis.charts.experiment import experiment_runs
        from analysis.report.experiment import axes_of

        return experiment_runs(self.summary, self._metrics, axes_of(self.summary))

    @cached_property
    def _metrics(self) -> list[dict[str, Any]]:
        return list(map(_metrics_of, self.runs))

    def __repr__(self) -> str:
        return f"<Experiment {self.name}: {counted(len(self.runs), 'run')} in {self.directory}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self)[1:-1])}</p>{self.summary._repr_html_()}"


def simulate(spec: Spec | None = None, /, **fields: Any) -> Run:
    """Simulate a run in virtual time, in memory; write no files.

    Fields given by name replace those of the spec. With neither a spec nor a `seed`, a seed is
    drawn, which the run shows. SpecError names an invalid field.

    >>> simulate(machines=3, duration_s=10, seed=7)
    <Run seed7: 3 machines, 10 s, seed 7>
    >>> spec = Spec(machines=3, duration_s=10)
    >>> [simulate(spec, seed=seed).metrics["final_spread"] for seed in (1, 2, 3)]
    [22, 31, 1]
    >>> simulate(machine=3)
    Traceback (most recent call last):
    ...
    vm.fields.SpecError: machine: there is no such field; did you mean machines?
    """
    whole = _spec(spec, fields)
    name = f"seed{whole.seed}"

    def load() -> "History":
        from analysis.logs.own import of_records
        from orchestrator.virtual.simulation import simulate

        return of_records(Path(name), simulate(whole._parsed, name))

    return Run(name, whole, None, load)


def run(
    spec: Spec | None = None,
    /,
    *,
    backend: str = "containers",
    out: str | Path = "runs",
    **fields: Any,
) -> Run:
    """Execute a run with real machines, and return it; it takes `duration_s` and some seconds.

    `backend` is containers (needs Docker), processes, or simulation. The run's directory is a new
    one in `<out>/lab`, with the files that docs/files.md describes. Spec and fields are those of
    `simulate`. SpecError names an invalid field or backend; EnvironmentProblem names what the
    backend lacks, RunFailed the problem of a run that did not finish.

    >>> done = run(backend="simulation", machines=2, duration_s=5, seed=7)
    >>> done.check().state
    'holds'
    >>> sorted(path.name for path in done.directory.glob("*.json"))
    ['metrics.json', 'run.json', 'spec.json', 'verdict.json']
    """
    from orchestrator.experiments.experiment import LAB, parse
    from orchestrator.runner.planning import plan

    whole = _spec(spec, fields)
    one = parse(LAB, whole.fields)
    (done,) = _executed(plan(None, one, Path(out).absolute(), _backend(backend), logs=True))
    _metrics_of(done)
    return done


def load(path: str | Path, *, format: str = "", execution: int | None = None) -> Run:
    """Load the run of a directory, or of a log of another program.

    `format` names the format of the log, or the file that describes it; without it, the content
    decides. If a log holds several executions, `execution` chooses one, counted from 0. InputError
    names the problem of an unusable path.

    >>> load("runs")
    Traceback (most recent call last):
    ...
    analysis.history.run.InputError: runs does not exist: give a run directory, or a folder of runs
    >>> done = run(backend="simulation", machines=2, duration_s=5, seed=7)
    >>> again = load(done.directory)
    >>> again.events.equals(done.events)
    True
    """
    from analysis.history.run import InputError
    from analysis.logs.finding import find_runs

    found = find_runs([Path(path)], format)
    if len(found) > 1:
        raise InputError(
            f"{path} holds {len(found)} runs: load one, as in load({str(found[0].path)!r})"
        )
    runs = found[0].load()
    if execution is None and len(runs) > 1:
        raise InputError(
            f"{path} holds {len(runs)} executions: choose one, from execution=0 to"
            f" execution={len(runs) - 1}"
        )
    if not 0 <= (execution or 0) < len(runs):
        raise InputError(f"{path} has no execution {execution}: it holds {len(runs)}, from 0")
    return _loaded(runs[execution or 0])


def experiment(
    path: str | Path, *, backend: str = "containers", out: str | Path = "runs"
) -> Experiment:
    """Execute the runs of an experiment file, and return all of them; those present are kept.

    The runs are in `<out>/<name of the file>`, several in parallel; an interrupted experiment
    continues with the next call. Progress is printed on standard error. Errors are those of `run`,
    and ExperimentError, which names file and line of a mistake.

    >>> _ = Path("pairs.toml").write_text('machines = 2\\nduration_s = 5\\nseed = 7\\nrepeat = 3')
    >>> pairs = experiment("pairs.toml", backend="simulation")
    >>> pairs.runs[2]
    <Run base-seed9: 2 machines, 5 s, seed 9>
    >>> [run.check().state for run in pairs.runs]
    ['holds', 'holds', 'holds']
    """
    from orchestrator.experiments.experiment import read
    from orchestrator.runner.planning import plan
    from vm.files import SUMMARY, whole_file

    file = read(Path(path))
    out = Path(out).absolute()
    runs = _executed(plan(file, file.experiment, out, _backend(backend), logs=True))
    whole = Experiment(out / file.experiment.name, tuple(runs))
    with whole_file(whole.directory / SUMMARY) as partial_file:
        whole.summary.write_csv(partial_file)
    return whole


def _spec(given: Spec | None, fields: dict[str, Any]) -> Spec:
    if given is None:
        return Spec(**({"seed": SystemRandom().randrange(2**31)} | fields))
    if not isinstance(given, Spec):
        raise TypeError(f"{quoted(given)} is no Spec: name the fields, as in machines=3")
    return Spec(**(given.fields | fields))


def _backend(name: str) -> str:
    from orchestrator.backends import BACKENDS

    if name not in BACKENDS:
        raise SpecError("backend", f"there is no {quoted(name)}{suggestion(name, BACKENDS)}")
    return name


def _executed(plan: "Plan") -> list[Run]:
    """Execute the missing runs of a plan, and return all of its runs."""
    from orchestrator.cli.execution.unattended import execute

    return [
        Run(directory.name, Spec(**spec.plain()), directory, partial(_load, directory))
        for spec, directory in zip(plan.specs.values(), execute(plan), strict=True)
    ]


def _loaded(history: "History") -> Run:
    start = next(iter(history.starts.values()), None)
    spec = Spec(**start.spec.plain()) if start else None
    return Run(history.name, spec, history.path, lambda: history)


def _load(directory: Path) -> "History":
    from analysis.logs.finding import load

    return load(directory)


def _metrics_of(run: Run) -> dict[str, Any]:
    """Return the metrics of a run from metrics.json, or evaluate it and write them there."""
    from analysis.text import plain
    from vm.files import METRICS, is_regular

    assert run.directory
    if is_regular(run.directory / METRICS):
        return plain.read_metrics(run.directory)
    plain.write_evaluation(run._evaluation, run.directory)
    return run._evaluation.metrics


def _chart(
    name: str, known: Iterable[str], draw: "Callable[[], Iterable[CaptionedChart]]"
) -> "alt.Chart | alt.LayerChart":
    from analysis.charts.notebook import altair_chart

    names = list(known)
    if name not in names:
        near = suggestion(str(name), names).partition("; there are")[0] or "."
        raise ValueError(
            f"there is no chart {quoted(name)}{near} The charts are {', '.join(names)}"
        )
    for chart in draw():
        if chart.name == name:
            return altair_chart(chart)
    raise ValueError(f"the logs have no data for the chart {name}")


def _machines(names: Sequence[str]) -> str:
    return "1 machine" if len(names) == 1 else f"{len(names)} machines"
