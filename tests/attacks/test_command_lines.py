"""Command lines as nobody means them: refused in one line, and nothing is written elsewhere."""

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from backends import Script
from hostile import (
    NUMBERS,
    WORDS,
    answer_of,
    answer_of_process,
    files_below,
    mutated_text,
    picked,
)
from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import Backend
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.cli import main
from shortened import shorten
from vm.host.arguments import read_settings
from vm.options import UsageError
from vm.quoting import escaped

RUN = "run --backend simulation --machines 3 --duration 1 --ticks 1-6 --workload tight"
OPTIONS = "--clocks lamport,vector --seed 7 --repeat 2 --jobs 1 --out runs"
LINES = (
    f"{RUN} {OPTIONS}",
    f"{RUN} --pool loky --no-logs {OPTIONS}",
    f"run mine.toml --backend processes {OPTIONS}",
    "run mine.toml --backend containers --tight",
    "analyse runs/mine/base-seed0 --json",
    "check runs/mine --format auto",
    "export runs/mine --to shiviz --out runs",
    "replay runs/mine/base-seed0",
    "list --out runs",
    "schema",
    "--version",
)
MACHINE = "vm1 --port 50051 --peers vm2=localhost:50052,vm3=localhost:50053 --run lab --startup 3"
MACHINES = (
    f"{MACHINE} --log runs --listen 127.0.0.1 --tight=1 --min-ticks 3 --max-ticks 4 --tick-rate 5",
    f"{MACHINE} --spec {{'seed':3,'faults':[{{'kind':'pause','at_s':1,'machine':'vm2'}}]}}".replace(
        "'", '"'
    ),
    "machine1 50051 localhost:50052,localhost:50053 --recover --partitions --tether",
)


def fuzzed(random: Random, lines: tuple[str, ...]) -> list[str]:
    """Return a valid command line with one to three of its words changed."""
    words = picked(random, lines).split(" ")
    for _ in range(1 + int(random.random() * 3)):
        at = int(random.random() * (len(words) + 1))
        word = words[at] if at < len(words) else ""
        news = (
            [picked(random, WORDS)],
            [picked(random, NUMBERS)],
            [mutated_text(random, word)],
            [word, word],
            [word, picked(random, WORDS)],
            [],
        )
        words[at : at + 1] = news[int(random.random() * len(news))]
    # No command line has a zero byte, and each word has a limit.
    return [word.replace("\0", "")[:100_000] for word in words]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an experiment and its runs, which is the current one."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    shorten(monkeypatch)
    (work / "mine.toml").write_text("duration_s = 1\nrepeat = 2\n")
    assert main(["run", "mine.toml", "--backend", "simulation", "--jobs", "1"]) == 0
    return work


@pytest.fixture
def still(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, and backends that end a command when its runs are about to begin."""

    def prepare(_say: Callable[[str], None]) -> None:
        raise EnvironmentProblem("all is ready")

    for name, backend in BACKENDS.items():
        ready = Backend(Script(), lambda specs: 1, prepare, is_virtual=backend.is_virtual)
        monkeypatch.setitem(BACKENDS, name, ready)
    return folder


def test_no_command_line_does_harm(
    still: Path,
    attack_seed: int,
    attacks: Callable[[int, int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    random = Random(attack_seed)
    folder = still
    before = files_below(folder.parent, folder / "runs")
    for _ in range(attacks(80, 1000)):
        words = fuzzed(random, LINES)
        answer_of(lambda words=words: main(words), repr(words), capsys).check()
        if "--out" not in words:
            assert files_below(folder.parent, folder / "runs") <= before, words
        before |= files_below(folder.parent, folder / "runs")


def test_no_command_line_of_a_machine_does_harm(
    attack_seed: int, attacks: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    def read(words: list[str]) -> int:
        try:
            read_settings(words)
        except UsageError as error:
            print(f"vm: {escaped(str(error))}", file=sys.stderr)
            return 2
        return 0

    random = Random(attack_seed)
    for _ in range(attacks(200, 1000)):
        words = fuzzed(random, MACHINES)
        answer_of(lambda words=words: read(words), repr(words), capsys).check()


def test_no_command_line_of_a_process_does_harm(
    folder: Path, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    random = Random(attack_seed)
    for _ in range(attacks(2, 40)):
        # A run of a day is a valid one, and would take its time.
        words = fuzzed(random, tuple(line for line in LINES if not line.startswith("run")))
        answer_of_process("orchestrator", words, folder).check()
    for _ in range(attacks(2, 40)):
        words = ["run", "none.toml", *fuzzed(random, (OPTIONS,))]
        answer_of_process("orchestrator", words, folder).check()
