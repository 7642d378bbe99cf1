"""The Python API: every documented example, the order of events, and the errors of wrong input."""

import doctest
import inspect
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given

import vklocks
from analysis.charts.experiment import EXPERIMENT_CHARTS
from analysis.charts.run import RUN_CHARTS
from cluster import ROOT
from examples import QUARTER
from histories import World, happened_before, worlds
from unruly import unruly

HEAVY = ("altair", "docker", "grpc", "jinja2", "joblib", "numba", "numpy", "polars", "rich")
FIELDS: dict[str, Any] = {"machines": 3, "duration_s": 10, "seed": 7}
#: Two executions in the layout of ShiViz.
EXECUTIONS = r"""(?<host>\S+) (?<clock>{.*}) (?<event>.*)
=== (?<trace>.*) ===
=== calm ===
client {"client": 1} asked
=== stormy ===
client {"client": 1} asked
client {"client": 2} asked again
"""
EXAMPLES = {test.name: test for test in doctest.DocTestFinder().find(vklocks) if test.examples}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def lab() -> vklocks.Run:
    return vklocks.simulate(**FIELDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_exact(name: str) -> None:
    output = list[str]()
    doctest.DocTestRunner().run(EXAMPLES[name], out=output.append)
    assert "".join(output) == ""


def public() -> Iterator[str]:
    for name in ("Experiment", "Run", "Spec", "experiment", "load", "run", "simulate"):
        yield f"vklocks.{name}"
        for part, value in vars(getattr(vklocks, name)).items():
            if part[0] != "_" and (inspect.isfunction(value) or isinstance(value, property)):
                yield f"vklocks.{name}.{part}"


@pytest.mark.parametrize(
    "name", sorted({*public()} - {"vklocks.Experiment", "vklocks.Spec.fields"})
)
def test_every_function_and_property_has_an_example(name: str) -> None:
    assert name in EXAMPLES


def test_every_public_name_is_there() -> None:
    assert all(hasattr(vklocks, name) for name in vklocks.__all__)
    assert not hasattr(vklocks, "Machine")
    assert dir(vklocks) == sorted(vklocks.__all__)
    assert {"machines", "seed", "fields"} <= {*dir(vklocks.Spec())}


def test_the_import_is_light() -> None:
    program = "import sys, vklocks; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "vm" in shown.split()
    assert not {*HEAVY, "orchestrator", "analysis"}.intersection(shown.split())


def test_a_simulation_is_the_run_of_the_backend(lab: vklocks.Run) -> None:
    done = vklocks.run(backend="simulation", **FIELDS)
    assert done.events.drop("run").equals(lab.events.drop("run"))
    assert done.metrics == lab.metrics
    assert done.directory
    assert json.loads((done.directory / "metrics.json").read_text())["runs"][0]["skew_max"] == 5


def test_a_simulation_writes_nothing(folder: Path) -> None:
    run = vklocks.simulate(**FIELDS)
    assert run.check().state == "holds"
    assert run.diagram().page.startswith("<!doctype html>")
    assert run.plot("clock").to_dict()
    assert "holds" in run._repr_html_()
    assert list(folder.iterdir()) == []


def test_a_drawn_seed_is_shown_and_repeats_the_run() -> None:
    run, other = (vklocks.simulate(duration_s=5) for _ in range(2))
    assert run.spec
    assert run.spec != other.spec
    assert repr(run) == f"<Run seed{run.spec.seed}: 3 machines, 5 s, seed {run.spec.seed}>"
    assert vklocks.simulate(run.spec).events.equals(run.events)


def test_fields_replace_those_of_a_spec() -> None:
    spec = vklocks.Spec(machines=["ann", "ben"], duration_s=5)
    assert vklocks.simulate(spec, seed=8).spec == vklocks.Spec(**spec.fields | {"seed": 8})
    assert spec == eval(repr(spec), {"Spec": vklocks.Spec})
    assert spec.seed == 0
    with pytest.raises(
        AttributeError, match=r"a Spec has no field 'machine'; did you mean machines?"
    ):
        _ = spec.machine
    with pytest.raises(TypeError, match="3 is no Spec: name the fields, as in machines=3"):
        vklocks.simulate(3)  # type: ignore[arg-type]


@QUARTER
@given(world=worlds(max_machines=4))
def test_the_order_of_events_is_that_of_messages(world: World) -> None:
    with TemporaryDirectory() as directory:
        run = vklocks.load(str(world.write(Path(directory))))
    names = list(run.events.select("machine", "index").iter_rows())
    before = happened_before(world)
    for a, b in product(names, repeat=2):
        assert run.happened_before(a, b) == ((a, b) in before)
        assert run.concurrent(a, b) == (a != b and not {(a, b), (b, a)} & before)
        hops = run.path(a, b)
        assert bool(hops) == ((a, b) in before)
        if hops:
            assert (hops[0].before, hops[-1].after) == (a, b)
    for a in names:
        assert run.past(a) == [b for b in names if (b, a) in before]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (("vm9", 3), "there is no machine 'vm9'; did you mean vm3?"),
        (("ann", 3), "there is no machine 'ann'; there are vm1, vm2, vm3"),
        (("vm1", 40), "vm1 has no event 40: its 40 events have the numbers 0 to 39"),
        (("vm1", -1), "vm1 has no event -1: its 40 events have the numbers 0 to 39"),
        ("v1", "'v1' is no event's name, as in ('vm1', 3)"),
        (("vm1", "3"), "['vm1', '3'] is no event's name, as in ('vm1', 3)"),
        (("vm1", 2**70), "vm1 has no event 1180591620717411303424: its 40 events have"),
    ],
)
def test_an_unknown_event_is_named_with_the_known_ones(
    lab: vklocks.Run, event: Any, problem: str
) -> None:
    for ask in (lab.past, lambda event: lab.path(("vm1", 0), event)):
        with pytest.raises(ValueError, match=re.escape(problem)):
            ask(event)


def test_numbers_of_numpy_name_events(lab: vklocks.Run) -> None:
    assert lab.past(("vm1", np.int64(2))) == lab.past(("vm1", 2))


def test_an_unknown_chart_is_named_with_all_charts(lab: vklocks.Run) -> None:
    for name, near in {"skews": "; did you mean skew?", "x": "."}.items():
        problem = f"there is no chart '{name}'{near} The charts are {', '.join(RUN_CHARTS)}"
        with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
            lab.plot(name)


@pytest.mark.parametrize("name", RUN_CHARTS)
def test_every_chart_of_a_run_is_drawn_and_documented(lab: vklocks.Run, name: str) -> None:
    assert lab.plot(name).to_dict()["title"]
    assert name in (vklocks.Run.plot.__doc__ or "")


def test_a_log_of_another_program(folder: Path) -> None:
    path = folder / "two.log"
    path.write_text(EXECUTIONS)
    with pytest.raises(
        vklocks.InputError, match="2 executions: choose one, from execution=0 to exec"
    ):
        vklocks.load("two.log")
    run = vklocks.load("two.log", execution=1)
    assert (run.events.height, run.spec) == (2, None)
    assert repr(run) == "<Run two.log#stormy: 1 machine, a log in the format shiviz>"
    assert "shiviz" in run._repr_html_()
    with pytest.raises(ValueError, match="the logs have no data for the chart queue"):
        run.plot("queue")
    with pytest.raises(vklocks.InputError, match=r"two.log has no execution 2: it holds 2, from 0"):
        vklocks.load(path, execution=2)


def test_an_impossible_history_has_no_order(folder: Path) -> None:
    world = unruly(6, machines=2, acts=80)
    receive = next(event for event in world.events["vm1"] if event.kind == "receive")
    receive.sender, receive.cause = "vm1", world.events["vm1"][-1].index
    world.events["vm1"][-1].kind = "send"
    world.events["vm1"][-1].to = ("vm1",)
    run = vklocks.load(world.write(folder / "impossible"))
    assert run.check().state == "violated"
    with pytest.raises(vklocks.InputError, match=r"have a causal cycle, see check\(\): \('vm1', "):
        run.past(("vm1", 0))


def test_a_name_is_no_html(folder: Path) -> None:
    done = vklocks.run(backend="simulation", **FIELDS)
    assert done.directory
    run = vklocks.load(done.directory.rename(folder / "<script>"))
    shown = run._repr_html_() + run.diagram()._repr_html_()
    assert "<script>" not in shown.replace(run.diagram()._repr_html_().partition("srcdoc")[2], "")
    assert "&lt;script&gt;" in run._repr_html_()


def test_an_experiment_is_executed_once(folder: Path) -> None:
    Path("rates.toml").write_text("duration_s = 5\nrepeat = 2\n[grid]\nmachines = [2, 4]\n")
    rates = vklocks.experiment("rates.toml", backend="simulation")
    assert repr(rates) == f"<Experiment rates: 4 runs in {folder}/runs/rates>"
    assert [run.name for run in rates.runs] == rates.summary["run"].to_list()
    assert [len(run.machines) for run in rates.runs] == [2, 2, 4, 4]
    assert pl.read_csv(folder / "runs/rates/summary.csv").equals(rates.summary)
    before = {path: path.stat().st_mtime_ns for path in rates.directory.rglob("*.jsonl")}
    again = vklocks.experiment("rates.toml", backend="simulation")
    assert {path: path.stat().st_mtime_ns for path in rates.directory.rglob("*.jsonl")} == before
    assert again.summary.equals(rates.summary)
    with pytest.raises(vklocks.InputError, match=r"rates holds 4 runs: load one, as in load\('run"):
        vklocks.load("runs/rates")
    for name in EXPERIMENT_CHARTS:
        assert rates.plot(name).to_dict()["title"]
        assert name in (vklocks.Experiment.plot.__doc__ or "")
    with pytest.raises(vklocks.ExperimentError, match='backend "simulation" -> "processes"'):
        vklocks.experiment("rates.toml", backend="processes")


def test_wrong_input_is_named() -> None:
    Path("wrong.toml").write_text("machines = 3\nduration = 5\n")
    with pytest.raises(vklocks.ExperimentError, match=r"wrong.toml:2: duration: there is no such"):
        vklocks.experiment("wrong.toml", backend="simulation")
    with pytest.raises(
        vklocks.SpecError, match="backend: there is no 'process'; did you mean proc"
    ):
        vklocks.run(backend="process")
    with pytest.raises(vklocks.SpecError, match="duration_s: 0 s is not more than 0"):
        vklocks.simulate(duration_s=0)


def test_a_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(vklocks.EnvironmentProblem, match="no Docker engine answers"):
        vklocks.run(duration_s=1)


def test_real_machines() -> None:
    done = vklocks.run(backend="processes", duration_s=1, ticks=[20, 30], seed=7)
    assert done.check().state == "holds"
    assert done.directory
    assert {"metrics.json", "verdict.json", "run.json"} <= {
        p.name for p in done.directory.iterdir()
    }
    assert vklocks.load(done.directory).machines.equals(done.machines)


def test_an_interrupted_run_is_kept(folder: Path) -> None:
    program = "import vklocks; vklocks.run(backend='processes', duration_s=60, ticks=[20, 30])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr
        assert process.stderr.readline().endswith("running for 60 s\n")
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().endswith("KeyboardInterrupt\n")
    (run,) = (folder / "runs" / "lab").iterdir()
    assert json.loads((run / "run.json").read_text())["outcome"] == "interrupted"


def test_a_run_that_fails_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machines find a module that ends them instead of gRPC."""
    (folder / "broken").mkdir()
    (folder / "broken" / "grpc.py").write_text("raise SystemExit('no gRPC today')")
    monkeypatch.setenv("PYTHONPATH", str(folder / "broken"))
    with pytest.raises(
        vklocks.RunFailed, match=r"failed: vm1 .*no gRPC today.*; kept as /.*seed7$"
    ):
        vklocks.run(backend="processes", duration_s=1, seed=7)
