"""The wheel by itself: installed without the checkout, in another folder than the runs."""

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from cluster import ROOT

#: One worker builds the wheel.
together = pytest.mark.xdist_group("wheel")
LIMIT_S = 300
SOURCES = ("Dockerfile", "LICENSE", "README.md", "pyproject.toml", "requirements.lock")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"

Command = Callable[..., str]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, and with the dependencies of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    for file in (*ROOT.glob("*.py"), *(ROOT / name for name in SOURCES)):
        shutil.copyfile(file, sources / file.name)
    for package in ("analysis", "orchestrator", "vm"):
        shutil.copytree(
            ROOT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    _run(sys.executable, "-c", BUILD, folder, cwd=sources)
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "environment", cwd=folder)
    shutil.rmtree(sources)
    (packages,) = (folder / "environment").glob("lib/python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "environment" / "bin" / "python"


@pytest.fixture
def vklocks(python: Path, tmp_path: Path) -> Command:
    """The command of the wheel, in a folder of its own; returns its output."""

    def execute(*arguments: object) -> str:
        return _run(python, "-m", "orchestrator", *arguments, cwd=tmp_path)

    return execute


def _run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _verdicts(folder: Path) -> list[str]:
    return [
        json.loads(file.read_text())["verdict"] for file in folder.glob("runs/*/*/verdict.json")
    ]


@together
def test_no_module_comes_from_the_checkout(python: Path, tmp_path: Path) -> None:
    program = "import analysis, orchestrator, vm; print(analysis, orchestrator, vm)"
    assert str(ROOT) not in _run(python, "-c", program, cwd=tmp_path)


@together
def test_it_executes_and_judges_runs(vklocks: Command, tmp_path: Path) -> None:
    for backend in ("simulation", "processes"):
        vklocks("run", "--backend", backend, "--duration", "2", "--ticks", "5-9")
    assert _verdicts(tmp_path) == ["holds", "holds"]
    assert len(list(tmp_path.glob("runs/lab/*/charts/clock.png"))) == 2
    vklocks("check", "runs")
    vklocks("analyse", "runs")


@together
def test_it_has_the_sources_of_the_machines_image(python: Path, tmp_path: Path) -> None:
    program = "from orchestrator.backends.docker import image; print(image.reference())"
    reference = _run(python, "-c", program, cwd=tmp_path)
    assert reference == _run(sys.executable, "-c", program, cwd=ROOT)


@pytest.mark.docker
def test_it_executes_runs_in_containers(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", "--duration", "2", "--ticks", "5-9")
    assert _verdicts(tmp_path) == ["holds"]
