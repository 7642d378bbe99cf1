"""One machine, many worlds: what is measured in one of them is measured in all."""

import pytest

from benchmarks.agreement import comparisons, sample

REAL_RUNS = 6
SIMULATED_RUNS = 200
DURATION_S = 5


@pytest.mark.docker(alone=True)
def test_simulation_processes_and_containers_agree() -> None:
    samples = {
        "simulation": sample("simulation", SIMULATED_RUNS, DURATION_S, seed=100),
        "processes": sample("processes", REAL_RUNS, DURATION_S),
        "containers": sample("containers", REAL_RUNS, DURATION_S, seed=50),
    }
    unexplained = {
        pair: [one for one in differences if not one.is_explained]
        for pair, differences in comparisons(samples).items()
    }
    assert not any(unexplained.values()), unexplained
