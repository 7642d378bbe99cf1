"""The first Ctrl-C or SIGTERM acts, in this process and in the command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import ROOT
from orchestrator.cli import main
from orchestrator.runner.interrupt import Interrupt, end, on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_only_the_first_signal_acts(number: signal.Signals) -> None:
    acted: list[int] = []
    before = signal.getsignal(number)
    with on_interrupt(acted.append) as caught:
        assert not caught.number
        for sent in (number, signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(sent)
    assert acted == [number]
    assert caught.number == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_exit_code_is_that_of_the_signal(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("orchestrator.cli.upkeep.read_json", interrupted)
    run = tmp_path / "lab" / "run"
    run.mkdir(parents=True)
    (run / "run.json").touch()
    with on_interrupt(end):
        assert main(["list", "--out", str(tmp_path)]) == 128 + number


#: Interrupts itself where Python cannot raise, where a library makes another error of it, and
#: where it is lost altogether.
PLACES = {
    "in a callback": "class Gone:\n    def __del__(self): interrupt()\nGone()\nwhile True: pass\n",
    "as another error": "try: interrupt()\nexcept BaseException: raise ImportError from None\n",
    "lost": "try: interrupt()\nexcept BaseException: pass\n",
}


def command(body: str) -> tuple[int, str]:
    """Execute a command that does this in place of its own, and return exit code and errors."""
    code = f"""
import atexit, signal, sys, types
sys.modules["orchestrator.cli"] = fake = types.ModuleType("fake")
def interrupt():
    signal.raise_signal(signal.SIGINT); signal.raise_signal(signal.SIGTERM)
def main():
{"".join(f"    {line}" + chr(10) for line in body.splitlines())}
    return 0
fake.main = main
from orchestrator.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_an_interrupt_of_imports_is_one_sentence(place: str) -> None:
    assert command(place) == (130, "vklocks: interrupted\n")


def test_after_its_end_a_command_ignores_signals() -> None:
    assert command("atexit.register(interrupt)") == (0, "")


def test_an_interrupt_names_its_signal() -> None:
    with on_interrupt(end), pytest.raises(Interrupt) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
