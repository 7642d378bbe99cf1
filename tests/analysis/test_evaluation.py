"""The state of a verdict, the cases that checks count, and what a run owns."""

import gc
import weakref
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from analysis.checks import CHECKS
from analysis.checks.evidence import Evidence
from analysis.checks.violation import Coverage
from analysis.evaluation import EXIT_CODES, Verdict, evaluate, exit_code
from analysis.history.causality import causality
from analysis.logs import finding
from analysis.logs.own import of_records
from histories import World, worlds
from loading import run_of
from orchestrator.cli import main
from unruly import unruly

HOLDS = Verdict("run", None, (), ())
INCONCLUSIVE = replace(HOLDS, unchecked=("there is no log of vm1",))


@settings(max_examples=30)
@given(world=worlds(kills=True))
def test_every_check_counts_cases_of_which_it_looked_at_some_or_all(world: World) -> None:
    seen = Evidence(run_of(world))
    for name, check in CHECKS.items():
        cases = check.coverage(seen)
        assert 0 <= cases.checked <= cases.total, name
        assert cases.checked == 0 or not cases.why


@settings(max_examples=30)
@given(world=worlds(kills=True))
def test_every_check_is_exactly_one_of_holding_without_cases_unknown_or_violated(
    world: World,
) -> None:
    found = evaluate(run_of(world)).verdict
    unknown = [check for check, _ in found.unknown]
    violated = {violation.check for violation in found.violations}
    assert Counter([*found.holding, *found.without_cases, *unknown, *violated]) == Counter(
        [*CHECKS]
    )


def test_a_history_without_events_is_inconclusive() -> None:
    found = evaluate(run_of(unruly(1, machines=2, acts=0))).verdict
    assert found.state == "inconclusive"
    assert found.unchecked == ("no check found a case to look at",)


def test_the_exit_code_of_several_verdicts_is_that_of_the_worst() -> None:
    assert exit_code([]) == 0
    assert exit_code([HOLDS, HOLDS]) == 0
    assert exit_code([HOLDS, INCONCLUSIVE]) == 2
    violated = evaluate(run_of(without_a_send())).verdict
    assert {violated.state, HOLDS.state, INCONCLUSIVE.state} == set(EXIT_CODES)
    assert exit_code([violated, INCONCLUSIVE, HOLDS]) == 1


def without_a_send() -> World:
    """A history with a receive of an event that was no send."""
    world = unruly(2, machines=2, acts=60)
    events = world.events["vm1"]
    at = next(n for n, event in enumerate(events) if event.kind == "send")
    events[at] = replace(events[at], kind="internal", to=())
    return world


def test_coverage_reads_as_cases() -> None:
    assert str(Coverage(1300, 1300, "receives")) == "1,300 of 1,300 receives"
    assert str(Coverage(0, 0, "receives")) == "no receives"


def test_what_is_derived_from_a_run_goes_with_it() -> None:
    world = unruly(3, machines=3, acts=60)
    run = of_records(Path("run"), {name: world.log(name) for name in world.spec.machines})
    evaluation = evaluate(run)
    assert evaluation.verdict.state == "holds"
    assert evaluation.metrics["machines"]
    known = causality(run)
    assert causality(run) is known is evaluation.evidence.causality
    gone = weakref.ref(known)
    gc.disable()
    try:
        del known, evaluation, run
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("backend", ["simulation", "processes"])
def test_each_run_is_judged_once_and_its_logs_are_recognised_once(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, looked_at = Counter[str](), Counter[str]()
    rule, own = CHECKS["clock_rule"], finding.FORMATS["jsonl"]

    class Counting:
        """The format of our own logs, which counts the logs that it is shown."""

        load = staticmethod(own.load)

        @staticmethod
        def knows(head: str) -> bool:
            if is_known := own.knows(head):
                looked_at[head] += 1
            return is_known

    def count(seen: Evidence) -> Coverage:
        judged[seen.run.name] += 1
        return rule.coverage(seen)

    monkeypatch.setitem(CHECKS, "clock_rule", rule._replace(coverage=count))
    monkeypatch.setitem(finding.FORMATS, "jsonl", Counting())
    given = ("--backend", backend, "--duration", "1", "--repeat", "3", "--out", str(tmp_path))
    assert main(["run", *given]) == 0
    assert list(judged.values()) == [1] * 3
    assert list(looked_at.values()) == [1] * 9
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    for name in judged:
        left = {path.name for path in (folder / name).iterdir()}
        assert left >= {"verdict.json", "metrics.json", "report.html"}
