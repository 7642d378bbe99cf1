"""Signals to a machine before its run and after it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loopback import free_ports

ROOT = Path(__file__).parents[3]
LIMIT_S = 20
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
#: Where a module stops the interpreter until the test has sent its signal.
STOP = "import sys\nprint('here', flush=True)\nsys.stdin.read()\n"


@contextmanager
def machine(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A machine that takes modules from `folder` first."""
    (port,) = free_ports(1)
    with subprocess.Popen(
        [sys.executable, "-m", "vm", "vm1", "--port", str(port), "--log", "log", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    assert any(text in line for line in process.stdout)


@pytest.mark.parametrize("number", CODES)
def test_a_signal_during_imports_ends_a_machine_with_one_sentence(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "grpc.py").write_text(STOP)
    with machine(tmp_path) as process:
        wait_for(process, "here")
        process.send_signal(number)
        assert process.communicate(timeout=LIMIT_S) == (
            "",
            f"vm: {number.name} ended the machine before its run began\n",
        )
    assert process.returncode == CODES[number]


@pytest.mark.parametrize("number", CODES)
def test_a_signal_before_the_run_is_no_run(tmp_path: Path, number: signal.Signals) -> None:
    with machine(tmp_path, "--peers", "vm2=localhost:1") as process:
        wait_for(process, "waits for vm2")
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (out, err) == ("vm1 ends before its run began\n", "")
    assert process.returncode == CODES[number]


@pytest.mark.parametrize("number", CODES)
def test_a_signal_after_the_run_changes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit\natexit.register(lambda: __import__('stop'))\n"
    )
    (tmp_path / "stop.py").write_text(STOP)
    with machine(tmp_path, "--duration", "0.1") as process:
        wait_for(process, "here")
        process.send_signal(number)
        assert process.communicate(timeout=LIMIT_S) == ("", "")
    assert process.returncode == 0
