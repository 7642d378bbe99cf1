"""Lines without an event: noise has no effect, damage may be an event."""

import polars as pl
import pytest

from analysis.history.run import TORN
from analysis.logs.lines.leftover import Left, OtherLines

EVENT = "{n} send to m2 clock={n}"


def judged(
    *texts: str, clocks: dict[int, int], kind: str = "internal", torn: int = 0
) -> tuple[list[str], list[int]]:
    """Return the shapes of noise, and the lines of damage, of a file with events on some lines."""
    others = OtherLines({"a.log": torn} if torn else {})
    others.is_event(EVENT.format(n=1))
    others.left += [Left("a.log", n, text) for n, text in enumerate(texts, 1) if text]
    rows = [("a", "a.log", line, kind, clock) for line, clock in clocks.items()]
    events = pl.DataFrame(rows, ["machine", "file", "line", "kind", "clock"], orient="row")
    noise, damage = others.judged(events)
    return [one.shape for one in noise], [one.line for one in damage]


@pytest.mark.parametrize(
    ("texts", "clocks", "noise", "damage"),
    [
        # A start line, and an end.
        (["machine a up", "", "bye"], {2: 1}, ["machine a up", "bye"], []),
        # An event is missing where the clock goes on by two.
        (["", "%%%%", ""], {1: 1, 3: 3}, [], [2]),
        (["", "%%%%", ""], {1: 1, 3: 2}, ["%%%%"], []),
        # The same shape elsewhere, where nothing is missing, is noise.
        (["beat 1", "", "beat 2", ""], {2: 1, 4: 3}, ["beat …"], []),
        # A line like an event is damaged, also if its clock is cut off or it has been changed.
        (["", "2 send to m2 clo", ""], {1: 1, 3: 3}, [], [2]),
        (["", "2 send to m2 clock=x", ""], {1: 1, 3: 3}, [], [2]),
        (["", "2 send to m2 clock=x", ""], {1: 1, 3: 2}, [], [2]),
        # Bytes that are no text can have been anything.
        (["", "\ufffd\ufffd", ""], {1: 1, 3: 2}, [], [2]),
    ],
)
def test_noise_and_damage_are_told_apart(
    texts: list[str], clocks: dict[int, int], noise: list[str], damage: list[int]
) -> None:
    assert judged(*texts, clocks=clocks) == (noise, damage)


def test_after_receives_a_clock_shows_no_gap() -> None:
    assert judged("", "up", "", clocks={1: 1, 3: 9}, kind="receive") == (["up"], [])


def test_a_last_line_without_an_end_is_torn_if_it_begins_like_an_event() -> None:
    assert judged("", "2 se", clocks={1: 1}, torn=2) == ([], [2])
    assert judged("", "bye", clocks={1: 1}, torn=2) == (["bye"], [])


def test_a_torn_line_says_so() -> None:
    others = OtherLines({"a.log": 2})
    others.refuse("a.log", 2, "the clock cannot be ''")
    assert others.damage[0].reason == f"{TORN}: the clock cannot be ''"


def test_an_ignored_line_is_noise_whatever_it_is_like() -> None:
    others = OtherLines()
    others.is_event(EVENT.format(n=1))
    others.left.append(Left("a.log", 1, EVENT.format(n=2), is_ignored=True))
    columns = ["machine", "file", "line", "kind", "clock"]
    events = pl.DataFrame([("a", "a.log", 2, "send", 9)], columns, orient="row")
    noise, damage = others.judged(events)
    assert (len(noise), damage) == (1, ())


def test_a_line_of_unknown_kind_is_an_event_if_its_clock_moved() -> None:
    columns = ["machine", "file", "line", "kind", "clock"]
    events = pl.DataFrame([("a", "a.log", 2, "send", 1)], columns, orient="row")
    others = OtherLines()
    others.unknown("a.log", 1, "boot", 0)
    others.unknown("a.log", 3, "status", 1)
    others.unknown("a.log", 4, "recieve", 5)
    noise, damage = others.judged(events)
    assert sum(one.lines for one in noise) == 2
    assert [(one.line, one.reason) for one in damage] == [
        (4, "'recieve' is no kind of event that is known")
    ]


@pytest.mark.parametrize(("others", "damage"), [(1, []), (0, [4])])
def test_the_last_record_of_several_logs_is_noise_and_that_of_one_may_be_an_event(
    others: int, damage: list[int]
) -> None:
    """A stop record looks like an event; with the names of machines, its shapes differ."""
    lines = OtherLines()
    lines.is_event("1 a internal event with clock=1")
    files = ["a.log", "b.log"][: 1 + others]
    lines.left += [Left(file, 4, f"9 {file[0]} halt event with clock=3") for file in files]
    rows = [(file[0], file, n, "internal", n) for file in files for n in (1, 2, 3)]
    columns = ["machine", "file", "line", "kind", "clock"]
    _, found = lines.judged(pl.DataFrame(rows, columns, orient="row"))
    assert [one.line for one in found] == damage
