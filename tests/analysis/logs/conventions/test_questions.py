"""Readings that explain a log equally: where their verdicts differ, one question decides."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.evaluation import Verdict, evaluate
from analysis.logs.conventions import KINDS
from analysis.logs.conventions.fitting import SIDES
from analysis.logs.description import fields
from analysis.logs.foreign import Extract, runs_of
from analysis.logs.formats import read_settings
from analysis.logs.importers.rows import conventions_of
from extracts import lab

#: Two machines with one line that shows where clocks begin: b receives first.
BEGINS = [("a", "send", 2, "b"), ("a", "internal", 3, ""), ("b", "receive", 3, "a")]
#: b takes the message over on the line after its receive, once.
LATE = [
    *(("a", "internal", 1, ""), ("a", "internal", 2, ""), ("a", "send", 3, "b")),
    *(("b", "internal", 1, ""), ("b", "receive", 2, "a"), ("b", "internal", 5, "")),
]


def verdict_of(extract: Extract) -> Verdict:
    (run,) = runs_of(extract)
    return evaluate(run).verdict


def answered(extract: Extract, answer: str) -> Extract:
    """Return the extract as it is read with settings: `--set a=1 --set b=2`."""
    given_settings = read_settings(answer.removeprefix("--set ").split(" --set "))
    description = fields.parse(fields.overridden({}, given_settings), is_whole=False)
    return replace(extract, given=conventions_of(description))


def answers(question: str) -> list[str]:
    return question.partition(". Check again with ")[2].split(" or ")


@pytest.mark.parametrize(
    ("steps", "asks", "right", "wrong"),
    [
        (BEGINS, "do the clocks begin at 1 or at 0?", "--set initial=1", "--set initial=0"),
        (
            LATE,
            "which is right: the clock is logged before each event, and the clocks begin at 1; or"
            " the clock is logged after each event, and the clocks begin at 0?",
            "--set clock=before --set initial=1",
            "--set clock=after --set initial=0",
        ),
    ],
)
def test_a_question_names_two_readings_and_both_answers(
    steps: list[tuple[str, str, int, str]], asks: str, right: str, wrong: str
) -> None:
    found = verdict_of(lab(*steps))
    assert (found.state, found.violations) == ("inconclusive", ())
    assert found.question.startswith(
        f"{asks} With {right[6:].replace(' --set ', ' and ')}, nothing"
    )
    assert answers(found.question) == [right, wrong]
    assert "clock_rule" not in found.holding
    assert dict(found.unknown)["clock_rule"] == "it depends on the question above"
    assert verdict_of(answered(lab(*steps), right)).state == "holds"
    assert verdict_of(answered(lab(*steps), wrong)).state == "violated"


def test_two_lines_that_agree_where_clocks_begin_are_no_question() -> None:
    found = verdict_of(lab(*BEGINS, ("c", "internal", 2, "")))
    assert (found.state, found.question) == ("holds", "")


def test_equal_readings_that_both_violate_are_no_question() -> None:
    """Each receive reads the same as its send: the rule or the stamps, and wrong in both cases."""
    sends = [("a", "send", clock, "b") for clock in range(1, 4)]
    same = lab(*sends, *(("b", "receive", clock, "a") for clock in range(1, 4)))
    found = verdict_of(same)
    assert ({one.check for one in found.violations}, found.question) == ({"clock_condition"}, "")
    assert found.causes[0].endswith("--set stamp=after is the first, --set stamp=before the second")
    for answer, checks in (
        ("--set stamp=after", {"clock_rule", "clock_condition"}),
        ("--set stamp=before", {"clock_condition"}),
    ):
        there = verdict_of(answered(same, answer))
        assert {one.check for one in there.violations} == checks


@st.composite
def small_labs(draw: st.DrawFn) -> Extract:
    """Return a lab of few lines in any convention, perhaps with one changed clock."""
    initial, lag = draw(st.sampled_from([0, 1])), draw(st.sampled_from([0, 0, 1]))
    before = draw(st.sampled_from(SIDES))
    clocks, inboxes = [initial, initial], (list[int](), list[int]())
    steps = list[tuple[str, str, int, str]]()
    for me, kind in draw(st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(KINDS)))):
        name, other, waiting = "ab"[me], "ab"[1 - me], inboxes[me]
        if kind == "receive" and not waiting:
            continue
        pre = clocks[me]
        clocks[me] = max(pre, waiting.pop(0) if kind == "receive" else 0) + 1
        if kind == "send":
            inboxes[1 - me].append(clocks[me] - lag)
        logged = pre if kind in before else clocks[me]
        steps.append((name, kind, logged, "" if kind == "internal" else other))
    steps = sorted(steps, key=lambda step: step[0])
    assume(steps)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(steps) - 1))
        name, kind, logged, peer = steps[at]
        steps[at] = (name, kind, logged + draw(st.sampled_from([1, 4])), peer)
    # A clock that falls may begin another run.
    assume(all(b >= a or m != n for (m, _, a, _), (n, _, b, _) in pairwise(steps)))
    return lab(*steps)


@given(small_labs())
def test_an_answer_decides_and_leads_to_no_question_again(few: Extract) -> None:
    if not (question := verdict_of(few).question):
        return
    found = {answer: verdict_of(answered(few, answer)) for answer in answers(question)}
    assert {one.question for one in found.values()} == {""}, question
    assert len({one.state == "violated" for one in found.values()}) == 2, question
