"""Clocks in specs: names, tables, and the runs that they bear."""

from typing import Any

import pytest

from vm.clocks import CLOCKS
from vm.spec import Spec, SpecError


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["lamport"], ("lamport",)),
        (["rev"], ("rev:4",)),
        (["rev:7", "bloom:10"], ("rev:7", "bloom:10:3")),
        ([{"kind": "rev"}], ("rev:4",)),
        ([{"kind": "bloom", "hashes": 2}], ("bloom:64:2",)),
        (["vector", {"kind": "rev", "entries": 2}, "rev:1"], ("vector", "rev:2", "rev:1")),
    ],
)
def test_clocks_have_full_names(given: list[Any], names: tuple[str, ...]) -> None:
    spec = Spec.parse({"clocks": given})
    assert spec.clocks == names
    assert spec.plain()["clocks"] == list(names)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["lamprot"], "clocks: there is no clock 'lamprot'; did you mean lamport?"),
        ([3], "clocks.0: 3 is neither a clock's name nor a table"),
        ([{"entries": 3}], "clocks.0.kind: it is not there; there are lamport"),
        ([{"kind": "rve"}], "clocks.0.kind: there is no clock 'rve'; did you mean rev?"),
        ([{"kind": "rev", "entires": 3}], "clocks.0.entires: rev has no such parameter; did you"),
        ([{"kind": "lamport", "entries": 3}], "clocks.0.entries: lamport has no such parameter"),
        ([{"kind": "rev", "entries": 0}], "clocks.0.entries: 0 is outside 1..1000"),
        ([{"kind": "rev", "entries": "4"}], "clocks.0.entries: '4' is not a whole number"),
        (["rev:0"], "clocks.rev.entries: 0 is outside 1..1000"),
        (["rev:x"], "clocks.rev.entries: 'x' is not a whole number"),
        (["rev:-1"], "clocks.rev.entries: '-1' is not a whole number"),
        (["rev:4:4"], "clocks: 'rev:4:4' has 2 parameters, not 1"),
        (["rev", "rev:4"], "clocks: 'rev:4' is there more than once"),
        (["lamport", {"kind": "lamport"}], "clocks: 'lamport' is there more than once"),
    ],
)
def test_a_wrong_clock_is_named_with_the_remedy(given: list[Any], says: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({"clocks": given})
    assert says in str(error.value)


LOSS = {"kind": "loss", "probability": 0.5}
DUPLICATION = {"kind": "duplication", "probability": 0.5}
RESTART = {"kind": "restart", "machine": "vm1", "at_s": 1, "until_s": 2}


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"fifo": False}, "clocks.1: differential needs channels that keep order: leave out fifo"),
        ({"faults": [LOSS]}, "clocks.1: differential needs channels without loss: leave out the"),
    ],
)
def test_a_clock_that_the_channels_do_not_bear_is_refused(field: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({"clocks": ["lamport", "differential"], **field})
    assert says in str(error.value)
    others = [kind for kind in CLOCKS if kind != "differential"]
    assert Spec.parse({"clocks": others, **field})


@pytest.mark.parametrize("fault", [DUPLICATION, RESTART], ids=lambda fault: fault["kind"])
def test_copies_and_restarts_are_borne_by_every_clock(fault: dict[str, Any]) -> None:
    assert Spec.parse({"clocks": list(CLOCKS), "faults": [fault]})


def test_a_clock_that_can_overflow_is_refused() -> None:
    spec = {"clocks": ["encoded:64"], "machines": 1, "ticks": [1, 1]}
    assert Spec.parse({**spec, "duration_s": 60})
    with pytest.raises(SpecError) as error:
        Spec.parse({**spec, "duration_s": 70})
    says = "clocks.0: encoded:64: its events can need 71 bits: raise its limit, or shorten the run"
    assert str(error.value) == says
