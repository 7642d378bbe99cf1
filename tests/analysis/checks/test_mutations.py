"""A valid history raises no alarm; a damaged one does, under the right name."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

import by_hand
from analysis.checks.violation import Violation
from analysis.evaluation import evaluate
from analysis.history.run import InputError
from analysis.logs.finding import load
from damage import FILES, RECORDS
from damage.files import write
from damage.picking import Logs
from histories import World
from unruly import unruly

#: Histories, each changed in each way: in `make test`, and in `make nightly`.
SAMPLE, ALL = 8, 200
#: What is changed often is no longer what seed and spec make of it, too.
PLANNED = frozenset(by_hand.PLANNED)
#: How the reasons begin why something could not be checked, and what else they are called.
REASONS = {
    "there is no log of": "missing",
    "could not be used": "damage",
    "left no stop record": "cut",
    "killed and came back": "returned",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = range(ALL if metafunc.config.getoption("--nightly") else SAMPLE)
    if "seeds" in metafunc.fixturenames:
        metafunc.parametrize("seeds", [every], ids=[f"{len(every)} histories"])
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", every)


@cache
def history(seed: int) -> World:
    random = Random(seed)
    return unruly(
        seed,
        machines=random.randint(2, 4),
        acts=random.choice([60, 120]),
        loss=random.choice([0, 0.2]),
        duplication=random.choice([0, 0.2]),
        fifo=random.random() < 0.7,
    )


def logs_of(world: World) -> Logs:
    return {machine: world.log(machine) for machine in world.spec.machines}


def found_in(directory: Path) -> set[str]:
    """All that a verdict has to say, by name."""
    try:
        run = load(directory)
    except InputError:
        return {"refused"}
    found = evaluate(run).verdict
    for violation in found.violations:
        bears_witness(directory, violation)
    reasons = {
        next(name for begins, name in REASONS.items() if begins in reason)
        for reason in found.unchecked
    }
    torn = {"torn" for damage in run.damage if damage.is_torn}
    offsets = {"clock_offset" for _ in found.offsets}
    unproven = {"unproven" for _ in found.unknown}
    violated = {violation.check for violation in found.violations}
    return violated | reasons | torn | offsets | unproven


def bears_witness(directory: Path, violation: Violation) -> None:
    """The lines of a witness are where it says, and of the events that are involved."""
    assert violation.because
    assert (violation.machine, violation.index) in violation.events
    for line in violation.witness:
        text = (directory / line.file).read_text().splitlines()[line.line - 1]
        assert line.file == f"{line.machine}.jsonl"
        assert json.loads(text)["index"] == line.index
        assert (line.machine, line.index) in violation.events
        assert line.says


def test_a_valid_history_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    write(tmp_path, logs_of(history(seed)))
    assert found_in(tmp_path) == set()


@pytest.mark.parametrize("mutation", RECORDS)
def test_a_damaged_history_is_called_what_it_is(
    mutation: Callable[[Random, Logs], bool], seeds: range
) -> None:
    kind, damaged = RECORDS[mutation], 0
    for seed in seeds:
        logs = logs_of(history(seed))
        if mutation(Random(seed), logs):
            damaged += 1
            with TemporaryDirectory() as directory:
                write(Path(directory), logs)
                found = found_in(Path(directory))
            assert found, f"nothing was found with seed {seed}"
            assert kind.found <= found <= kind.found | kind.beside | PLANNED, f"with seed {seed}"
    assert damaged >= len(seeds) / 5


@pytest.mark.parametrize("mutation", FILES)
def test_damaged_files_are_called_what_they_are(
    mutation: Callable[[Random, Path], None], seeds: range
) -> None:
    kind = FILES[mutation]
    for seed in seeds:
        with TemporaryDirectory() as directory:
            write(Path(directory), logs_of(history(seed)))
            mutation(Random(seed), Path(directory))
            found = found_in(Path(directory))
        assert kind.found <= found <= kind.found | kind.beside | PLANNED, f"with seed {seed}"
