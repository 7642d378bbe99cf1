"""The command `vklocks` as a benchmark types it."""

import subprocess
import sys
from pathlib import Path


def vklocks(*arguments: object) -> None:
    """Carry the command out; CalledProcessError, with what it said, if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        done.check_returncode()


def only_run(out: Path) -> Path:
    """The one run directory below a folder."""
    (found,) = out.glob("*/*/run.json")
    return found.parent
