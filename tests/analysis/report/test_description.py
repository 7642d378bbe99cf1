"""The sentences about a run are true of runs that ended early, too."""

from pathlib import Path

from analysis.report.description import describe, describe_faults
from by_hand import internal, run_of, stop

SECOND_NS = 10**9


def test_a_planned_crash_has_its_planned_time(tmp_path: Path) -> None:
    last = internal(51_900_000_000, 1)
    crash = [{"kind": "crash", "machine": "a", "at_s": 52}]
    run = run_of(tmp_path, {"a": [last], "b": []}, {"a": None}, faults=crash)
    assert list(describe_faults(run)) == ["a killed from 52 s on"]


def test_times_of_faults_are_not_rounded_to_whole_seconds(tmp_path: Path) -> None:
    pause = [{"kind": "pause", "machine": "a", "at_s": 100.5, "until_s": 112.5}]
    run = run_of(tmp_path, {"a": [], "b": []}, faults=pause, duration_s=120)
    assert list(describe_faults(run)) == ["a paused from 100.5 to 112.5 s"]


def test_an_interrupted_run_did_not_run_in_full(tmp_path: Path) -> None:
    ended = {"a": stop(1, reason="terminated")}
    run = run_of(tmp_path, {"a": [internal(7 * SECOND_NS, 1)]}, ended, duration_s=60)
    (first, *_) = describe(run).sentences
    assert first.startswith("1 machine ran for 7 s of 60 s, until the run was stopped. ")
