"""Regular expressions of somebody else, under a limit of time."""

from collections.abc import Iterator
from time import process_time

import pytest

from analysis.history.run import InputError
from analysis.logs.expressions import BATCH, Expression
from analysis.logs.limits import MAX_SEARCH_S


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Expression, "too_long", 0)
        yield


def test_named_groups_are_those_of_python_or_of_javascript() -> None:
    for text in (r"(?P<host>\w+) (?P<event>.*)", r"(?<host>\w+) (?<event>.*)"):
        expression = Expression(text)
        assert expression.groups == {"host", "event"}
        assert expression.search("a b c")["event"] == "b c"
        assert expression.search("") is None


@pytest.mark.parametrize("text", ["(", "(?<a>x", "a{2,1}", "(" * 1000 + ")" * 1000, "a" * 3000])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Expression(text)


@pytest.mark.parametrize(
    "text", ["(?<a>(?R)?x)", "(?1)(x)", "(?+1)(x)", "(?-1)", "(?&a)", "(?P>a)", r"\\(?R)", "(?0)"]
)
def test_recursion_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="recursion"):
        Expression(text)


@pytest.mark.parametrize(
    "text", [r"\(?1", r"\\\(?R", "(?i)x", "(?<a>x)(?(a)y|z)", "(?:x)", "(?-i:x)"]
)
def test_what_only_looks_like_recursion_is_not(text: str) -> None:
    Expression(text)


def test_slow_expressions_in_many_short_logs_end_together() -> None:
    """Each log alone would be searched within the limit."""
    begun_s = process_time()
    for _ in range(20):
        with pytest.raises(InputError, match="takes too long"):
            Expression("(?<host>a+)y").search("a" * 50_000)
    assert process_time() - begun_s < MAX_SEARCH_S


def test_a_search_without_end_ends_and_the_next_ends_sooner() -> None:
    for most_s in (MAX_SEARCH_S + 1, MAX_SEARCH_S / 4 + 1):
        begun_s = process_time()
        with pytest.raises(InputError, match=r"takes too long.*\(a\+\)\+"):
            Expression(r"(.*)*x(.*)*y").search("x" * 50_000)
        assert process_time() - begun_s < most_s


def test_all_matches_are_found_also_beyond_a_batch_and_empty_ones() -> None:
    found = Expression("a").matches("ab" * 3 * BATCH, 2, 6 * BATCH)
    assert [match.start() for match in found] == [*range(2, 6 * BATCH, 2)]
    assert [match.start() for match in Expression("x?").matches("axa", 0, 3)] == [0, 1, 2, 3]
