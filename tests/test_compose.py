"""`docker compose up` from a fresh copy of the checkout, as a new user types it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from cluster import ROOT, run_directories

pytestmark = pytest.mark.docker
PROJECT = "vklocks-test"
OWNER = 4321
LIMIT_S = 300
SETTINGS = {"DURATION": "2", "TICKS": "20-30", "SEED": "7", "TIGHT": "1"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what git tracks, owned by somebody who is not root."""
    folder = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, OWNER, OWNER)
    yield folder
    _compose(folder, "down", "--volumes")


def _compose(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", "--project-name", PROJECT, *arguments],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_compose_up_returns_by_itself_and_twice_in_a_row_mixes_nothing(checkout: Path) -> None:
    first = _compose(checkout, "up", "--build", CLOCKS="lamport,vector", **SETTINGS)
    assert first.returncode == 0, first.stdout + first.stderr
    second = _compose(checkout, "up", **(SETTINGS | {"SEED": "8"}))
    assert second.returncode == 0, second.stdout + second.stderr
    runs = [load(directory) for directory in run_directories(checkout / "runs")]
    assert [(run.starts["vm1"].spec.seed, run.starts["vm1"].spec.clocks) for run in runs] == [
        (7, ("lamport", "vector")),
        (8, ("lamport",)),
    ]
    for run in runs:
        found = evaluate(run).verdict
        assert not found.violations
        assert not found.unchecked
        assert {start.spec.duration_s for start in run.starts.values()} == {2}
        assert all(20 <= rate <= 30 for rate in run.tick_rates_hz.values())
        assert f"kept as runs/compose/{run.name}, report in" in first.stdout + second.stdout
        assert (checkout / "runs" / "compose" / run.name / "report.html").exists()
    owners = {path.stat().st_uid for path in (checkout / "runs").rglob("*")}
    assert owners == {checkout.stat().st_uid}


def test_checkouts_in_two_folders_share_nothing(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path / "mine", tmp_path / "yours"):
        folder.mkdir()
        shutil.copyfile(ROOT / "docker-compose.yml", folder / "docker-compose.yml")
        done = subprocess.run(
            ["docker", "compose", "config", "--format", "json"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        plain = json.loads(done.stdout)
        images = {service["image"] for service in plain["services"].values()}
        things = [*plain["volumes"].values(), *plain["networks"].values()]
        names.append({plain["name"], *images, *(thing["name"] for thing in things)})
    assert len(names[0]) == 6
    assert names[0].isdisjoint(names[1])


def test_a_machine_that_is_missing_is_named_and_nothing_is_analysed(checkout: Path) -> None:
    done = _compose(checkout, "up", "vm1", "vm2", STARTUP="1", **SETTINGS)
    said = done.stdout + done.stderr
    assert "vm3 at vm3:50051" in said
    assert "vm1-1 exited with code 3" in said
