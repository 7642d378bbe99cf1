import io
import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from analysis.history.run import InputError
from analysis.logs.finding import find_runs, load, source_of
from analysis.logs.own import of_records
from analysis.metrics.across import per_runs
from analysis.metrics.points import RunPoint, by_run, point_of
from analysis.metrics.run import METRICS, metrics_of
from analysis.text.plain import plain_metrics, read_metrics
from analysis.text.points import print_points
from histories import World
from vm import files
from vm.spec import FIELDS, Spec

POINTS = {
    "machines2": {"values": {"machines": 2, "ticks": [1, 6]}},
    "machines2-x": {"values": {"machines": 2.5}},
}


def world(seed: int = 1) -> World:
    made = World(Spec(seed=seed))
    for _ in range(30):
        for name in made.spec.machines:
            made.tick(name)
            for other in made.spec.machines:
                if other != name:
                    made.deliver(name, other)
    return made


def known(world: World, name: str) -> dict[str, Any]:
    logs = {machine: world.log(machine) for machine in world.spec.machines}
    return metrics_of(of_records(Path(name), logs))


def write_measured(directory: Path, one: Any) -> Path:
    directory.mkdir(parents=True)
    (directory / files.METRICS).write_text(json.dumps(plain_metrics([one])))
    return directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "experiment.json").write_text(json.dumps({"points": POINTS}))
    return tmp_path


def test_records_in_memory_are_the_run_that_their_logs_are(tmp_path: Path) -> None:
    made = world()
    read = load(made.write(tmp_path / "one"))
    held = of_records(tmp_path / "one", {m: made.log(m) for m in made.spec.machines})
    assert held.events.equals(read.events)
    frames = {"scan": None, "events": None}
    assert {**vars(held), **frames} == {**vars(read), **frames}
    assert metrics_of(held) == metrics_of(read)


def test_a_run_of_an_experiment_stands_at_a_point(folder: Path) -> None:
    assert point_of(folder / "machines2-seed7") == RunPoint(
        "machines2", POINTS["machines2"]["values"], 7
    )
    assert point_of(folder / "machines2-x-seed0").point == "machines2-x"


@pytest.mark.parametrize("name", ["machines3-seed7", "machines2", "20260101-000000-seed7"])
def test_any_other_run_stands_in_its_folder(folder: Path, name: str) -> None:
    assert point_of(folder / name) == RunPoint(folder.name)
    assert point_of(folder / "elsewhere" / "machines2-seed7") == RunPoint("elsewhere")


def test_an_experiment_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "experiment.json").write_text("{")
    with pytest.raises(InputError, match=r"experiment\.json cannot be read"):
        point_of(tmp_path / "machines2-seed7")


def test_measured_runs_are_found_and_have_no_logs(tmp_path: Path) -> None:
    logged = world().write(tmp_path / "logged")
    measured_only = write_measured(tmp_path / "measured", known(world(), "measured"))
    assert [source.path for source in find_runs([tmp_path])] == [logged, measured_only]
    assert source_of(logged).is_logged
    assert not source_of(measured_only).is_logged
    with pytest.raises(InputError, match="holds only the metrics of a run, no logs"):
        load(measured_only)


def test_failed_runs_are_found_only_if_pointed_at(tmp_path: Path) -> None:
    failed = world().write(tmp_path / "failed" / "base-seed0-1")
    with pytest.raises(InputError, match="holds no run"):
        find_runs([tmp_path])
    assert find_runs([tmp_path / "failed"]) == find_runs([failed]) == [source_of(failed)]


def test_metrics_are_read_as_they_were_written(tmp_path: Path) -> None:
    one = known(world(), "run")
    assert read_metrics(write_measured(tmp_path / "b" / "run", one)) == one


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"runs":[]}', '{"runs":[{}]}', '{"runs":[{"run":"x"}]}', "\0"]
)
def test_metrics_that_cannot_be_read_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / files.METRICS).write_text(text)
    with pytest.raises(InputError, match=r"metrics\.json cannot be read"):
        read_metrics(tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machines": []}, "it has 0 machines, not 1 to 500"),
        ({"machines": [{"machine": "a"}] * 501}, "it has 501 machines"),
        ({"machines": [{}]}, "'machine'"),
        ({"machines": [{"machine": {"a": 1}}]}, "{'a': 1} is not a machine's name"),
        ({"machines": [{"machine": "\ud800"}]}, "is not a machine's name"),
        ({"machines": ["vm1"]}, "cannot be read"),
        ({"final_spread": "1"}, "final_spread: '1' is not a number"),
    ],
)
def test_metrics_of_others_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    directory = write_measured(tmp_path / "run", known(world(), "run") | changes)
    with pytest.raises(InputError, match=r"metrics\.json cannot be read") as error:
        read_metrics(directory)
    assert says in str(error.value)


def test_of_metrics_of_others_only_metrics_are_read(tmp_path: Path) -> None:
    one = known(world(), "run")
    machines = [machine | {"x": [1], "\ud800": 1} for machine in one["machines"]]
    odd = one | {"run": "../../outside", "machines": machines, "y": "\ud800"}
    assert read_metrics(write_measured(tmp_path / "run", odd)) == one


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([["a", 1]], "cannot be read"),
        (["ab"], "cannot be read"),
        ("a", "cannot be read"),
        ({"machine": 3}, "'machine' cannot be an axis"),
        ({"mean": 3}, "'mean' cannot be an axis"),
        ({"seed": 3}, "'seed' cannot be an axis"),
        ({"\ud800": 1}, "cannot be read"),
        ({"machines": "\udfff"}, "cannot be read"),
        ({f"machines.{n}": 1 for n in range(3001)}, "3,001 axes are more than 3,000"),
    ],
)
def test_points_of_others_are_refused_by_name(tmp_path: Path, values: Any, says: str) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / files.EXPERIMENT).write_text(json.dumps({"points": {"p": {"values": values}}}))
    with pytest.raises(InputError, match=r"experiment\.json") as error:
        point_of(folder / "p-seed1")
    assert says in str(error.value)


def test_the_point_of_runs_in_another_folder_is_printable(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/exp\xff"))
    assert point_of(folder / "r1") == RunPoint("exp\\udcff")


def test_metrics_of_another_version_have_what_they_have(tmp_path: Path) -> None:
    one = known(world(), "run")
    del one["final_spread"]
    for machine in one["machines"]:
        del machine["queue_peak"]
    rows = by_run([read_metrics(write_measured(tmp_path / "run", one))], [RunPoint("base")])
    assert rows["final_spread"].to_list() == rows["queue_peak"].to_list() == [None]
    assert rows["events"].null_count() == 0


def test_a_row_has_point_axes_seed_and_metrics(folder: Path) -> None:
    names = ("machines2-seed1", "machines2-x-seed1")
    every = [known(world(seed), name) for seed, name in enumerate(names)]
    rows = by_run(every, [point_of(folder / name) for name in names])
    assert rows.columns == ["run", "point", "machines", "ticks", "seed", *METRICS]
    assert rows.select("run", "point", "machines", "ticks", "seed").rows() == [
        ("machines2-seed1", "machines2", 2.0, "[1, 6]", 1),
        ("machines2-x-seed1", "machines2-x", 2.5, None, 1),
    ]
    made = [world(0).spec.machines, world(1).spec.machines]
    assert len(made) == rows.height
    logs = [{m: world(seed).log(m) for m in made[seed]} for seed in (0, 1)]
    runs = [of_records(Path(name), log) for name, log in zip(names, logs, strict=True)]
    assert rows.select("run", *METRICS).equals(per_runs(list(map(metrics_of, runs))))


def test_no_axis_has_the_name_of_a_metric() -> None:
    assert not set(FIELDS) & {"run", "point", *METRICS}


def test_each_point_has_a_row_with_the_mean_over_its_runs() -> None:
    every = [known(world(seed), f"run{seed}") for seed in range(4)]
    places = [RunPoint(point) for point in ("a", "a", "a", "b")]
    with io.StringIO() as out:
        print_points(by_run(every, places), Console(file=out, width=120))
        text = out.getvalue()
    assert "4 runs at 2 points" in text
    spread = pl.Series([one["skew_mean"] for one in every])
    (row,) = [line for line in text.splitlines() if line.startswith("a ") and "±" in line]
    assert row.split()[1] == "3"
    assert f"{spread[:3].mean():.2f} ± " in row
    (row,) = [line for line in text.splitlines() if line.startswith("b") and " 1 " in line][:1]
    assert f" {spread[3]:.2f} " in f"{row} "
    assert "±" not in row
