"""Conventions found from clocks alone, in labs in every convention and with planted mistakes.

The labs are those of `shapes`, read without a mistake: only conventions and matches are inferred.
"""

import pytest

from analysis.evaluation import evaluate
from analysis.logs.conventions import KINDS
from analysis.logs.foreign import Extract, runs_of
from extracts import judged, lab
from shapes.making import made
from shapes.mistakes import MISTAKES

SAMPLE, ALL = 60, 2000
MISTAKEN, EVERY_MISTAKEN = 3, 60


@pytest.fixture
def nightly(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--nightly"))


def test_conventions_are_found_and_nothing_is_violated(nightly: bool) -> None:
    results = {seed: judged(made(seed)) for seed in range(ALL if nightly else SAMPLE)}
    assert {n: one for n, one in results.items() if one.result == "false"} == {}
    wrong = {n: one for n, one in results.items() if one.result == "not recognised"}
    assert len(wrong) <= len(results) // 50, wrong


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named_and_no_other_machine_is_blamed(
    mistake: str, nightly: bool
) -> None:
    seeds = range(EVERY_MISTAKEN if nightly else MISTAKEN)
    results = {seed: judged(made(seed, mistake)) for seed in seeds}
    assert {n: one for n, one in results.items() if one.result == "false"} == {}
    wrong = {n: one for n, one in results.items() if one.result == "not recognised"}
    assert len(wrong) <= len(results) // 10, wrong


#: Two machines; n sends at 4 and m receives it.
SENT = [("n", "internal", 1, ""), ("n", "internal", 2, ""), ("n", "internal", 3, "")]


def audit(extract: Extract) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return the violated checks, the machines to blame, and the causes."""
    (run,) = runs_of(extract)
    found = evaluate(run).verdict
    violations = found.violations
    return [v.check for v in violations], [v.machine for v in violations], found.causes


def test_a_given_convention_is_not_inferred() -> None:
    steps = [*SENT, ("n", "send", 4, "m"), ("m", "internal", 1, ""), ("m", "receive", 4, "n")]
    checks, machines, _ = audit(lab(*steps))
    assert (set(checks), set(machines)) == ({"clock_rule", "clock_condition"}, {"m"})
    assert audit(lab(*steps, stamp="before"))[0] == ["clock_condition"]
    later = audit(lab(*steps, initial=1, before=frozenset()))[0]
    assert later.count("clock_rule") == 3


def test_kinds_have_their_own_side() -> None:
    """Internal events are logged after, sends and receives before their clocks advance."""
    steps = [
        *(("n", "internal", 1, ""), ("n", "send", 1, "m"), ("n", "internal", 3, "")),
        *(("n", "send", 3, "m"), ("n", "internal", 5, "")),
        *(("m", "receive", 0, "n"), ("m", "internal", 4, ""), ("m", "receive", 4, "n")),
        ("m", "internal", 6, ""),
    ]
    (run,) = runs_of(lab(*steps))
    assert run.events["clock_lamport"].to_list() == [1, 2, 3, 4, 5, 3, 4, 5, 6]
    assert evaluate(run).verdict.state == "holds"


def test_the_clock_after_a_last_receive_is_computed() -> None:
    before = frozenset(KINDS)
    steps = [*SENT, ("n", "send", 4, "m"), ("m", "internal", 0, ""), ("m", "receive", 1, "n")]
    shifted = [(m, kind, clock - (m == "n"), peer) for m, kind, clock, peer in steps]
    (run,) = runs_of(lab(*shifted, before=before))
    assert run.events["clock_lamport"].to_list() == [1, 2, 3, 4, 1, 5]
    assert evaluate(run).verdict.violations == ()


def test_a_send_to_one_receiver_twice_is_no_multicast() -> None:
    twice = [("n", "send", 1, "m"), ("n", "send", 1, "m"), ("n", "internal", 2, "")]
    checks, machines, _ = audit(lab(*twice, ("m", "internal", 1, "")))
    assert ("clock_rule" in checks, set(machines)) == (True, {"n"})


def test_one_machine_that_adds_nothing_is_named() -> None:
    """p receives rightly, so stamps are those after the sends; m takes them over."""
    sends = [("n", "send", clock, "m p") for clock in range(1, 9)]
    right = [("p", "receive", clock + 1, "n") for clock in range(1, 9)]
    wrong = [("m", "receive", clock, "n") for clock in range(1, 9)]
    checks, machines, causes = audit(lab(*sends, *wrong, *right))
    assert (set(checks), set(machines)) == ({"clock_rule", "clock_condition"}, {"m"})
    assert causes == (
        "m: 8 receives read the same as the send: a receive takes a larger stamp over and adds"
        " nothing to it (max(own + 1, stamp))",
    )
