"""Options give a spec, and a spec gives the options that repeat it."""

import argparse

import pytest
from hypothesis import given

from specs import specs
from vm.options import OPTIONS, add_options, given_fields, options_of
from vm.spec import Spec


def parsed(words: list[str]) -> Spec:
    parser = argparse.ArgumentParser()
    add_options(parser, OPTIONS)
    return Spec.parse(given_fields(parser.parse_args(words), OPTIONS))


@given(spec=specs())
def test_the_options_of_a_spec_give_it_again_or_there_are_none(spec: Spec) -> None:
    words = options_of(spec)
    if words is None:
        assert spec.latency or spec.faults or not spec.fifo or spec.tick_rates_hz
    else:
        assert parsed(words).resolved() == spec.resolved()


def test_names_weights_and_fractions_are_written_as_they_are_read() -> None:
    words = ["--machines", "a,b", "--duration", "2.5", "--workload", "0,1,2", "--ticks", "3-4"]
    spec = parsed(words)
    assert (spec.machines, spec.duration_s, spec.ticks) == (("a", "b"), 2.5, (3, 4))
    options = options_of(spec) or []
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        **dict(zip(words[::2], words[1::2], strict=True)),
        "--clocks": "lamport",
        "--seed": "0",
    }


@pytest.mark.parametrize("words", [["--machines", "three"], ["--workload", "1,2"], ["--seed", "x"]])
def test_a_wrong_value_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(words)
