"""Simulated sweeps in processes of their own, and the files that they leave."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import ROOT
from orchestrator.cli import main
from shortened import COMMAND

LIMIT_S = 60


@contextmanager
def sweep(
    path: Path, out: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A sweep, in a process group of its own that does not outlive the block."""
    arguments = ["run", path, "--backend", "simulation", *options, "--out", out]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], limit_s: float = LIMIT_S) -> tuple[int, str, str]:
    """Exit code, output and errors, once neither the command nor a worker has them open."""
    out, err = process.communicate(timeout=limit_s)
    return process.returncode, out, err


def tree(folder: Path) -> dict[str, Any]:
    """All that is in a folder, hidden or not, with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def experiment(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def undisturbed(path: Path, out: Path) -> dict[str, Any]:
    """What the sweep leaves, made run by run in this process."""
    assert (
        main(["run", str(path), "--backend", "simulation", "--jobs", "1", "--out", str(out)]) == 0
    )
    return tree(out)
