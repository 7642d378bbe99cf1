"""Simulated sweeps on a Ray cluster of two nodes; `make ray` has an environment for them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from shortened import shorten
from sweeps import LIMIT_S, ended, experiment, sweep, tree, undisturbed

pytest.importorskip("ray", reason="Ray is not installed: `make ray`")
DEATHS = 10


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The environment of a command that uses a cluster of two nodes with a worker each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        made.add_node(num_cpus=1)
        yield {**os.environ, "RAY_ADDRESS": made.address}
    finally:
        made.shutdown()


@pytest.fixture(autouse=True)
def _shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


def executing() -> list[psutil.Process]:
    """The workers that execute a run; Ray names its processes by their work."""
    return [one for one in psutil.process_iter(["cmdline"]) if _line(one) == "ray::fulfil"]


def _line(process: Any) -> str:
    return (process.info["cmdline"] or [""])[0]


def busy_workers(sweeping: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the workers that execute runs, as soon as there is one."""
    while not (workers := executing()):
        assert sweeping.poll() is None
    return workers


def test_killed_workers_lose_nothing_and_runs_equal_those_of_this_computer(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    path = experiment(tmp_path, "duration_s = 300\nrepeat = 200\n")
    options = ["--pool", "ray"]
    with sweep(path, tmp_path / "out", *options, environment=environment) as process:
        for _ in range(DEATHS):
            busy_workers(process)[0].kill()
        code, out, err = ended(process, 10 * LIMIT_S)
    assert (code, err) == (0, "")
    assert "Ray: 2 nodes with 2 cores\n" in out
    assert "\nverdicts: 200 hold\n" in out
    assert tree(tmp_path / "out") == undisturbed(path, tmp_path / "here")


def test_ctrl_c_ends_the_work_of_the_cluster(tmp_path: Path, environment: dict[str, str]) -> None:
    # Each of the two long runs keeps a worker busy for half a minute or more.
    path = experiment(tmp_path, "machines = 10\nrepeat = 2\n[grid]\nduration_s = [5, 86400]\n")
    options = ["--pool", "ray"]
    with sweep(path, tmp_path / "out", *options, environment=environment) as process:
        assert process.stdout
        assert any("(2 of 4" in line for line in process.stdout)
        busy = busy_workers(process)
        os.killpg(process.pid, signal.SIGINT)
        code, _, err = ended(process)
    assert code == 128 + signal.SIGINT
    assert err == "vklocks: interrupted; 2 runs kept\n"
    psutil.wait_procs(busy, timeout=LIMIT_S / 6)
    assert executing() == []
