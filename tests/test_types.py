"""The types of all packages. Checked by a test, which other tests run beside."""

import subprocess
import sys

from cluster import ROOT


def test_mypy_finds_no_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
