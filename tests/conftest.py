"""Where tests marked `docker` run, wherever an engine answers and always in CI; no deadlines."""

import os
from time import monotonic

import docker
import pytest
from docker.errors import DockerException
from hypothesis import settings

# How long an example takes says more about the computer than about the code.
settings.register_profile("vklocks", deadline=None)
settings.load_profile("vklocks")


BEGUN_S = monotonic()


def _engine_problem() -> str:
    try:
        client = docker.from_env(timeout=5)
        try:
            client.ping()
        finally:
            client.close()
    except DockerException as error:
        return str(error)
    return ""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="try all attacks, not a sample")
    parser.addoption("--within", type=float, help="skip the tests that have not begun after S s")
    parser.addoption("--attack-seed", type=int, help="the seed of the attacks to repeat")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker("docker")]
    if not wanting or os.environ.get("CI") or not (problem := _engine_problem()):
        return
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason=f"no Docker engine answers: {problem}"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    within_s = item.config.getoption("--within")
    if within_s is not None and monotonic() - BEGUN_S > within_s:
        pytest.skip(f"not begun within {within_s:g} s: `make check` runs all tests")
