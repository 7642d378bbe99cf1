"""`vklocks clocks`, as it is typed."""

from pathlib import Path

import polars as pl
import pytest

from orchestrator.cli import main
from others import Delimited
from unruly import unruly
from vm.clocks import CLOCKS, full_name

WORLD = unruly(4, machines=3, acts=150)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "labs" / "one"
    directory.mkdir(parents=True)
    return WORLD.write(directory)


def clocks(*words: object) -> int:
    return main(["clocks", *map(str, words)])


def rows(path: Path) -> pl.DataFrame:
    return pl.read_csv(path)


def test_every_clock_has_a_row(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clocks(run, "--csv", tmp_path / "all.csv") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("\none: 3 machines, ")
    found = rows(tmp_path / "all.csv")
    assert set(map(full_name, CLOCKS)) <= set(found["clock"])
    for name in found["clock"]:
        assert f"\n{name} " in printed
    assert found["point"].unique().to_list() == ["one"]
    vector = found.row(by_predicate=pl.col("clock") == "vector", named=True)
    assert (vector["lost_pairs"], vector["ordered_pairs"]) == (0, 0)
    assert vector["strong_clock_condition"] == "kept"


def test_own_are_the_clocks_of_the_run(run: Path, tmp_path: Path) -> None:
    assert clocks(run, "--clocks", "own,rev:3", "--csv", tmp_path / "own.csv") == 0
    found = rows(tmp_path / "own.csv")["clock"].to_list()
    assert set(found) == {*WORLD.spec.clocks, "rev:3"}


def test_logs_of_other_programs_have_clocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Delimited().write(WORLD, tmp_path)
    assert clocks(tmp_path, "--clocks", "lamport,vector,hlc") == 0
    printed = capsys.readouterr().out
    assert "kept, promised kept, promised\n" in printed
    assert "\nhlc " in printed


def test_several_runs_are_compared_along_their_axis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sizes.toml").write_text("duration_s = 4\nseed = 1\n[grid]\nmachines = [10, 2]\n")
    assert main(["run", "sizes.toml", "--backend", "simulation"]) == 0
    capsys.readouterr()
    given = ("runs/sizes", "--clocks", "lamport,vector,encoded:64", "--csv", "sizes.csv")
    assert clocks(*given) == 0
    printed = capsys.readouterr().out
    assert "2 runs at 2 points; the mean over a point's runs" in printed
    assert "no causal pair is lost" in printed
    # In the order of the numbers, not of the texts.
    assert "\nclock      machines2 machines10\n" in printed
    assert "\nvector          2.00      10.00\n" in printed
    assert "events until a clock stops" in printed
    assert "encoded:64: in 1 run not all values; in machines10-seed1 the first " in printed
    found = rows(Path("sizes.csv"))
    assert found["machines"].to_list() == [2] * 3 + [10] * 3
    assert found["seed"].unique().to_list() == [1]
    Path("runs/sizes/machines2-seed1/vm2.jsonl").unlink()
    assert clocks("runs/sizes", "--clocks", "lamport") == 0
    gaps = [line for line in capsys.readouterr().out.splitlines() if "note: " in line]
    assert any("machines2-seed1: note: there is no log of vm2" in line for line in gaps)
    assert not any("machines10" in line for line in gaps)


def test_all_tables_of_several_runs_are_printed_with_verbose(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    WORLD.write(tmp_path / "labs" / "two")
    assert clocks(tmp_path / "labs", "--clocks", "lamport", "-v") == 0
    printed = capsys.readouterr().out
    assert "\none: 3 machines" in printed
    assert "\ntwo: 3 machines" in printed
    assert "2 runs at 2 points" in printed


def test_a_lost_message_keeps_differential_from_having_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fault = '[[faults]]\nkind = "loss"\nprobability = 0.5\n'
    Path("lossy.toml").write_text(f"duration_s = 10\nseed = 1\n{fault}")
    assert main(["run", "lossy.toml", "--backend", "simulation"]) == 0
    capsys.readouterr()
    assert clocks("runs/lossy", "--clocks", "differential,vector") == 0
    printed = capsys.readouterr().out
    assert (
        "differential: no values: it needs channels that keep order and lose nothing: " in printed
    )
    assert "\nvector " in printed


def test_damage_is_named_below_the_tables(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = run / "vm1.jsonl"
    first, _, *rest = log.read_text().splitlines()
    log.write_text("\n".join([first, "no JSON", *rest]) + "\n")
    assert clocks(run, "--clocks", "lamport") == 0
    assert "note: 1 line not used from vm1.jsonl:2: not JSON" in capsys.readouterr().out


def test_an_unreadable_run_leaves_the_others(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "labs" / "two"
    WORLD.write(bad)
    for log in bad.glob("*.jsonl"):
        log.write_text("{}\n")
    assert clocks(tmp_path / "labs", "--clocks", "lamport") == 2
    said = capsys.readouterr()
    assert "one: 3 machines" in said.out
    assert "two" in said.err


def test_metrics_without_logs_have_no_clocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bare.toml").write_text("duration_s = 4\nseed = 1\n")
    assert main(["run", "bare.toml", "--backend", "simulation", "--no-logs"]) == 0
    capsys.readouterr()
    assert clocks("runs/bare") == 2
    said = capsys.readouterr()
    assert not said.out
    assert ": only its metrics were written, no logs: " in said.err


def test_means_of_estimates_are_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # A wall clock that is set back goes from a machine's events to earlier ones: no prefixes.
    Path("two.toml").write_text(
        'duration_s = 20\nseed = 3\nclocks = ["lamport", "wall"]\n'
        'physical_clocks = { kind = "synchronised", error_s = 2, every_s = 1 }\n'
        "[grid]\nmachines = [6, 7]\n"
    )
    assert main(["run", "two.toml", "--backend", "simulation"]) == 0
    capsys.readouterr()
    assert clocks("runs/two", "--clocks", "lamport,rev:1,wall") == 0
    lamport, rev, wall = (
        next(line for line in table.splitlines() if line.startswith(name))
        for table in [capsys.readouterr().out.partition("share of the concurrent")[2]]
        for name in ("lamport", "rev:1", "wall")
    )
    assert [line.count("≈") for line in (lamport, rev, wall)] == [0, 0, 2]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("--clocks", "lamprt"), "--clocks: there is no clock 'lamprt'; did you mean lamport?"),
        (("--clocks", "rev:0"), "--clocks.rev.entries: 0 is outside 1..1000"),
        (("--csv", "nowhere/x.csv"), "--csv: there is no folder nowhere"),
    ],
)
def test_wrong_use_ends_with_2(
    given: tuple[str, ...], problem: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clocks(run, *given) == 2
    assert problem in capsys.readouterr().err
