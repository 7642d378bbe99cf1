import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from orchestrator.runner.progress import MAX_LINES, Pace, PlainDisplay, display


class Clock:
    """A time of the test's own."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    with io.StringIO() as text:
        yield text


def lines(out: io.StringIO, pace: Pace) -> PlainDisplay:
    return PlainDisplay(Console(file=out, width=200), pace)


def test_what_is_left_takes_as_long_as_what_is_done_took(clock: Clock) -> None:
    pace = Pace({"a": 10, "b": 30, "c": 60}, None, clock)
    assert pace.summary() == ""
    clock.now_s += 4
    pace.ended |= {"a", "b"}
    assert pace.summary() == "30.0 runs/min, about 6 s left"


def test_runs_in_wall_time_are_paid_for_while_they_run(clock: Clock) -> None:
    pace = Pace(dict.fromkeys("abcd", 60), 2, clock)
    assert pace.summary() == "about 2 min left"
    pace.begins("a")
    clock.now_s += 45
    assert (pace.paid("a"), pace.paid("b")) == (45, 0)
    clock.now_s += 45
    assert pace.paid("a") == 60
    pace.ended.add("a")
    assert pace.summary() == "0.7 runs/min, about 90 s left"


@pytest.mark.parametrize(
    ("left_s", "says"),
    [
        (0, "less than 1 s"),
        (0.9, "less than 1 s"),
        (1, "about 1 s"),
        (9.6, "about 10 s"),
        (99, "about 99 s"),
        (600, "about 10 min"),
        (7200, "about 2.0 h"),
    ],
)
def test_times_are_printed_in_the_unit_that_fits(clock: Clock, left_s: float, says: str) -> None:
    assert Pace({"a": left_s}, 1, clock).summary() == f"{says} left"


def test_of_few_runs_each_has_its_lines(clock: Clock, out: io.StringIO) -> None:
    shown = lines(out, Pace({"a": 60, "b": 60}, 1, clock))
    shown.phase("a", "create")
    shown.phase("a", "run")
    clock.now_s += 60
    shown.done("a", "")
    shown.done("b", "failed: vm1 was killed")
    assert out.getvalue().splitlines() == [
        "a: running for 60 s",
        "a: finished (1 of 2; 1.0 runs/min, about 60 s left)",
        "b: failed: vm1 was killed (2 of 2)",
    ]


@pytest.mark.parametrize("runs", [MAX_LINES + 1, 999, 1000, 12_345])
def test_of_many_runs_a_few_lines_are_printed_in_all(
    clock: Clock, out: io.StringIO, runs: int
) -> None:
    shown = lines(out, Pace({str(n): 1 for n in range(runs)}, None, clock))
    for n in range(runs):
        clock.now_s += 60 / runs
        shown.phase(str(n), "run")
        shown.done(str(n), "")
    printed = out.getvalue().splitlines()
    assert len(printed) <= MAX_LINES + 1
    assert printed[-1] == f"{runs} of {runs} runs"
    assert len(printed) > MAX_LINES / 3
    assert " runs/s, about " in printed[0] or " runs/min, about " in printed[0]


def test_many_fast_runs_have_a_line_per_second_at_most(clock: Clock, out: io.StringIO) -> None:
    shown = lines(out, Pace({str(n): 1 for n in range(100)}, None, clock))
    for n in range(100):
        clock.now_s += 0.025
        shown.done(str(n), "")
    printed = [line.partition(" ")[0] for line in out.getvalue().splitlines()]
    assert printed == ["40", "80", "100"]


def test_nobody_waits_for_a_line_for_long(clock: Clock, out: io.StringIO) -> None:
    shown = lines(out, Pace({str(n): 1 for n in range(1000)}, None, clock))
    for n in range(10):
        clock.now_s += 10
        shown.done(str(n), "")
    assert [line.partition(" ")[0] for line in out.getvalue().splitlines()] == ["4", "8"]


def test_of_many_problems_the_first_ones_are_printed(clock: Clock, out: io.StringIO) -> None:
    shown = lines(out, Pace({str(n): 1 for n in range(500)}, None, clock))
    for n in range(500):
        shown.done(str(n), "failed: no")
    printed = out.getvalue().splitlines()
    assert sum(line.endswith(": failed: no") for line in printed) == MAX_LINES
    assert len(printed) <= 2 * MAX_LINES + 1


def test_a_terminal_gets_a_live_display(out: io.StringIO) -> None:
    console = Console(file=out, force_terminal=True, width=120)
    with display(console, {"a": 60, "b": 60}, speed=1) as shown:
        shown.phase("a", "create")
        shown.phase("a", "run")
        shown.done("a", "")
        shown.done("b", "failed: no")
    assert "a: finished" in out.getvalue()
    assert "b: failed: no" in out.getvalue()


def test_anything_else_gets_plain_lines(out: io.StringIO) -> None:
    with display(Console(file=out), {"a": 60}, speed=1) as shown:
        shown.done("a", "")
    assert out.getvalue() == "a: finished (1 of 1)\n"
