import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.experiments.experiment import parse
from vm.spec import Spec
from vm.workloads import Workload


def names(**plain: Any) -> list[str]:
    return [point.name for point in parse("mine", plain).points]


def specs(**plain: Any) -> list[Spec]:
    return [point.spec for point in parse("mine", plain).points]


def test_a_grid_has_every_combination_and_the_last_axis_changes_fastest() -> None:
    grid = {"machines": [2, 3], "duration_s": [1, 2.5]}
    assert names(grid=grid) == [
        "machines2-duration1",
        "machines2-duration2.5",
        "machines3-duration1",
        "machines3-duration2.5",
    ]
    assert [(len(spec.machines), spec.duration_s) for spec in specs(grid=grid)] == [
        (2, 1),
        (2, 2.5),
        (3, 1),
        (3, 2.5),
    ]


def test_zipped_axes_go_in_parallel() -> None:
    assert names(zip={"machines": [2, 3], "duration_s": [1, 2]}) == [
        "machines2-duration1",
        "machines3-duration2",
    ]


def test_listed_points_are_as_they_are_given() -> None:
    listed = [{"machines": 2}, {"duration_s": 5, "workload": "tight"}, {}]
    assert names(list=listed) == ["machines2", "duration5-workload_tight", "base"]


def test_the_points_are_the_product_of_grid_zip_and_list() -> None:
    sweeps: dict[str, Any] = {
        "grid": {"machines": [2, 3]},
        "zip": {"ticks": [[1, 2], [3, 4]], "duration_s": [1, 2]},
        "list": [{"workload": "tight"}, {"workload": "assignment"}],
    }
    assert names(**sweeps)[:3] == [
        "machines2-ticks1-2-duration1-workload_tight",
        "machines2-ticks1-2-duration1-workload_assignment",
        "machines2-ticks3-4-duration2-workload_tight",
    ]
    assert len(names(**sweeps)) == 2 * 2 * 2


def test_a_dotted_axis_sets_a_value_inside_a_field_and_leaves_the_rest() -> None:
    fault = {"kind": "delay", "extra_s": 1, "jitter_s": 0.5}
    delays = specs(faults=[fault], grid={"faults.0.extra_s": [0.25, 2]})
    assert [spec.plain()["faults"][0]["extra_s"] for spec in delays] == [0.25, 2]
    assert {spec.plain()["faults"][0]["jitter_s"] for spec in delays} == {0.5}
    base = {"kind": "constant", "delay_s": 1}
    assert [
        spec.plain()["latency"]["delay_s"]
        for spec in specs(latency=base, grid={"latency.delay_s": [0.5, 1]})
    ] == [0.5, 1]
    assert [s.ticks for s in specs(ticks=[2, 9], grid={"ticks.1": [3, 4]})] == [(2, 3), (2, 4)]
    rates = specs(tick_rates_hz={"vm1": 1}, grid={"tick_rates_hz.vm2": [3, 4]})
    assert [spec.tick_rates_hz for spec in rates] == [{"vm1": 1, "vm2": 3}, {"vm1": 1, "vm2": 4}]


@pytest.mark.parametrize(
    ("base", "all_"),
    [({}, 1), ({"workload": "tight"}, 3), ({"workload": {"one": 1, "all": 9, "internal": 2}}, 9)],
)
def test_a_way_into_a_field_begins_at_its_default_or_at_what_its_name_stands_for(
    base: dict[str, Any], all_: int
) -> None:
    (spec,) = specs(**base, grid={"workload.internal": [5]})
    assert (spec.workload.all, spec.workload.internal) == (all_, 5)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"ticks": [1, 6]}, "ticks1-6"),
        ({"machines": 10, "workload.internal": 7}, "machines10-internal7"),
        ({"tick_rates_hz": {"vm1": 1, "vm2": 6}}, "tick_rates_vm1_1-vm2_6"),
        ({"tick_rates_hz.vm1": 6}, "vm1_6"),
        ({"workload": {"one": 2, "all": 1, "internal": 7}}, "workload_one2-all1-internal7"),
        ({"clocks": ["lamport", "vector"]}, "clocks_lamport-vector"),
        ({"fifo": False}, "fifo_false"),
        ({"latency": {"kind": "constant", "delay_s": 0.1}}, "latency_constant-delay0.1"),
        ({"machines": ["a", "b:1"]}, "machines_a-b1"),
    ],
)
def test_names_are_short_and_say_what_is_special(values: dict[str, Any], name: str) -> None:
    assert names(list=[values]) == [name]


def test_axes_with_the_same_last_word_are_named_in_full() -> None:
    faults = [{"kind": "delay", "extra_s": 1}] * 2
    grid = {"faults.0.extra_s": [1], "faults.1.extra_s": [2]}
    assert names(faults=faults, grid=grid) == ["faults.0.extra1-faults.1.extra2"]


def test_names_that_would_be_the_same_or_too_long_are_numbered() -> None:
    long = {"machines": [f"machine-number-{n}" for n in range(9)]}
    assert names(list=[long, {"machines": ["A"]}, {"machines": ["a"]}]) == [
        "machines_machine-number-0-machine-number-1-machi-1",
        "machines_A-2",
        "machines_a-3",
    ]


axis = st.sampled_from(
    [
        ("machines", st.integers(1, 50)),
        ("duration_s", st.integers(1, 99) | st.floats(0.001, 99)),
        ("ticks", st.tuples(st.integers(1, 5), st.integers(5, 9)).map(list)),
        ("workload.all", st.integers(0, 9)),
        ("workload.internal", st.integers(1, 9)),
        ("fifo", st.booleans()),
    ]
)


@given(axes=st.lists(axis, unique_by=lambda a: a[0], max_size=4), data=st.data())
def test_names_are_unique_and_can_be_files_whatever_is_swept(
    axes: list[Any], data: st.DataObject
) -> None:
    grid = {name: data.draw(st.lists(values, min_size=1, max_size=3)) for name, values in axes}
    found = [name.lower() for name in names(grid=grid)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,60}", name) for name in found)


def test_sweeping_changes_nothing_but_the_axes() -> None:
    base = {"machines": 4, "duration_s": 9, "clocks": ["vector"]}
    (spec,) = specs(**base, grid={"workload": ["tight"]})
    assert spec.plain() == Spec.parse(base | {"workload": "tight"}).plain()
    assert spec.workload == Workload(3, 3, 4)
