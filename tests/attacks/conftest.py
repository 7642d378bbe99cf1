"""Attacks: a sample of each in `make test`, all of them in `make nightly`.

Random choices come from `attack_seed`, which pytest prints; `--attack-seed` repeats it.
"""

from collections.abc import Callable
from random import SystemRandom

import pytest

SEED = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    given, nightly = config.getoption("--attack-seed"), config.getoption("--nightly")
    config.stash[SEED] = given if given is not None else _random() if nightly else 1


def _random() -> int:
    return SystemRandom().randrange(2**31)


def pytest_report_header(config: pytest.Config) -> str:
    return f"attacks: --attack-seed {config.stash[SEED]}"


@pytest.fixture
def attack_seed(request: pytest.FixtureRequest) -> int:
    """The seed of all random choices of an attack."""
    return request.config.stash[SEED]


@pytest.fixture
def attacks(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How many attacks to try: `attacks(sample, all)`."""
    nightly = request.config.getoption("--nightly")
    return lambda sample, every: every if nightly else sample


@pytest.fixture
def nightly(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--nightly"):
        pytest.skip("only with --nightly")
