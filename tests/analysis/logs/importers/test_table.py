"""Our own exports, read again: the verdict is that on the run, as far as the export carries it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import Verdict, evaluate
from analysis.exports import export
from analysis.history.run import InputError
from analysis.logs.finding import load, source_of
from by_hand import internal, receive, run_of, send
from loading import run_of as run_of_world
from unruly import unruly

HEAD = "run,machine,index,kind,main,to,sender,cause,clock_lamport\n"


def comparable(found: Verdict, names: set[str]) -> list[tuple[str, str, int]]:
    violations = (v for v in found.violations if v.check in names)
    return sorted((v.check, v.machine, v.index) for v in violations)


@pytest.mark.parametrize("to", ["csv", "parquet"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), loss=st.sampled_from([0, 0.3]))
def test_a_run_has_the_same_events_and_violations_as_its_export(
    tmp_path_factory: pytest.TempPathFactory, to: str, seed: int, loss: float
) -> None:
    run = run_of_world(unruly(seed, machines=3, acts=60, loss=loss))
    if run.events.is_empty() or {*run.events["machine"]} < {*run.machines}:
        return
    again = load(export(run, to, tmp_path_factory.mktemp("export")).parent)
    assert again.events.drop("run", "lost", "duplicated").equals(
        run.events.drop("run", "lost", "duplicated")
    )
    before, after = evaluate(run).verdict, evaluate(again).verdict
    made = {name for name, _ in after.coverage}
    assert comparable(after, made) == comparable(before, made)


def test_a_violation_is_found_in_the_export_too(tmp_path: Path) -> None:
    logs = {"a": [send(10, 1, "b"), internal(30, 2)], "b": [receive(20, 1, "a", 0)]}
    run = run_of(tmp_path / "run", logs)
    (tmp_path / "out").mkdir()
    found = evaluate(load(export(run, "csv", tmp_path / "out"))).verdict
    assert {(v.check, v.machine) for v in found.violations} == {
        ("clock_rule", "b"),
        ("clock_condition", "b"),
    }


def test_messages_that_vectors_show_are_inferred_again(tmp_path: Path) -> None:
    of_r = [f'r {{"p": 1, "q": 1, "r": {n}}} x' for n in (1, 4)]
    lines = ['p {"p": 1} x', 'q {"q": 1} x', *of_r, ""]
    (tmp_path / "a.log").write_text("\n".join(lines))
    run = load(tmp_path / "a.log")
    (tmp_path / "out").mkdir()
    again = load(export(run, "csv", tmp_path / "out"))
    assert again.joined == run.joined == ((2, 1),)
    assert again.absent == run.absent == {"r": ((1, 2),)}
    assert evaluate(again).verdict.violations == ()


def test_stamps_from_before_the_send_are_recognised(tmp_path: Path) -> None:
    rows = ["r,a,0,send,1,b,,,1", "r,a,1,send,2,b,,,2", "r,b,0,receive,1,,a,0,1"]
    rows += ["r,b,1,receive,2,,a,1,2"]
    (tmp_path / "r.csv").write_text(HEAD + "\n".join(rows) + "\n")
    run = load(tmp_path / "r.csv")
    assert run.stamp_lag == 1
    assert "clock_rule" not in {v.check for v in evaluate(run).verdict.violations}


def test_events_that_the_table_lacks_are_no_violation(tmp_path: Path) -> None:
    rows = ["r,a,0,internal,1,,,,1", "r,a,3,send,4,b,,,4", "r,b,0,receive,3,,a,1,3"]
    (tmp_path / "r.csv").write_text(HEAD + "\n".join(rows) + "\n")
    found = evaluate(load(tmp_path / "r.csv")).verdict
    assert (found.state, found.violations) == ("inconclusive", ())
    assert found.unchecked == ("1 receive of messages of a whose sends are not in its log",)


def test_several_runs_in_a_table_are_several_runs(tmp_path: Path) -> None:
    rows = ["one,a,0,internal,1,,,,1", "two,a,0,internal,1,,,,1"]
    (tmp_path / "all.csv").write_text(HEAD + "\n".join(rows) + "\n")
    runs = source_of(tmp_path / "all.csv").load()
    assert [run.name for run in runs] == ["all.csv#one", "all.csv#two"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("r,a,x,internal,1,,,,1", "not an events table"),
        ("r,a,0,jump,1,,,,1", "1 rows are no events"),
        ("r,a,0,internal,1,,,,", "there is no clock of which every event has a timestamp"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, row: str, problem: str) -> None:
    (tmp_path / "r.csv").write_text(HEAD + row + "\n")
    with pytest.raises(InputError, match=problem):
        load(tmp_path / "r.csv")


def test_parquet_of_other_programs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.parquet").write_bytes(b"PAR1 is not all")
    with pytest.raises(InputError, match="not an events table"):
        load(tmp_path / "r.parquet")
