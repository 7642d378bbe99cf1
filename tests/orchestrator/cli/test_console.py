"""What the commands print has an end, and no control characters."""

import sys

import pytest

from orchestrator.cli.console import console_of_output, counting, say
from orchestrator.cli.lines import (
    MAX_COMPLAINTS,
    MAX_OUTPUT,
    bounded_output,
    complain,
    put,
    put_json,
)

#: Beside the limit: the line that names it.
END = 100


@pytest.mark.parametrize("character", ["a", "é", "時", "🕰"])
@pytest.mark.parametrize("length", [1, 1000, 2 * MAX_OUTPUT])
def test_output_ends_after_so_many_bytes_and_says_so(
    character: str, length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with bounded_output():
        for _ in range(2 * MAX_OUTPUT // length):
            put(character * length)
        complain(2, "one")
    printed, err = capsys.readouterr()
    assert len(printed.encode()) <= MAX_OUTPUT + END
    assert printed.endswith("\noutput ends after 90,000 bytes: give fewer runs\n")
    assert printed.count("output ends") == 1
    # The limits of the two streams are apart.
    assert err == "vklocks: one\n"


def test_complaints_end_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with bounded_output():
        for number in range(MAX_COMPLAINTS):
            complain(2, f"{number}")
    _, err = capsys.readouterr()
    assert err.startswith("vklocks: 0\nvklocks: 1\n")
    assert len(err.encode()) <= MAX_COMPLAINTS + END


def test_a_name_between_colons_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say(console_of_output(), "runs/:smile:/[red]x[/red]: holds")
    assert capsys.readouterr().out == "runs/:smile:/[red]x[/red]: holds\n"


def test_short_output_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with bounded_output():
        put("one\x1b[31m")
        print("two", file=sys.stderr)
    assert capsys.readouterr() == ("one\\x1b[31m\n", "two\n")


def test_no_way_to_print_lets_control_characters_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "a\x1b[2Jb\x9b\x7f\u202ec"
    console = console_of_output()
    console.print(hostile, markup=False)
    say(console, hostile)
    put(hostile)
    put_json(hostile)
    complain(3, hostile)
    printed, err = capsys.readouterr()
    for text in (printed, err):
        assert text
        assert all(part.isprintable() for part in text.split("\n"))


def test_silence_has_an_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0, 1, 2, 3.5, 3.5, 4, 7, 7])
    monkeypatch.setattr("orchestrator.cli.console.monotonic", lambda: next(times))
    with counting(console_of_output(), "reports", 5) as advance:
        for _ in range(5):
            advance()
    assert capsys.readouterr().out == "reports: 3 of 5\nreports: 5 of 5\n"
