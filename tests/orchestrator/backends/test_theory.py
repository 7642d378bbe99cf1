"""What is measured in long simulations is what queueing theory predicts."""

import pytest

from benchmarks.agreement import LONG_S, from_theory, sample


def test_the_simulation_agrees_with_the_theory(pytestconfig: pytest.Config) -> None:
    runs, duration_s = (20, LONG_S) if pytestconfig.getoption("--nightly") else (12, LONG_S / 2)
    long = sample("simulation", runs, duration_s)
    assert not [one for one in from_theory(long, duration_s) if not one.is_explained]
