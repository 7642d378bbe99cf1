"""Tests marked `docker` run wherever an engine answers, always in CI; the number of examples."""

import gc
import os
from collections.abc import Iterator
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from time import monotonic

import docker
import pytest
from docker.errors import DockerException
from hypothesis import settings

from engines import Engine, copy_image, engines, join
from orchestrator.backends.docker import engine, image

# How long an example takes says more about the computer than about the code.
settings.register_profile("sample", deadline=None, max_examples=40)
settings.register_profile("nightly", deadline=None, max_examples=400)

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
    parser.addoption("--nightly", action="store_true", help="try all attacks and more examples")
    parser.addoption("--within", type=float, help="skip the tests that have not begun after S s")
    parser.addoption("--attack-seed", type=int, help="the seed of the attacks to repeat")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("nightly" if config.getoption("--nightly") else "sample")


# Modules and collected tests are a million objects, which each full collection would visit.
def pytest_collection(session: pytest.Session) -> None:
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.enable()
    gc.freeze()


# First, as xdist reads the groups in its own hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))
    # They take the longest, and others compute while they wait.
    items.sort(key=lambda item: not item.get_closest_marker("docker"))
    wanting = [item for item in items if item.get_closest_marker("docker")]
    if not wanting or os.environ.get("CI") or not (problem := _engine_problem()):
        return
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason=f"no Docker engine answers: {problem}"))


def _group(item: pytest.Item) -> str:
    """Return a name for the tests that one worker executes, one after the other, or "".

    Runs in containers are one group: a busy engine is late with faults, and two runs that begin in
    the same second could have one name. Engines inside the engine are one group, too.
    """
    if mark := item.get_closest_marker("docker"):
        return "swarm" if mark.kwargs.get("nested") else "containers"
    return "browser" if item.get_closest_marker("browser") else ""


@pytest.fixture(scope="session")
def engine_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A lock that all workers of pytest share; the image is built once, and by one of them."""
    with (tmp_path_factory.getbasetemp().parent / "engine.lock").open("w") as file:
        lock = file.fileno()
        flock(lock, LOCK_EX)
        with engine.connected() as client:
            image.ensure(client, print)
        flock(lock, LOCK_UN)
        yield lock


@pytest.fixture(scope="session")
def nodes(engine_lock: int) -> Iterator[list[Engine]]:
    """Three engines inside the engine, in a swarm, with the image: for `docker(nested=True)`.

    Each is also a remote engine by its address. A test leaves them as it found them.
    """
    flock(engine_lock, LOCK_SH)
    with engines(("node1", "node2", "node3")) as running:
        join(running)
        copy_image(image.reference(), running)
        flock(engine_lock, LOCK_UN)
        yield running


@pytest.fixture(autouse=True)
def engine_share(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give a test marked `docker(alone=True)` the engine for itself; the others share it.

    Such a test kills a command, whose leftovers any other run would remove, or counts late ticks.
    """
    if not (mark := request.node.get_closest_marker("docker")):
        yield
        return
    lock = request.getfixturevalue("engine_lock")
    flock(lock, LOCK_EX if mark.kwargs.get("alone") else LOCK_SH)
    try:
        yield
    finally:
        flock(lock, LOCK_UN)


def pytest_runtest_setup(item: pytest.Item) -> None:
    within_s = item.config.getoption("--within")
    if within_s is not None and monotonic() - BEGUN_S > within_s:
        pytest.skip(f"not begun within {within_s:g} s: `make check` runs all tests")
