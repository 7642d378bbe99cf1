"""The command `vklocks` for benchmarks."""

import subprocess
import sys
from pathlib import Path


def vklocks(*arguments: object) -> None:
    """Run the command; if it fails, print its output and raise CalledProcessError."""
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
    """Return the only run directory below a folder."""
    (found,) = out.glob("*/*/run.json")
    return found.parent
