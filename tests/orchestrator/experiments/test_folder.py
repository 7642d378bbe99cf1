import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.experiments.experiment import ExperimentError, parse
from orchestrator.experiments.folder import changes, claim, resolved

BASE: dict[str, Any] = {"machines": 2, "repeat": 3, "grid": {"duration_s": [1, 2]}}
CONSTANT = {"kind": "constant", "delay_s": 1.0}
PAUSE = {"kind": "pause", "at_s": 0.125, "until_s": 0.25, "machine": "vm1"}


def made_of(plain: dict[str, Any], backend: str = "simulation", logs: bool = True) -> Any:
    return resolved(parse("mine", plain), backend, logs)


def test_a_folder_is_claimed_once_and_held_by_the_same_experiment(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"
    claim(folder, "# why\nmachines = 2\n", made_of(BASE))
    (folder / "duration1-seed0").mkdir()
    claim(folder, "# other words\nmachines = 2\n", made_of(BASE))
    assert {path.name for path in folder.iterdir()} == {
        "experiment.toml",
        "experiment.json",
        "duration1-seed0",
    }
    assert (folder / "experiment.toml").read_text() == "# why\nmachines = 2\n"
    assert json.loads((folder / "experiment.json").read_text()) == made_of(BASE)
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"repeat": 4}, ["repeat 3 -> 4"]),
        ({"seed": 7}, ["seed 0 -> 7"]),
        ({"machines": 3}, ['machines ["vm1", "vm2"] -> ["vm1", "vm2", "vm3"]']),
        ({"ticks": [1, 3]}, ["ticks [1, 6] -> [1, 3]"]),
        (
            {"workload": "tight"},
            ["workload.one 2 -> 3", "workload.all 1 -> 3", "workload.internal 7 -> 4"],
        ),
        ({"workload": {"one": 2, "all": 1, "internal": 7}}, []),
        ({"seed": 0, "fifo": True, "ticks": [1, 6]}, []),
        ({"grid": {"duration_s": [2, 1]}}, []),
        ({"grid": {"duration_s": [1, 2, 3]}}, ["duration_s [1, 2] -> [1, 2, 3]"]),
        ({"grid": {"ticks": [[1, 2]]}}, ["duration_s [1, 2] -> none", "ticks none -> [[1, 2]]"]),
        ({"latency": CONSTANT}, [f"latency none -> {json.dumps(CONSTANT)}"]),
        ({"faults": [PAUSE]}, ["faults [] -> " + json.dumps([PAUSE])[:60] + "..."]),
    ],
)
def test_what_has_changed_is_named_with_both_sides(change: dict[str, Any], says: list[str]) -> None:
    assert list(changes(made_of(BASE), made_of(BASE | change))) == says


def test_a_fault_that_has_changed_is_named_by_what_is_other_about_it() -> None:
    before, after = (made_of({"faults": [PAUSE | {"until_s": t}]}) for t in (0.5, 0.75))
    assert list(changes(before, after)) == ["faults.0.until_s 0.5 -> 0.75"]


def test_backend_and_logs_belong_to_the_experiment() -> None:
    assert list(changes(made_of(BASE), made_of(BASE, "containers", logs=False))) == [
        'backend "simulation" -> "containers"',
        "logs true -> false",
    ]


def test_other_pairs_of_the_same_values_are_other_points() -> None:
    one, two, three = ({"duration_s": d, "machines": m} for d, m in ((1, 2), (2, 3), (1, 3)))
    before, after = made_of({"list": [one, two]}), made_of({"list": [one, two, three]})
    assert list(changes(before, after)) == [
        'points ["duration1-machines2", "duration2-machines3"]'
        ' -> ["duration1-machines2", "duration2-machines3", "duration1-ma...'
    ]


def test_a_changed_experiment_is_refused_with_what_changed_and_what_would_do(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "mine"
    claim(folder, "", made_of(BASE))
    with pytest.raises(ExperimentError) as error:
        claim(folder, "", made_of(BASE | {"machines": 3, "repeat": 5}))
    assert str(error.value).startswith(
        f"{folder} holds another experiment of this name: repeat 3 -> 5; machines ["
    )
    assert str(error.value).endswith(
        f"Undo that, rename the file, move {folder} away, or give another --out"
    )
    assert json.loads((folder / "experiment.json").read_text()) == made_of(BASE)


def test_many_changes_are_not_all_listed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    claim(folder, "", made_of(BASE))
    rates = {f"vm{n}": n for n in range(1, 20)}
    with pytest.raises(ExperimentError, match="and 15 more"):
        claim(folder, "", made_of(BASE | {"machines": 19, "tick_rates_hz": rates}))


@pytest.mark.parametrize("left", ["{", "[]", "{}", None])
def test_a_folder_whose_runs_are_unknown_is_refused(tmp_path: Path, left: str | None) -> None:
    (tmp_path / "mine" / "some-run").mkdir(parents=True)
    if left is not None:
        (tmp_path / "mine" / "experiment.json").write_text(left)
    with pytest.raises(ExperimentError, match="so its runs are unknown: move it away"):
        claim(tmp_path / "mine", "", made_of(BASE))


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    claim(tmp_path / "mine", "text", made_of(BASE))
    assert (tmp_path / "mine" / "experiment.toml").read_text() == "text"


specs = st.fixed_dictionaries(
    {},
    optional={
        "machines": st.integers(1, 4),
        "duration_s": st.integers(1, 3),
        "ticks": st.sampled_from([[1, 2], [1, 6]]),
        "seed": st.integers(0, 2),
        "repeat": st.integers(1, 3),
        "fifo": st.booleans(),
        "clocks": st.sampled_from([["lamport"], ["lamport", "vector"]]),
        "zip": st.sampled_from(
            [{"workload.all": [1, 2], "workload.one": [3, 4]}, {"workload.all": [1, 2]}]
        ),
    },
)


@given(one=specs, other=specs)
def test_something_is_named_exactly_if_the_runs_are_others(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    before, after = made_of(one), made_of(other)
    same = parse("mine", one).specs() == parse("mine", other).specs()
    assert (not list(changes(before, after))) == (before == after)
    assert same or before != after


def test_points_of_another_shape_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for points in (3, {"base": 3}, {"base": {"values": 3, "spec": {}}}, {"base": {}}):
        ours = made_of(BASE)
        (tmp_path / "mine" / "experiment.json").write_text(json.dumps(ours | {"points": points}))
        with pytest.raises(ExperimentError, match="so its runs are unknown"):
            claim(tmp_path / "mine", "", ours)
