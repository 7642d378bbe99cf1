"""Runs in real containers for tests: the command as a process, and the contents of the engine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from orchestrator.backends.docker.engine import leftovers
from orchestrator.cli import main
from shortened import COMMAND

ROOT = Path(__file__).parents[1]
LIMIT_S = 120


@contextmanager
def command(
    *arguments: object, cwd: Path = ROOT, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """`vklocks` with arguments, in a process of its own that does not outlive the block.

    Runs get shortened reports.
    """
    program = ["-c", COMMAND] if arguments[0] == "run" else ["-m", "orchestrator"]
    with subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def vklocks(
    *arguments: object, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Return exit code, output and errors of the command."""
    with command(*arguments, cwd=cwd, **environment) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_directories(out: Path) -> list[Path]:
    """Return the runs below a folder, and check that each replays."""
    directories = sorted(path.parent for path in out.glob("*/*/run.json"))
    for directory in directories:
        assert main(["replay", str(directory)]) == 0
    return directories


def only_run(out: Path) -> tuple[Path, dict[str, Any]]:
    """Return the one run below a folder, and its run.json."""
    (directory,) = run_directories(out)
    return directory, json.loads((directory / "run.json").read_text())


def in_engine(client: docker.DockerClient, run: str) -> list[str]:
    """Return everything of a run in the engine."""
    return [
        f"{left.kind} {left.name}" for left in leftovers(client) if left.labels["vklocks"] == run
    ]


def first_container(client: docker.DockerClient, out: Path, machine: str) -> Container:
    """Return a machine's container of the run that is written below `out`, once it has started."""
    end_s = int(time.time()) + LIMIT_S
    for event in client.events(decode=True, filters={"event": "start"}, since=0, until=end_s):
        attributes = event["Actor"]["Attributes"]
        if _is_made_in(out, attributes.get("vklocks", "")) and attributes["name"].endswith(
            f"-{machine}"
        ):
            return client.containers.get(event["id"])
    raise AssertionError("the engine's events ended")


def _is_made_in(out: Path, run: str) -> bool:
    return bool(run) and any(out.glob(f"*/.{run}@*"))


def wait_for_line(container: Container, wanted: Callable[[str], bool]) -> None:
    """Return when the container has printed a wanted line."""
    unfinished = ""
    for chunk in container.logs(stream=True, follow=True):
        *lines, unfinished = (unfinished + chunk.decode()).split("\n")
        if any(map(wanted, lines)):
            return
    raise AssertionError(f"{container.name} ended before it printed a wanted line")
