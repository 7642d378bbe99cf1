"""Experiment files as nobody means them: refused in one line with file and line, or started."""

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from cluster import ROOT
from hostile import (
    NUMBERS,
    WORDS,
    Answer,
    answer_of,
    answer_of_process,
    files_below,
    mutated_text,
    picked,
)
from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import Backend
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.backends.simulation import SimulatedRun
from orchestrator.cli import main
from orchestrator.experiments.experiment import MAX_BYTES
from vm.faults import FAULTS
from vm.faults import KEYS as FAULT_KEYS
from vm.latency import KEYS as LATENCY_KEYS
from vm.latency import LATENCIES
from vm.spec import FIELDS

FILES = [path.read_text() for path in sorted((ROOT / "experiments").glob("*.toml"))]
KEYS = (*FIELDS, *FAULT_KEYS, *LATENCY_KEYS, "repeat", "grid", "zip", "list", "kind", "a.b", '"."')
KINDS = (*FAULTS, *LATENCIES)
AXES = (
    *("machines", "duration_s", "ticks", "seed", "workload.one", "latency.median_s", "clocks.0"),
    *("faults.0.at_s", "faults.9999.at_s", "tick_rates_hz.vm1", "ticks.²", "latency", "a" * 200),
)
NAMED = re.compile(
    r"^vklocks: (argument EXPERIMENT|--|[^:]*\.toml(:\d+: | (is|has|cannot|sweeps) ))"
)


def value(random: Random, levels: int = 3) -> str:
    """Return a TOML value, which may be anything, also no value."""
    inner = [value(random, levels - 1) for _ in range(int(random.random() * 4))] if levels else []
    count = int(10 ** (random.random() ** 3 * 5))
    return picked(
        random,
        (
            picked(random, NUMBERS),
            str(int(random.random() * 70)),
            f'"{picked(random, KINDS)}"',
            "'" + picked(random, WORDS).replace("'", "") + "'",
            f"[{', '.join(inner)}]",
            "{" + ", ".join(f"{picked(random, KEYS)} = {one}" for one in inner) + "}",
            f"{[*range(1, count)]}",
            f"{[f'm{number}' for number in range(count)]}",
            '"""\nmachines = 3\n"""',
            picked(random, ("true", "1979-05-27", "07:32:00", "inf", "nan", "0x" + "f" * 900)),
            picked(random, ("[", "{a=")) * count,
        ),
    )


def made(random: Random) -> str:
    """Return a file of entries and tables that may be anything."""
    lines = [f"{picked(random, KEYS)} = {value(random)}" for _ in range(int(random.random() * 4))]
    for _ in range(int(random.random() * 4)):
        table = picked(random, ("[grid]", "[zip]", "[[list]]", "[[faults]]", "[latency]", "[a.b]"))
        entries = [f'"{picked(random, AXES)}" = {value(random)}' for _ in range(2)]
        count = int(10 ** (random.random() ** 2 * 5)) if table == "[[list]]" else 1
        lines += [table, *entries] * min(count, 1 + MAX_BYTES // sum(map(len, entries)))
    return "\n".join(lines)


def fuzzed(random: Random) -> bytes:
    """Return a valid file with changes in its text or its bytes, or another made from nothing."""
    text = picked(random, FILES)
    changed = (
        lambda: mutated_text(random, text).encode(errors="surrogateescape"),
        lambda: _with_bytes(random, text.encode()),
        lambda: _with_value(random, text).encode(errors="surrogateescape"),
        lambda: made(random).encode(errors="surrogateescape"),
    )
    return changed[int(random.random() * len(changed))]()


def _with_bytes(random: Random, content: bytes) -> bytes:
    for _ in range(1 + int(random.random() * 4)):
        at = int(random.random() * len(content))
        content = content[:at] + bytes([int(random.random() * 256)]) + content[at + 1 :]
    return content


def _with_value(random: Random, text: str) -> str:
    """Return a text with a hostile value behind one of its keys."""
    entries = list(re.finditer(r"(?m)^([^#\n=]+= *)(.+)$", text))
    if not entries:
        return value(random)
    entry = entries[int(random.random() * len(entries))]
    return text[: entry.start(2)] + value(random) + text[entry.end(2) :]


def check(answer: Answer) -> None:
    answer.check()
    if answer.code == 2:
        assert NAMED.match(answer.output), answer
        assert answer.output.count("\n") == 1, answer
        assert len(answer.output) < 1000, answer


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated runs that end a command when they are about to begin."""

    def prepare(_say: Callable[[str], None]) -> None:
        raise EnvironmentProblem("all is ready")

    ready = Backend(SimulatedRun, lambda specs: 1, prepare, is_virtual=True)
    monkeypatch.setitem(BACKENDS, "simulation", ready)


@pytest.mark.usefixtures("still")
def test_no_experiment_file_does_harm(
    tmp_path: Path,
    attack_seed: int,
    attacks: Callable[[int, int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    random = Random(attack_seed)
    for number in range(attacks(100, 1000)):
        path, out = tmp_path / f"mine{number}.toml", tmp_path / "runs"
        path.write_bytes(fuzzed(random))
        words = ["run", str(path), "--backend", "simulation", "--out", str(out)]
        check(answer_of(lambda words=words: main(words), str(path), capsys))
        path.unlink()
        assert files_below(tmp_path, out) == set(), path


def test_no_experiment_file_of_a_process_does_harm(
    tmp_path: Path, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    work, random = tmp_path / "work", Random(attack_seed)
    work.mkdir()
    for _ in range(attacks(2, 30)):
        # Without a clock there is no run: what is right in itself is refused, too.
        (work / "mine.toml").write_bytes(fuzzed(random) + b"\n[zip]\nclocks = [[]]\n")
        words = ["run", "mine.toml", "--backend", "simulation"]
        check(answer_of_process("orchestrator", words, work))
        assert files_below(work, work / "mine.toml") == set()
