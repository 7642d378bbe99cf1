"""Regular expressions of somebody else, under a limit of time."""

from collections.abc import Iterator
from time import process_time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.history.run import InputError
from analysis.logs import expressions
from analysis.logs.expressions import BATCH, MATCH, Expression, are_plain
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


ELEMENTS = [
    "a",
    "b",
    "1",
    " ",
    "-",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    r"\D",
    r"\W",
    ".",
    r"\.",
    "[ab]",
    "[^a-]",
]
ELEMENTS += [r"[\w.:-]", "→", r"\[", "^", "$", "|"]
TIMES = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}?"]
pieces = st.recursive(
    st.builds(str.__add__, st.sampled_from(ELEMENTS), st.sampled_from(TIMES)),
    lambda inner: st.builds(
        lambda begin, inside, end: f"{begin}{''.join(inside)}){end}",
        st.sampled_from(["(", "(?:", "(?<x>", "(?P<y>", "(?<z>"]),
        st.lists(inner, max_size=3),
        st.sampled_from(["", "", "?", "??", "*"]),
    ),
    max_leaves=6,
)
plain_lines = st.text(st.sampled_from([*"ab1 -.:[_\t", "→", "é", "²", "\x1c"]), max_size=12)


@given(parts=st.lists(pieces, max_size=5), lines=st.lists(plain_lines, max_size=6))
def test_a_column_is_searched_as_its_lines_are(parts: list[str], lines: list[str]) -> None:
    try:
        expression = Expression("".join(parts))
    except ValueError:
        return
    if not expression.is_shared:
        return
    column = pl.Series(lines, dtype=pl.String)
    column = column.filter(are_plain(column))
    matches = expression.of_lines(column.to_list())
    found = expression.of_column(column)
    assert found[MATCH].to_list() == [match and match[0] for match in matches]
    for name in expression.groups:
        assert found[name].to_list() == [match and match[name] for match in matches]


OTHERWISE = ["a*+", "(a)+", "(a)*", "(a){2}", "(?=a)", "(?!a)", "(?<=a)", r"(a)\1", "(?>a)", r"\ba"]
OTHERWISE += [r"a\Z", "[[a]", "[a&&b]", "[+--]", "[a~~b]", "[]a]", "(?i)a", "(?x) a", "a{,2}", "é"]
OTHERWISE += [r"\p{L}", r"\<a", r"\h", "(?<x>a)(?<x>b)?", "(?<match>a)", "(?#a)", "a{100}", "a\nc"]


@pytest.mark.parametrize("text", OTHERWISE)
def test_an_expression_with_another_meaning_elsewhere_is_not_shared(text: str) -> None:
    assert not Expression(text).is_shared


def test_a_column_is_searched_for_a_limited_time() -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SEARCH_BASE_S", "SEARCH_S_PER_CHARACTER", "SEARCH_S"):
            patch.setattr(expressions, name, 0)
        expression = Expression(r"(?<number>\d+)")
        with pytest.raises(InputError, match="takes too long"):
            expression.of_column(pl.Series(["a1"] * 1000))


def test_a_column_of_many_bytes_is_searched_in_parts() -> None:
    expression = Expression(r"(?<n>\d+)x$")
    lines = [f"{'a' * (n % 7)}{n}{'x' * (n % 3)}" for n in range(300)]
    column = pl.Series(lines)
    whole = expression.of_column(column)
    with pytest.MonkeyPatch.context() as patch:
        for some in (1, 10, 1000):
            patch.setattr(expressions, "COLUMN_BYTES", some)
            assert expression.of_column(column).equals(whole)
    assert expression.of_column(column.clear()).height == 0
