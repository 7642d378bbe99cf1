"""Ready-made experiments and the schema that editors know them by."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from orchestrator.experiments.experiment import parse, read
from orchestrator.experiments.schema import experiment_schema
from specs import specs
from vm.spec import FIELDS, Spec, SpecError

FOLDER = Path(__file__).parents[3] / "experiments"
FILES = sorted(FOLDER.glob("*.toml"))
VALIDATOR = jsonschema.Draft7Validator(experiment_schema())


def is_valid(plain: Any) -> bool:
    return VALIDATOR.is_valid(plain)


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(experiment_schema())


def test_the_schema_beside_the_experiments_is_fresh() -> None:
    committed = json.loads((FOLDER / "schema.json").read_text())
    assert committed == experiment_schema(), "stale: run `make schema`"


def test_there_are_the_experiments_of_the_course_sweeps_clocks_and_one_for_each_fault() -> None:
    assert {path.stem for path in FILES} == {
        "assignment",
        "smaller-spread",
        "less-internal",
        "order-of-magnitude",
        "saturation",
        "internal-probability",
        "machine-count",
        "network-delay",
        "loss",
        "duplication",
        "delay",
        "delay-not-fifo",
        "partition",
        "pause",
        "crash",
        "restart",
        "clock-sizes",
        "physical-skew",
        "rev-entries",
        "encoded-overflow",
        "hvc-size",
        "replay-clock",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_ready_made_experiment_passes_schema_and_reading(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert first == "#:schema schema.json"
    assert second.startswith("# ")
    jsonschema.validate(tomllib.loads(path.read_text()), experiment_schema())
    experiment = read(path).experiment
    assert len(experiment.specs()) == len(experiment.points) * experiment.repeat


def test_the_assignment_is_five_one_minute_runs_at_1_to_6_ticks() -> None:
    runs = read(FOLDER / "assignment.toml").experiment.specs().values()
    assert [spec.seed for spec in runs] == [0, 1, 2, 3, 4]
    assert all(Spec(seed=spec.seed) == spec for spec in runs)


BROKEN = [
    {"machnies": 3},
    {"machines": 0},
    {"machines": "three"},
    {"machines": ["a b"]},
    {"machines": ["vm1", "vm1"]},
    {"duration_s": 0},
    {"duration_s": "60"},
    {"ticks": [1, 2, 3]},
    {"ticks": [0, 6]},
    {"tick_rates_hz": {"vm1": 0}},
    {"workload": "assignement"},
    {"workload": {"one": 1, "all": 1}},
    {"workload": {"one": 1, "all": 1, "internal": 1, "other": 1}},
    {"clocks": ["lamprot"]},
    {"clocks": []},
    {"seed": -1},
    {"fifo": 1},
    {"latency": {"kind": "constant"}},
    {"latency": {"kind": "constant", "delay_s": 1, "sigma": 1}},
    {"latency": {"kind": "normal", "delay_s": 1}},
    {"faults": [{"kind": "los", "probability": 0.5}]},
    {"faults": [{"kind": "loss"}]},
    {"faults": [{"kind": "loss", "probability": 0}]},
    {"faults": [{"kind": "restart", "machine": "vm1", "at_s": 1}]},
    {"faults": [{"kind": "crash", "machine": "vm1", "until_s": 1}]},
    {"faults": [{"kind": "partition", "groups": [[]]}]},
    {"repeat": 0},
    {"repeat": 100_001},
    {"grid": {"machines": 3}},
    {"grid": {"machines": []}},
    {"grid": {"machines": [0]}},
    {"grid": {"machnies": [1]}},
    {"grid": {"seed": [1]}},
    {"grid": {"workload": {"internal": [1]}}},
    {"zip": {"wrkload.all": [1]}},
    {"list": {"machines": 3}},
    {"list": []},
    {"list": [{"repeat": 3}]},
    {"list": [{"duration_s": -1}]},
]


@pytest.mark.parametrize("plain", BROKEN, ids=str)
def test_what_is_broken_fails_both(plain: dict[str, Any]) -> None:
    assert not is_valid(plain)
    with pytest.raises(SpecError):
        parse("broken", plain)


@given(spec=specs())
@settings(max_examples=50)
def test_whatever_a_spec_is_the_schema_takes_it(spec: Spec) -> None:
    plain = {key: value for key, value in spec.plain().items() if value is not None}
    assert is_valid(plain)
    axes = {name: value for name, value in plain.items() if name != "seed"}
    assert is_valid({"grid": {name: [value] for name, value in axes.items()}})
    assert is_valid({"list": [axes], "zip": {"workload.internal": [1], "faults.0.at_s": [2]}})


def test_every_field_says_what_it_is() -> None:
    properties = experiment_schema()["properties"]
    assert set(FIELDS) < set(properties)
    assert all(properties[name]["description"] for name in properties if name != "list")
