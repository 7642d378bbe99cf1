"""The table of backends: what a new one needs, and what importing it costs."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from orchestrator.backends import BACKENDS
from orchestrator.cli import main

#: A backend in one file, whose machines end before they log anything.
NEW_BACKEND = """
from orchestrator.backends.backend import Backend
from vm.files import MachineOutcome
from orchestrator.backends.simulation import SimulatedRun

class IdleRun:
    def __init__(self, spec, run):
        self._spec = spec

    def interrupt(self):
        pass

    def execute(self, directory, outcome, report):
        with outcome.phase("run", report):
            outcome.machines = dict.fromkeys(self._spec.machines, MachineOutcome("finished", 0))

IDLE = Backend(IdleRun, jobs=len, prepare=lambda report: report("prepared"))
VIRTUAL = Backend(SimulatedRun, jobs=len, is_virtual=True)
"""


@pytest.fixture(params=["IDLE", "VIRTUAL"])
def new(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new backend, added by one file and one table line."""
    (tmp_path / "new_backend.py").write_text(NEW_BACKEND)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "new_backend", raising=False)
    name = f"new-{request.param.lower()}"
    monkeypatch.setitem(BACKENDS, name, getattr(import_module("new_backend"), request.param))
    return name


def test_a_new_backend_is_one_file_and_one_table_line(
    new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert f",{new}}}" in capsys.readouterr().out
    out = ["--out", str(tmp_path / "runs")]
    assert main(["run", "--backend", new, "--duration", "1", "--seed", "7", *out]) == 0
    printed = capsys.readouterr().out
    assert ("prepared\n" in printed) == (new == "new-idle")
    assert f"vklocks run --backend {new} " in printed
    (recorded,) = (tmp_path / "runs").glob("lab/*/run.json")
    account = json.loads(recorded.read_text())
    assert (account["backend"], account["outcome"]) == (new, "finished")
    assert ("begun_unix_ns" in account) == (new == "new-idle")


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["run", "--duration", "1", "--no-logs", "--backend", "simulation"],
        ["run", "--duration", "0.1", "--machines", "1", "--backend", "processes"],
    ],
    ids=["help", "simulation", "processes"],
)
def test_only_containers_import_the_docker_sdk(tmp_path: Path, command: list[str]) -> None:
    arguments = [*command, *(["--out", str(tmp_path)] if command[0] == "run" else [])]
    code = f"""
import sys
from orchestrator.cli import main, report
report.MAX_CHARTS = 0
try:
    main({arguments!r})
finally:
    assert "orchestrator.backends.docker" in sys.modules
    assert not {{"docker", "requests", "orchestrator.backends.docker.engine"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
