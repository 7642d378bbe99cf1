"""Simulated sweeps on a Dask cluster of processes that share no folder."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import dask
import distributed
import pytest

from cluster import ROOT
from dask_cluster import Cluster, cluster
from orchestrator.cli import main
from sweeps import LIMIT_S, ended, experiment, sweep, tree, undisturbed

#: So many that workers evaluate them, and that there is no page about each.
RUNS = 64
DASK = ["--backend", "simulation", "--pool", "dask"]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), "one", "two", deaths=0) as made:
        yield made


@dataclass(frozen=True)
class Mine:
    """An experiment, and the files of its folder when processes of this computer execute it."""

    path: Path
    files: dict[str, bytes | None]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Mine:
    folder = tmp_path_factory.mktemp("mine")
    path = experiment(folder, f"duration_s = 3\nrepeat = {RUNS}\n")
    undisturbed(path, folder / "here")
    return Mine(path, tree(folder / "here" / "mine"))


def dask_sweep(path: Path, out: Path, used: Cluster, *options: str) -> int:
    """Return the exit code of a sweep on a cluster, executed by this process."""
    with dask.config.set({"scheduler-address": used.address}):
        return main(["run", str(path), *DASK, *options, "--out", str(out)])


def until_some_runs_have_ended(process: Popen[str]) -> None:
    assert process.stdout
    assert any("00 runs;" in line for line in process.stdout)


def leftovers(used: Cluster) -> list[Path]:
    """The directories of runs in the folders of the workers, whole or not."""
    return [path for path in used.folder.rglob("*") if ".vklocks" in str(path)]


def test_a_store_gets_complete_runs_and_this_computer_those_without_logs(
    two: Cluster, mine: Mine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"file://{tmp_path}/store"
    options = ["--jobs", "3", "--store", store]
    assert dask_sweep(mine.path, tmp_path / "out", two, *options) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{RUNS} runs, 3 at a time\n")
    assert f"\nverdicts: {RUNS} hold\n" in out
    stored, small = tree(tmp_path / "store"), tree(tmp_path / "out" / "mine")
    assert stored == {name: content for name, content in mine.files.items() if "-seed" in name}
    kept = {name for name in small if "-seed" in name}
    names = ("", "/metrics.json", "/run.json", "/spec.json", "/verdict.json")
    assert kept == {f"base-seed{seed}{name}" for seed in range(RUNS) for name in names}
    assert {name: small[name] for name in kept} == {name: stored[name] for name in kept}
    # Another store is another experiment.
    assert dask_sweep(mine.path, tmp_path / "out", two, "--store", f"{store}2") == 2
    assert 'holds another experiment of this name: logs "file://' in capsys.readouterr().err


def test_ctrl_c_ends_the_work_of_the_cluster(two: Cluster, tmp_path: Path) -> None:
    # Each of the two long runs keeps a worker busy for half a minute or more.
    path = experiment(tmp_path, "machines = 10\nrepeat = 2\n[grid]\nduration_s = [5, 86400]\n")
    options = ["--pool", "dask"]
    with sweep(path, tmp_path / "out", *options, environment=two.environment) as process:
        assert process.stdout
        assert any("(2 of 4" in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        code, _, err = ended(process)
    assert code == 128 + signal.SIGINT
    assert err == "vklocks: interrupted; 2 runs kept\n"
    assert len(list((tmp_path / "out" / "mine").glob("*-seed*"))) == 2
    assert not [name for name in tree(tmp_path / "out") if "/." in name]
    with distributed.Client(two.address, set_as_default=False) as client:
        # Each worker has one thread, which is free.
        free = [
            client.submit(os.getpid, workers=[worker], pure=False, key=f"free-{worker}")
            for worker in client.scheduler_info()["workers"]
        ]
        assert len({future.result(timeout=LIMIT_S / 3) for future in free}) == 2
        tasks = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
        assert not [task for task in tasks if not task.startswith("free-")]
    assert leftovers(two) == []


def test_a_worker_with_other_code_is_refused_before_any_run(
    two: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    for package in ("vm", "orchestrator", "analysis"):
        shutil.copytree(ROOT / package, other / package)
    with (other / "vm" / "clocks" / "__init__.py").open("a") as file:
        file.write("# changed\n")
    path = experiment(tmp_path, "duration_s = 5\nrepeat = 3\n")
    address = two.add("other", other)
    try:
        assert dask_sweep(path, tmp_path / "out", two) == 3
    finally:
        two.kill("other")
    err = capsys.readouterr().err
    assert err.startswith(
        f"vklocks: other versions compute other runs: worker {address}: vklocks 0.2.0 (sources "
    )
    assert "there, 0.2.0 (sources " in err
    assert list((tmp_path / "out" / "mine").glob("base-seed*")) == []


def test_a_killed_worker_loses_nothing_and_runs_equal_those_of_this_computer(
    two: Cluster, mine: Mine, tmp_path: Path
) -> None:
    options = ["--pool", "dask"]
    with sweep(mine.path, tmp_path / "out", *options, environment=two.environment) as process:
        assert process.stdout
        begin = [next(process.stdout) for _ in range(3)]
        two.kill("two")
        code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert begin[0] == f"{RUNS} runs, as many at a time as there are workers\n"
    assert begin[2] == f"Dask: 2 workers at {two.address}\n"
    assert f"\nverdicts: {RUNS} hold\n" in out
    assert tree(tmp_path / "out" / "mine") == mine.files


def test_without_a_scheduler_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with dask.config.set({"scheduler-address": None}):
        assert main(["run", *DASK, "--duration", "1"]) == 3
    assert "set DASK_SCHEDULER_ADDRESS to the address" in capsys.readouterr().err
    nobody = {"scheduler-address": "tcp://127.0.0.1:1", "distributed.comm.timeouts.connect": "1s"}
    with dask.config.set(nobody):
        assert main(["run", *DASK, "--duration", "1"]) == 3
    assert "no scheduler answers at tcp://127.0.0.1:1 (" in capsys.readouterr().err


def test_two_hundred_runs_with_a_worker_killed_ten_times(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("--nightly"):
        pytest.skip("--nightly")
    path = experiment(tmp_path, "duration_s = 300\nrepeat = 200\n")
    options = ["--pool", "dask"]
    with (
        cluster(tmp_path, "one", "two", deaths=3) as used,
        sweep(path, tmp_path / "out", *options, environment=used.environment) as process,
    ):
        until_some_runs_have_ended(process)
        for _ in range(10):
            used.kill("two")
            used.add("two")
        assert process.poll() is None
        code, out, err = ended(process, 10 * LIMIT_S)
    assert (code, err) == (0, "")
    assert "\nverdicts: 200 hold\n" in out
    assert tree(tmp_path / "out") == undisturbed(path, tmp_path / "here")
    # Those of killed workers are removed by the next one on the same computer.
    assert leftovers(used) == []
