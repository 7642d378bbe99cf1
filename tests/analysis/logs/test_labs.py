"""Published labs in sixteen shapes, read without a description, against the truth about them."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from audited import Audited
from labs import NAMES, VARIATIONS, allows, expected, found

#: Of the true count of a check, this share must be reported: ambiguous receives may hide some.
LEAST_COUNTED = 0.7
#: How many labs try each variation, without --nightly.
FEW = 2
#: Words of the sentence that states a convention.
STATED: dict[tuple[str, Any], str] = {
    ("initial", 1): r"(begin|start|initial).*\b1\b|\b1\b.*(begin|start|initial)",
    ("clock", "before"): r"clock.*before|before.*clock",
    ("stamp", "before"): r"before.*(send|sent|stamp|increment|advance)",
    ("queue", "before"): r"queue.*before|before.*queue",
    ("receive", "max(own + 1, stamp)"): r"adds? (no one|nothing)",
    ("receive", "own + 1; max(own, stamp) on arrival"): r"arriv",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variation" in metafunc.fixturenames:
        metafunc.parametrize(
            ("variation", "lab"), [*_varied(metafunc.config.getoption("--nightly"))]
        )
    elif "lab" in metafunc.fixturenames:
        metafunc.parametrize("lab", NAMES)


def _varied(every: bool) -> Iterable[Any]:
    for n, variation in enumerate(VARIATIONS):
        labs = [lab for lab in NAMES if allows(variation, lab)]
        few = labs if every else [labs[(n * FEW + k) % len(labs)] for k in range(FEW)]
        yield from ((variation, lab) for lab in few)


def runs_of(lab: str, variation: str = "") -> list[tuple[Audited, dict[str, Any]]]:
    """Return the runs of a lab with the truth about each."""
    runs, truths = found(lab, variation), expected(lab)["runs"]
    assert not isinstance(runs, str), f"not recognised: {runs}"
    assert len(runs) == len(truths), f"{len(runs)} runs, {len(truths)} expected"
    return list(zip(runs, truths, strict=True))


def test_the_machines_are_those_of_the_lab(lab: str) -> None:
    for run, truth in runs_of(lab):
        assert set(run.machines) == set(expected(lab)["files"]), "the logs are others"
        for file, name in expected(lab)["files"].items():
            last = words_of(name)[-1]
            assert last in words_of(run.machines[file]), f"the machine of {file}"
        most = set(truth["machines"])
        assert len(run.run.machines) <= len(most), f"{run.run.machines}, expected {most}"


def words_of(name: str) -> list[str]:
    return re.findall(r"\d+|[a-z]+", name, re.IGNORECASE)


def test_each_event_has_its_kind(lab: str) -> None:
    for run, truth in runs_of(lab):
        assert dict(run.kinds) == truth["events"]


def test_the_account_is_true(lab: str) -> None:
    for run, truth in runs_of(lab):
        if truth["left"] is not None:
            assert run.received == truth["received"], run.account
        if truth["sent"] is not None:
            assert (run.account.sent, run.left) == (truth["sent"], truth["left"]), run.account


def test_no_receive_belongs_to_another_send(lab: str) -> None:
    for run, truth in runs_of(lab):
        wrong = {
            at: f"{of}, not {truth['messages'].get(at, 'any that is logged')}"
            for at, of in run.matches.items()
            if truth["messages"].get(at) != of
        }
        assert not wrong


def test_a_receive_that_fits_one_send_belongs_to_it(lab: str) -> None:
    for run, truth in runs_of(lab):
        assert len(run.matches) >= truth["matchable_alone"]


def test_mistakes_are_found_and_nothing_else(lab: str) -> None:
    for run, truth in runs_of(lab):
        violations = truth["violations"]
        assert set(run.checks) <= {*violations, *truth["may"]}, run.verdict
        if run.verdict.state not in truth["also"]:
            for check, count in violations.items():
                most = count if check not in run.verdict.more else run.checks[check]
                assert LEAST_COUNTED * count <= run.checks[check] <= most, (check, run.checks)


def test_the_verdict_is_right(lab: str) -> None:
    for run, truth in runs_of(lab):
        right = [truth["verdict"], *truth["also"]]
        assert run.verdict.state in right, f"{run.verdict}, expected {right}: {truth['reason']}"


def test_unusual_conventions_are_stated(lab: str) -> None:
    for run, _ in runs_of(lab):
        notes = [*run.run.conventions, *run.verdict.causes]
        for convention in expected(lab)["conventions"].items():
            if words := STATED.get(convention):
                stated = any(re.search(words, note) for note in notes)
                assert stated, f"{convention} is not among {notes}"


def test_stamps_lag_behind_as_they_do(lab: str) -> None:
    conventions = expected(lab)["conventions"]
    for run, truth in runs_of(lab):
        if truth["left"] is not None and not (set(truth["violations"]) & {"clock_rule"}):
            assert run.run.stamp_lag == (conventions["stamp"] == "before"), run.run.conventions


def test_queues_are_those_after_the_event(lab: str) -> None:
    for run, _ in runs_of(lab):
        queues = [row["queue"] for row in run.rows if row["kind"] == "receive"]
        if any(queue is not None for queue in queues):
            assert min(queue for queue in queues if queue is not None) == 0


def test_a_lab_in_other_clothes_gets_the_same_answer(variation: str, lab: str) -> None:
    plain = runs_of(lab)
    for (run, _), (same, _) in zip(plain, runs_of(lab, variation), strict=True):
        assert facts(same) == facts(run)


def facts(run: Audited) -> dict[str, Any]:
    """Return everything that does not depend on names and encodings."""
    return {
        "kinds": run.kinds,
        "clocks": {row["at"]: (row["kind"], row["main"], row["queue"]) for row in run.rows},
        "matches": run.matches,
        "checks": run.checks,
        "state": run.verdict.state,
        "account": run.verdict.account,
    }
