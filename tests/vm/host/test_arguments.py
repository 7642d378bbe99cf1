"""What is typed, and what is said of what cannot be."""

import json
from dataclasses import replace

import pytest

from vm.host.arguments import read_settings
from vm.latency import Constant
from vm.options import UsageError
from vm.spec import Spec
from vm.workloads import WORKLOADS

BASE = ("vm2", "--port", "1", "--peers", "vm10=h:2,vm1=h:3")


def test_a_spec_is_one_value() -> None:
    loss = {"kind": "loss", "probability": 0.5, "senders": ["vm10"]}
    fields = {"latency": {"kind": "constant", "delay_s": 0.5}, "fifo": False, "faults": [loss]}
    spec = read_settings((*BASE, "--spec", json.dumps(fields))).spec
    assert spec.machines == ("vm1", "vm2", "vm10")
    assert spec.latency == Constant(500_000_000)
    assert not spec.fifo
    assert spec.plain()["faults"][0] | loss == spec.plain()["faults"][0]


WRONG: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "'{' is not JSON"),
    "no object": ("[1]", "'[1]' is not an object of fields"),
    "nested without end": ("[" * 100_000, "is not JSON"),
    "other machines": (
        '{"machines": 2}',
        "--spec: machines: they are not NAME and --peers, vm1, vm2",
    ),
    "unknown field": ('{"fifi": true}', "--spec: fifi: there is no such field; did you mean fifo?"),
    "wrong value": ('{"fifo": 1}', "--spec: fifo: 1 is neither true nor false"),
    "deep inside": (
        '{"faults": [{"kind": "loss", "probability": 2}]}',
        "--spec: faults.0.probability: 2 is not",
    ),
    "unknown machine": (
        '{"faults": [{"kind": "crash", "machine": "vm3", "at_s": 1}]}',
        "--spec: faults.0.machine: there is no machine 'vm3'",
    ),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_field_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings((*BASE, "--spec", text))
    assert says in str(caught.value)


def test_who_comes_back_cannot_ask_peers_for_their_names() -> None:
    with pytest.raises(UsageError, match="--peers: h:5 needs a name with --recover"):
        read_settings(("vm2", "--port", "1", "--peers", "h:5", "--recover"))


def test_options_are_conveniences_over_the_spec() -> None:
    whole = Spec.parse({"machines": ["vm1", "vm2", "vm10"], "seed": 5, "ticks": [2, 3]})
    options = ("--spec", json.dumps(whole.plain()), "--seed", "6", "--max-ticks", "9", "--tight")
    settings = read_settings((*BASE, *options))
    assert settings.spec == replace(whole, seed=6, ticks=(2, 9), workload=WORKLOADS["tight"])
    assert settings.seed == 6
    assert read_settings(BASE).seed is None


def test_a_wrong_option_is_named_as_it_was_typed() -> None:
    for option in ("--ticks", "6-1"), ("--tick-rate", "0"), ("--clocks", "sundial"):
        with pytest.raises(UsageError, match=f"^{option[0]}: "):
            read_settings((*BASE, *option))
