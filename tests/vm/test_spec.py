import json
from collections import Counter
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.clocks import CLOCKS, full_name
from vm.spec import FIELDS, MAX_TICK_RATE_HZ, Spec, SpecError, draw_schedule, natural_order
from vm.workloads import WORKLOADS, Workload

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,8}", fullmatch=True)
machines = st.lists(names, unique=True, min_size=1, max_size=6).map(
    lambda found: tuple(sorted(found, key=natural_order))
)
rates = st.integers(1, MAX_TICK_RATE_HZ)
#: With their parameters, as in a spec; `encoded` can overflow in runs of these lengths.
clocks = [full_name(kind) for kind in CLOCKS if kind != "encoded"]
specs = machines.flatmap(
    lambda machines: st.builds(
        Spec,
        machines=st.just(machines),
        duration_s=st.integers(1, 600) | st.floats(0.001, 600),
        ticks=st.tuples(rates, rates).map(sorted).map(tuple),
        tick_rates_hz=st.dictionaries(st.sampled_from(machines), rates),
        workload=st.builds(Workload, *[st.integers(0, 9)] * 2, internal=st.integers(1, 9)),
        clocks=st.permutations(clocks).map(tuple),
        seed=st.integers(0, 2**63 - 1),
    )
)


@given(spec=specs)
def test_a_spec_survives_json(spec: Spec) -> None:
    assert Spec.parse(json.loads(json.dumps(spec.plain()))) == spec
    assert set(spec.plain()) == set(FIELDS)


@given(spec=specs)
def test_resolving_changes_what_is_written_and_nothing_that_happens(spec: Spec) -> None:
    resolved = spec.resolved()
    assert set(resolved.tick_rates_hz) == set(spec.machines)
    for machine in spec.machines:
        assert resolved.schedule(machine) == spec.schedule(machine)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("tikcs", (1, 6), "tikcs: there is no such field; did you mean ticks?"),
        ("colour", "red", "colour: there is no such field; there are machines, duration_s"),
        ("machines", 0, "machines: 0 is outside 1..200"),
        ("machines", [], "machines: 0 is outside 1..200"),
        ("machines", 201, "machines: 201 is outside 1..200"),
        ("machines", True, "machines: True is not"),
        ("machines", "vm1", "machines: 'vm1' is not a list of names"),
        ("machines", ["vm1", "vm1"], "machines: 'vm1' is there more than once"),
        ("machines", ["a b"], "machines: 'a b' is not a name"),
        ("machines", ["../x"], "machines: '../x' is not a name"),
        ("duration_s", 0, "duration_s: 0 s is not more than 0"),
        ("duration_s", -1, "duration_s: -1 s is not more than 0"),
        ("duration_s", inf, "duration_s: inf s is not more than 0"),
        ("duration_s", nan, "duration_s: nan s is not more than 0"),
        ("duration_s", True, "duration_s: True is not a number of seconds"),
        ("duration_s", "60", "duration_s: '60' is not a number of seconds"),
        ("ticks", [6, 1], "ticks: the lowest rate comes first: 1-6, not 6-1"),
        ("ticks", [0, 6], "ticks: 0 is outside 1..10000"),
        ("ticks", [1, 2, 3], "ticks: [1, 2, 3] is not a pair"),
        ("ticks", "1-6", "ticks: '1-6' is not a pair"),
        ("ticks", [1.5, 6], "ticks: 1.5 is not a whole number"),
        ("tick_rates_hz", {"vm9": 3}, "tick_rates_hz.vm9: there is no such machine; did you mean"),
        ("tick_rates_hz", {"vm1": 0}, "tick_rates_hz.vm1: 0 is outside 1..10000"),
        ("tick_rates_hz", [3], "tick_rates_hz: [3] is not a table"),
        ("workload", "assignement", "there is no workload 'assignement'; did you mean assignment?"),
        ("workload", {"one": 1}, "is neither a workload's name nor the weights"),
        ("workload", {"one": 0, "all": 0, "internal": 0}, "at least one weight must be more"),
        ("workload", {"one": -1, "all": 0, "internal": 1}, "workload.one: -1 is outside"),
        ("workload", 3, "workload: 3 is neither"),
        ("clocks", [], "clocks: at least one clock is needed: lamport, vector"),
        ("clocks", ["lamprot"], "there is no clock 'lamprot'; did you mean lamport?"),
        ("clocks", "lamport", "clocks: 'lamport' is not a list of clocks: write ['lamport']"),
        ("seed", -1, "seed: -1 is outside"),
        ("seed", 1.0, "seed: 1.0 is not a whole number"),
        ("fifo", 0, "fifo: 0 is neither true nor false"),
        ("latency", {"kind": "constant"}, "latency.delay_s: constant needs it"),
        ("faults", 3, "faults: 3 is not a list of tables"),
        ("faults", [{"kind": "rain"}], "faults.0.kind: there is no 'rain'; there are loss, dup"),
    ],
)
def test_a_wrong_field_is_named_with_what_would_do(field: str, value: Any, says: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({field: value})
    assert says in str(error.value)
    assert error.value.field.startswith(field)


def test_the_defaults_are_the_assignment() -> None:
    assert Spec.parse({}) == Spec.parse(
        {"machines": 3, "duration_s": 60, "ticks": [1, 6], "workload": "assignment"}
    )
    assert Spec().workload == WORKLOADS["assignment"]


def test_rates_are_drawn_uniformly_from_their_range() -> None:
    drawn = Counter(
        Spec(ticks=(1, 6), seed=seed).tick_rate_hz(machine)
        for seed in range(2000)
        for machine in ("vm1", "vm2", "vm3")
    )
    assert set(drawn) == {1, 2, 3, 4, 5, 6}
    assert all(abs(count - 1000) < 100 for count in drawn.values())


@given(spec=specs)
def test_what_a_machine_draws_depends_on_the_seed_and_its_name_alone(spec: Spec) -> None:
    more = Spec(machines=("other", *spec.machines[::-1]), ticks=spec.ticks, seed=spec.seed)
    fewer = Spec(machines=spec.machines[:1], ticks=spec.ticks, seed=spec.seed)
    assert more.schedule(spec.machines[0]) == fewer.schedule(spec.machines[0])


@given(rate=rates, seed=st.integers(0, 2**63 - 1))
def test_the_phase_is_within_one_period(rate: int, seed: int) -> None:
    schedule = draw_schedule(rate, seed, "vm1")
    assert 0 <= schedule.phase_ns < schedule.period_ns


def test_the_draws_of_a_seed_stay_what_they_are() -> None:
    spec = Spec(seed=7)
    drawn = {m: (spec.schedule(m).tick_rate_hz, spec.schedule(m).phase_ns) for m in spec.machines}
    assert drawn == {"vm1": (4, 140414624), "vm2": (6, 154828575), "vm3": (6, 18847116)}


def test_vm10_comes_after_vm2() -> None:
    assert sorted(["vm10", "b", "vm2", "a1b", "a1a"], key=natural_order) == [
        "a1a",
        "a1b",
        "b",
        "vm2",
        "vm10",
    ]


def test_machines_stand_in_the_order_in_which_hosts_put_them() -> None:
    assert Spec.parse({"machines": ["vm10", "b", "vm2"]}).machines == ("b", "vm2", "vm10")


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"kind": value}
    return value


CRASH = {"kind": "crash", "at_s": 1, "machine": "vm1"}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "many names": ({"machines": [f"m{n}" for n in range(100_000)]}, "machines: 100000 is outside"),
    "many faults": ({"faults": [CRASH] * 100_000}, "faults: 100000 faults are more than 1000"),
    "one name twice": ({"machines": ["a", "b", "a"]}, "machines: 'a' is there more than once"),
    "long integer": ({"seed": 16**5000}, "seed: an integer of 20001 bits is outside 0.."),
    "long duration": ({"duration_s": 16**5000}, "duration_s: an integer of 20001 bits s is not m"),
    "long rate": ({"ticks": [16**5000, 1]}, "ticks: an integer of 20001 bits is outside 1..10000"),
    "nested": ({"latency": deep(100_000)}, "latency.kind: there is no {'kind': {'kind': {'kind'"),
    "unprintable": ({"machines": ["\x1b[2J"]}, r"machines: '\x1b[2J' is not a name"),
    "unprintable field": ({"\x1b[2J": 1}, r"\x1b[2J: there is no such field"),
    "long field": ({"x" * 10**6: 1}, "x" * 79 + "…: there is no such field"),
    "long word": ({"workload": "tigth" * 10**5}, "workload: there is no workload 'tigth"),
    "long known word": (
        {"machines": [f"{'m' * 59}{n}" for n in range(200)], "tick_rates_hz": {"x": 1}},
        "tick_rates_hz.x: there is no such machine; there are mmm",
    ),
}


@pytest.mark.parametrize(("plain", "says"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_value_is_refused_in_one_short_line(plain: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        Spec.parse(plain)
    assert str(caught.value).startswith(says)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
