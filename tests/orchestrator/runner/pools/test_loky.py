"""Simulated sweeps in worker processes: interrupted, killed, and gone on with."""

import os
import signal
import subprocess
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from shortened import shorten
from sweeps import ended, experiment, sweep, tree, undisturbed


@pytest.fixture(autouse=True)
def _shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


def in_two(path: Path, out: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """A sweep in two workers."""
    return sweep(path, out, "--jobs", "2")


def test_how_many_workers_there_are_makes_no_difference(tmp_path: Path) -> None:
    path = experiment(tmp_path, "duration_s = 5\nrepeat = 7\n[grid]\nmachines = [2, 3]\n")
    with in_two(path, tmp_path / "two") as process:
        code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert "\nverdicts: 14 hold\n" in out
    assert tree(tmp_path / "two") == undisturbed(path, tmp_path / "one")


def test_two_that_make_the_same_runs_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = experiment(tmp_path, "duration_s = 20\nrepeat = 13\n")
    with in_two(path, tmp_path / "two") as one, in_two(path, tmp_path / "two") as other:
        assert [ended(process)[0] for process in (one, other)] == [0, 0]
    assert tree(tmp_path / "two") == undisturbed(path, tmp_path / "one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_whole_runs_and_nobody_at_work(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = experiment(tmp_path, "duration_s = 120\nrepeat = 400\n")
    with in_two(path, tmp_path / "out") as process:
        assert process.stdout
        for line in process.stdout:
            if " of 400 runs" in line:
                break
        # As a terminal does it: to all processes at once.
        os.killpg(process.pid, number)
        code, _, err = ended(process)
    assert code == 128 + number
    assert "Traceback" not in err
    runs = [p for p in (tmp_path / "out" / "mine").iterdir() if "-seed" in p.name]
    assert err == f"vklocks: interrupted; {len(runs)} runs kept\n"
    assert 20 <= len(runs) < 400
    assert not [name for name in tree(tmp_path / "out") if "/." in name]
    assert all((run / "run.json").exists() for run in runs)


def runs_in(folder: Path) -> int:
    return len(list(folder.glob("mine/base-seed*")))


#: So many that workers evaluate them, and that there is no page about each.
RUNS = 64


def kill_at_random(process: subprocess.Popen[str], out: Path, random: Random) -> None:
    """Kill the sweep in a moment in which it has made up to three more runs, unless it ends."""
    wanted = runs_in(out) + random.randint(0, 3)
    left_s = random.uniform(0, 0.05 if wanted > runs_in(out) else 1)
    while process.poll() is None and left_s > 0:
        begun_s = monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(0.005, left_s))
        if runs_in(out) >= wanted:
            left_s -= monotonic() - begun_s
    process.kill()


def test_a_sweep_that_is_killed_at_any_instant_goes_on_to_the_same_end(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kills = 12 if pytestconfig.getoption("--nightly") else 4
    seed = Random().randrange(10**6)
    print(f"{seed=}")
    random = Random(seed)
    path = experiment(tmp_path, f"duration_s = 20\nrepeat = {RUNS}\n")
    out = tmp_path / "killed"
    interrupted = 0
    for _ in range(kills):
        with in_two(path, out) as process:
            kill_at_random(process, out, random)
            # Returns when nobody is at work any more.
            ended(process)
        interrupted += runs_in(out) < RUNS
    assert interrupted >= kills / 2
    with in_two(path, out) as process:
        assert ended(process)[0] == 0
    assert runs_in(out) == RUNS
    assert tree(out) == undisturbed(path, tmp_path / "undisturbed")
