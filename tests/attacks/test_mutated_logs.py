"""Runs of ours whose files somebody changed: each change is found, and blamed on its file alone."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from analysis.evaluation import Verdict, evaluate
from analysis.history.run import InputError
from analysis.logs.finding import load
from damage.folders import BASES, HARMLESS, MUTATIONS, Files, files_of


def judged(files: Files) -> Verdict | str:
    """Return the verdict on the files, or the reason why they are refused."""
    with TemporaryDirectory() as directory:
        for name, lines in files.items():
            text = "".join(f"{line}\n" for line in lines)
            (Path(directory) / name).write_bytes(text.encode(errors="surrogateescape"))
        try:
            return evaluate(load(Path(directory))).verdict
        except InputError as error:
            return str(error).replace(directory, "")


def changed_files(random: Random) -> Iterator[tuple[str, Files, Files]]:
    """Yield changes that applied, of all kinds in turn: what was done, files before and after."""
    for mutation in cycle(sorted(MUTATIONS)):
        seed = random.randrange(2**32)
        draws = Random(seed)
        files = files_of(draws.randrange(len(BASES)), draws.randrange(6))
        before = {name: [*lines] for name, lines in files.items()}
        if MUTATIONS[mutation](draws, files) and before != files:
            yield f"{mutation}, {seed}", before, files


def test_a_changed_file_is_found_and_no_other_is_blamed(
    attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    wrong = list[str]()
    most = attacks(len(MUTATIONS), 2000)
    for done, before, files in islice(changed_files(Random(attack_seed)), most):
        names = [name for name in files if files[name] != before.get(name)]
        if problem := _misjudged(judged(files), names):
            wrong.append(f"{done}: {names}: {problem}")
    assert not wrong, "\n".join(wrong)


def _misjudged(verdict: Verdict | str, names: list[str]) -> str:
    """Return what is wrong with the verdict on files of which those with these names changed."""
    machines = {name.removesuffix(".jsonl") for name in names}
    if isinstance(verdict, str):
        return "" if any(name in verdict for name in names) else f"not named: {verdict}"
    if verdict.state == "holds":
        return "not found"
    blamed = [v for v in verdict.violations if v.machine not in machines]
    if blamed:
        return f"blamed: {blamed[0].check} {blamed[0].machine} {blamed[0].because}"
    if verdict.state == "violated":
        return ""
    unnamed = [why for why in verdict.unchecked if not any(m in why for m in {*machines, *names})]
    return f"not named: {unnamed}" if unnamed else ""


@pytest.mark.parametrize("change", HARMLESS)
def test_what_means_the_same_is_no_finding(change: str, attack_seed: int) -> None:
    random = Random(attack_seed)
    for base in range(len(BASES)):
        files = files_of(base, random.randrange(6))
        name = random.choice(sorted(files))
        files[name] = [HARMLESS[change](random, line) for line in files[name]]
        verdict = judged(files)
        assert isinstance(verdict, Verdict), verdict
        assert (verdict.state, verdict.unchecked) == ("holds", ())


def test_there_are_many_kinds() -> None:
    assert len(MUTATIONS) >= 40
