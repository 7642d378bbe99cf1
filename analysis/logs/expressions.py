"""Regular expressions from files of other people, searched with a time limit.

For a line of thirty characters, an expression such as `(a+)+` can take practically forever.

Polars searches a column of lines in a time that grows with the text alone, and makes no object for
each match. Some of its rules differ: what is a word or a space beyond ASCII, sets within sets, and
everything that looks around. So it only gets expressions whose signs have one meaning, and lines
of printable ASCII and some signs.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from time import process_time
from typing import Any

import polars as pl
import regex

from analysis.history.run import InputError
from analysis.logs.limits import (
    MAX_EXPRESSION,
    MAX_SEARCH_S,
    SEARCH_BASE_S,
    SEARCH_S,
    SEARCH_S_PER_CHARACTER,
)

#: Matches per search: the time limit counts only the search, not the use of its matches.
BATCH = 1000
#: A group that calls a group: its depth, and so its memory, has no bound.
RECURSION = regex.compile(r"(?<!\\)(?:\\\\)*+\(\?(?:R\)|[+-]?[0-9]|&|P>)")

#: The signs of expressions that mean the same in Polars; a group that is repeated is none of them.
ESCAPED = r"\\(?:[dDsSwW]|[^\w\s<>])"
SET = rf"\[\^?(?:{ESCAPED}|[^][\\&~^-])(?:{ESCAPED}|[^][\\&~-]|-(?!-))*\]"
REPEATED = r"(?:[*+?]|\{[0-9]{1,2}(?:,[0-9]{0,2})?\})\??(?![*+?{])"
ELEMENT = rf"(?:{ESCAPED}|{SET}|[^\\()\[\]{{}}*+?|^$])(?:{REPEATED})?"
GROUP = r"\((?:\?P?<[a-z]+>|\?:)?|\)(?:\?\??)?(?![*+?{])"
SHARED = regex.compile(rf"(?:{ELEMENT}|{GROUP}|[|^$])*+", regex.ASCII)
#: Printable ASCII, and signs such as dashes, quotes and arrows.
PLAIN = r"[\t\x20-\x7e\u2013\u2014\u2018-\u201e\u2022\u2026\u2190-\u23ff\u2500-\u25ff]*"
PLAIN_TEXT = regex.compile(PLAIN)
#: The group around an expression for Polars, and the bytes that it searches at once.
MATCH = "match"
COLUMN_BYTES = 1 << 20


class Expression:
    """An expression with named groups, in the syntax of Python or JavaScript, and its time left.

    ValueError with the reason if it is invalid. After an expression that takes too long, the next
    ones have less time: a folder can hold many.
    """

    too_long = 0

    def __init__(self, text: str, flags: int = 0) -> None:
        if len(text) > MAX_EXPRESSION:
            raise ValueError(f"it has more than {MAX_EXPRESSION:,} characters")
        if RECURSION.search(text):
            raise ValueError("recursion, as in (?R) or (?1), is not supported")
        try:
            self._pattern = regex.compile(text, flags)
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from None
        self._scale = 0.25**Expression.too_long
        self._granted_s = self._left_s = SEARCH_BASE_S * self._scale

    @property
    def groups(self) -> set[str]:
        return set(self._pattern.groupindex)

    @cached_property
    def is_shared(self) -> bool:
        """Whether Polars finds the same with this expression in plain lines."""
        text = self._pattern.pattern
        is_usual = PLAIN_TEXT.fullmatch(text) and SHARED.fullmatch(text)
        if not is_usual or self._pattern.flags & regex.MULTILINE:
            return False
        try:
            pl.Series([""]).str.extract_groups(_for_polars(text))
        except pl.exceptions.ComputeError:
            return False
        return True

    def search(self, text: str, begin: int = 0) -> Any:
        """Return the first match, or None; InputError if the time is up."""
        return next(self.matches(text, begin, len(text), 1), None)

    def of_lines(self, lines: Sequence[str]) -> list[Any]:
        """Return the first match in each line, or None; InputError if the time is up."""
        self._grant(sum(map(len, lines)), len(lines))
        search, found = self._pattern.search, list[Any]()
        begun_s = process_time()
        end_s = begun_s + max(self._left_s, 1e-3)
        try:
            for line in lines:
                found.append(search(line, timeout=max(end_s - process_time(), 1e-3)))
        except TimeoutError:
            raise _too_long() from None
        finally:
            self._left_s -= process_time() - begun_s
        return found

    def of_column(self, lines: pl.Series) -> pl.DataFrame:
        """Return the groups of the first match in each of some plain lines, by name, and MATCH,
        which is null in lines without one; InputError if the time is up."""
        assert self.is_shared
        expression, ends = _for_polars(self._pattern.pattern), lines.str.len_bytes().cum_sum()
        self._grant(int(ends.last() or 0), len(lines))  # type: ignore[arg-type]
        found, low = list[pl.Series](), 0
        while low < len(lines) or not found:
            done = ends[low - 1] if low else 0
            high = max(low + 1, int(ends.search_sorted(done + COLUMN_BYTES)))
            begun_s = process_time()
            found.append(lines[low:high].str.extract_groups(expression))
            self._left_s -= process_time() - begun_s
            if self._left_s < 0:
                raise _too_long()
            low = high
        return pl.concat(found).struct.unnest()

    def _grant(self, characters: int, searches: int = 1) -> None:
        """Add the time to search so many characters, up to the limit of all searches."""
        more_s = (searches * SEARCH_S + characters * SEARCH_S_PER_CHARACTER) * self._scale
        more_s = min(more_s, MAX_SEARCH_S * self._scale - self._granted_s)
        self._granted_s += more_s
        self._left_s += more_s

    def matches(self, text: str, begin: int, end: int, batch: int = BATCH) -> Iterator[Any]:
        """Yield all matches between two positions; InputError if the time is up."""
        self._grant(end - begin)
        # Beyond the end, an empty match at the end would be found again and again.
        while begin <= end and (found := self._some(text, begin, end, batch)):
            yield from found
            begin = found[-1].end() + (found[-1].start() == found[-1].end())

    def _some(self, text: str, begin: int, end: int, batch: int) -> list[Any]:
        begun_s = process_time()
        try:
            search = self._pattern.finditer(text, begin, end, timeout=max(self._left_s, 1e-3))
            return list(islice(search, batch))
        except TimeoutError:
            raise _too_long() from None
        finally:
            self._left_s -= process_time() - begun_s


def are_plain(lines: pl.Series) -> pl.Series:
    """Return which lines hold nothing but the characters of PLAIN."""
    return lines.str.contains(f"^{PLAIN}$")


def _for_polars(expression: str) -> str:
    return f"(?P<{MATCH}>{expression})"


def _too_long() -> InputError:
    Expression.too_long += 1
    return InputError(
        "its expression takes too long: make it unambiguous, without"
        " repetitions of repetitions like (a+)+"
    )
