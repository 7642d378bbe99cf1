"""Physical clocks of machines."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import physical
from vm.schedule import SECOND_NS
from vm.spec import Spec, SpecError

instants_ns = st.integers(0, 60 * SECOND_NS)
DRIFT = {"kind": "drift", "max_offset_s": 0.05, "max_drift_ppm": 100}
NTP = {"kind": "synchronised", "error_s": 0.01, "every_s": 16}
DRIFTED_NS = [80696955, 1080782091, 60085805115]
SYNCHRONISED_NS = [14939391, 15014939391, 16018513579, 60002271915]


@given(clocks=physical, seed=st.integers(0, 99), instants=st.lists(instants_ns, min_size=1))
def test_a_reading_is_a_function_of_instant_and_seed(
    clocks: dict[str, Any], seed: int, instants: list[int]
) -> None:
    spec = Spec.parse({"physical_clocks": clocks, "seed": seed})
    one, other = spec.physical_clock("vm2"), spec.physical_clock("vm2")
    read = [one(at_ns) for at_ns in instants]
    assert [other(at_ns) for at_ns in reversed(instants)] == read[::-1]
    largest = {"drift": "max_offset_s", "synchronised": "error_s"}[clocks["kind"]]
    bound_ns = round(clocks[largest] * SECOND_NS) + 1
    bound_ns += round(clocks.get("max_drift_ppm", 0) * spec.duration_ns / 10**6)
    for at_ns, reading_ns in zip(instants, read, strict=True):
        assert type(reading_ns) is int
        assert reading_ns >= 0
        assert abs(reading_ns - at_ns - spec.physical_origin_ns) <= bound_ns
    assert spec.physical_origin_ns <= bound_ns


def test_machines_have_clocks_of_their_own() -> None:
    spec = Spec.parse({"physical_clocks": DRIFT})
    readings = {spec.physical_clock(machine)(SECOND_NS) for machine in spec.machines}
    assert len(readings) == len(spec.machines)


def test_the_seed_fixes_the_readings() -> None:
    """Whole numbers that no platform and no version may change."""
    drift = Spec.parse({"physical_clocks": DRIFT, "seed": 1}).physical_clock("vm1")
    assert [drift(at_s * SECOND_NS) for at_s in (0, 1, 60)] == DRIFTED_NS
    synchronised = Spec.parse({"physical_clocks": NTP, "seed": 1}).physical_clock("vm1")
    assert [synchronised(at_s * SECOND_NS) for at_s in (0, 15, 16, 60)] == SYNCHRONISED_NS


def test_a_synchronised_clock_keeps_its_error_until_it_is_set() -> None:
    read = Spec.parse({"physical_clocks": NTP}).physical_clock("vm1")
    errors = [read(at_s * SECOND_NS) - at_s * SECOND_NS for at_s in range(48)]
    assert len({*errors[:16]}) == len({*errors[16:32]}) == len({*errors[32:]}) == 1
    assert len({*errors}) == 3


def test_machines_without_a_clock_of_their_own_read_the_true_time() -> None:
    spec = Spec.parse({"physical_clocks": {"vm1": NTP}})
    assert spec.physical_clock("vm2")(7) == 7 + spec.physical_origin_ns == 10_000_007
    assert Spec().physical_clock("vm1")(7) == 7


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("drift", "physical_clocks: 'drift' is not a table"),
        ({"kind": "sundial"}, "physical_clocks.kind: there is no 'sundial'"),
        ({"kind": "drift"}, "physical_clocks.max_offset_s: drift needs it"),
        ({"vm9": DRIFT}, "physical_clocks.vm9: there is no such machine"),
        ({"vm1": {"kind": "drift"}}, "physical_clocks.vm1.max_offset_s: drift needs it"),
        ({"vm1": 5}, "physical_clocks.vm1: 5 is not a table"),
        (DRIFT | {"max_drift_ppm": -1}, "physical_clocks.max_drift_ppm: -1 is outside 0..100000"),
        (DRIFT | {"max_offset_s": 3601}, "physical_clocks.max_offset_s: 3601 s is outside 0..3600"),
        (DRIFT | {"max_offset_s": -1}, "physical_clocks.max_offset_s: -1 s is outside 0..3600"),
        ({"max_offset_s": 1}, "physical_clocks.kind: it is not there; there are drift, sync"),
        (DRIFT | {"kind": 3}, "physical_clocks.kind: there is no 3; there are drift, sync"),
        (NTP | {"every_s": 0}, "physical_clocks.every_s: 0 s is less than 0.001"),
        (NTP | {"jitter_s": 0}, "physical_clocks.jitter_s: synchronised has no such field"),
    ],
)
def test_a_wrong_physical_clock_is_named(given: Any, says: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({"physical_clocks": given})
    assert says in str(error.value)


def test_a_table_without_a_kind_is_no_table_by_machine() -> None:
    with pytest.raises(SpecError, match=r"clocks\.kind: it is not there; there are drift, sync"):
        Spec.parse({"physical_clocks": {"max_offset_s": 0.1}})
