"""Signals at random instants into runs, half of them on a busy computer.

A signal ends the command within LIMIT_S, with its exit code and one sentence, and what is left is
whole. After SIGKILL `vklocks clean` leaves nothing unfinished.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest

from cluster import ROOT, vklocks
from orchestrator.backends.docker import engine

#: From the signal to the end.
LIMIT_S = 15
#: Python itself is interrupted with a traceback before it executes the first line of ours.
PYTHON_STARTS_S = 0.15
#: The longest after the start that a signal is sent; a run and its reports take less.
MAX_INSTANT_S = 8
DURATION_S = 2
GONE_S = 5


@contextmanager
def busy(is_busy: bool) -> Iterator[None]:
    """Two busy loops a core, each for a minute at most."""
    loop = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    with ExitStack() as stack:
        for _ in range(2 * (os.cpu_count() or 1) if is_busy else 0):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", loop]))
            stack.callback(process.kill)
        yield


def left_alive(session: int, marker: str) -> list[str]:
    """Processes of the run: those of its session, and those that work in its folder."""
    listed = subprocess.run(["ps", "-eo", "sid=,args="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 1) for line in listed.stdout.splitlines())
    return [args for sid, args in rows if int(sid) == session or marker in args]


def ends(condition: Callable[[], object]) -> bool:
    """Whether something is over soon."""
    deadline_s = time.monotonic() + GONE_S
    while condition() and time.monotonic() < deadline_s:
        os.sched_yield()
    return not condition()


def unfinished(out: Path) -> list[Path]:
    return list(out.rglob(".*"))


def attack(random: Random, backend: str, number: signal.Signals, out: Path) -> tuple[int, str, int]:
    """Start a run, send it the signal up to three times; return exit code, errors and its id."""
    words = ["run", "--backend", backend, "--duration", DURATION_S, "--ticks", "20-40"]
    with (
        busy(is_busy=random.random() < 0.5),
        subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestrator", *map(str, words), "--out", str(out)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            instant_s = random.uniform(PYTHON_STARTS_S, MAX_INSTANT_S)
            for _ in range(random.randint(1, 3)):
                try:
                    process.wait(instant_s)
                except subprocess.TimeoutExpired:
                    # As a terminal does it: to all processes of the foreground.
                    os.killpg(process.pid, number)
                instant_s = random.uniform(0, 1)
            _, err = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    return process.returncode, err, process.pid


@pytest.mark.parametrize(
    "backend", ["processes", pytest.param("containers", marks=pytest.mark.docker)]
)
def test_a_signal_at_any_instant_ends_the_command_with_one_sentence(
    backend: str, tmp_path: Path, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    random = Random(f"{attack_seed} signals {backend}")
    for number in range(attacks(2, 100)):
        out = tmp_path / f"{number}"
        sent = random.choice([signal.SIGINT, signal.SIGTERM])
        code, err, pid = attack(random, backend, sent, out)
        where = f"attack {number}: {code} {err}"
        assert code in (0, 128 + sent), where
        assert "Traceback" not in err, where
        if code:
            assert err.splitlines()[-1].startswith("vklocks: interrupted"), where
        assert ends(partial(left_alive, pid, str(out))), where
        assert not unfinished(out), where
        for run in out.glob("lab/*/"):
            assert (run / "run.json").exists(), where
        if backend == "containers":
            assert not in_engine_of(pid), where


def in_engine_of(owner: int) -> list[str]:
    """What a process of this computer has left in the engine."""
    with engine.connected() as client:
        lefts = engine.leftovers(client)
    return [left.name for left in lefts if left.owner.endswith(f":{owner}")]


@pytest.mark.docker(alone=True)
@pytest.mark.parametrize("backend", ["processes", "containers"])
def test_after_a_kill_at_any_instant_clean_leaves_nothing(
    backend: str, tmp_path: Path, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    random = Random(f"{attack_seed} kills {backend}")
    for number in range(attacks(1, 100)):
        out = tmp_path / f"{number}"
        out.mkdir()
        code, err, pid = attack(random, backend, signal.SIGKILL, out)
        where = f"attack {number}: {code} {err}"
        assert code in (0, -signal.SIGKILL), where
        assert ends(partial(left_alive, pid, str(out))), where
        done = vklocks("clean", "--out", out)
        assert done.returncode == 0, done.stderr
        assert not unfinished(out), where
        for run in out.glob("lab/*/"):
            assert (run / "run.json").exists(), where
        assert not in_engine_of(pid)
