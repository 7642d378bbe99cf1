"""Logs of any program, by a description of what they look like."""

from pathlib import Path

import pytest

from analysis.history.run import InputError
from analysis.logs.finding import find_runs, load

LOGS = {
    "p": "12:00:01.5 [LC 3] SND to q (inbox 0)\n12:00:02.0 [LC 4] LOCAL (inbox 0)\nbye\n",
    "q": "12:00:01.9 [LC 4] RCV from p (inbox 2)\n12:00:03.9 [LC 6] RCV from r (inbox 1)\n",
}
DESCRIPTION = r"""
expression = '^(?<time>\S+) \[LC (?<clock>\d+)\] (?<kind>\w+)( (to|from) (?<peer>\w+))? \(inbox (?<queue>\d+)\)'
time = "%H:%M:%S.%f"
queue = "before"
files = "*.txt"

[kinds]
send = ["SND"]
receive = ["RCV"]
internal = ["LOCAL"]
"""  # noqa: E501 (the lines of a log are as long as they are)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for machine, text in LOGS.items():
        (tmp_path / f"{machine}.txt").write_text(text)
    (tmp_path / "notes.md").write_text(LOGS["p"])
    (tmp_path / "mine.toml").write_text(DESCRIPTION)
    return tmp_path


def test_a_description_is_all_that_is_needed(directory: Path) -> None:
    format_ = str(directory / "mine.toml")
    found = find_runs([directory.parent], format_)
    assert [source.path for source in found if source.format] == [directory]
    run = load(directory, format_)
    assert (run.format, run.machines) == ("described", ("p", "q"))
    names = ["machine", "kind", "at_ns", "queue", "clock_lamport", "to", "sender", "cause", "line"]
    assert run.events.select(names).rows() == [
        ("p", "send", 0, 0, 3, ["q"], None, None, 1),
        ("p", "internal", 500_000_000, 0, 4, None, None, None, 2),
        ("q", "receive", 400_000_000, 1, 4, None, "p", 0, 1),
        ("q", "receive", 2_400_000_000, 0, 6, None, "r", None, 2),
    ]
    assert (run.damage, run.noise) == ((), ((1, "bye", "p.txt", 3),))
    note = "the queue is counted before each receive: defined by the format; one less is shown"
    assert note in run.conventions


def test_without_it_nobody_knows_what_the_logs_say(directory: Path) -> None:
    with pytest.raises(InputError, match=r"its files p\.txt, q\.txt were not recognised as logs"):
        load(directory)


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        ("expression =", "expresion =", "expresion: there is no such field; did you mean express"),
        ("?<clock>", "?<lamport>", "expression: the group clock is needed"),
        ("?<queue>", "?<que>", "expression: there is no group 'que'; did you mean queue?"),
        (r"\w+)(", r"\w+)((", "expression: "),
        ('"%H:%M:%S.%f"', '"minutes"', "time: 'minutes' is neither one of s, ms, us, ns nor like"),
        ('"%H:%M:%S.%f"', "[]", "time: [] is neither one of s, ms, us, ns nor like"),
        ('"%H:%M:%S.%f"', "{a = 1}", "time: {'a': 1} is neither one of s, ms, us, ns nor like"),
        ('"%H:%M:%S.%f"', '"%H:%H"', "time: '%H:%H' is neither one of s, ms, us, ns nor like"),
        ('"%H:%M:%S.%f"', '"%Q"', "time: '%Q' is neither one of s, ms, us, ns nor like"),
        ('"%H:%M:%S.%f"', '"%"', "time: '%' is neither one of s, ms, us, ns nor like"),
        ('"before"', '"during"', "queue: 'during' is neither before nor after"),
        ('"before"', "9" * 5000, "cannot be read: a number has too many digits, or brackets"),
        ('"before"', "[" * 900, "cannot be read: a number has too many digits, or brackets too"),
        ('"before"', '"' + "x" * 70_000 + '"', "it is longer than 65,536 bytes"),
        ('"*.txt"', "7", "files: 7 is not a pattern"),
        ('"*.txt"', '"*.log"', "files: no file is called '*.log'"),
        ('["SND"]', '"SND"', "kinds.send: 'SND' is not a list of texts"),
        ("internal =", "local =", "kinds.local: there are internal, send, receive"),
        ("[kinds]", "[kinds", "is not TOML: "),
        ("expression", "#", "expression: it is needed, with the groups clock and kind"),
    ],
)
def test_what_is_wrong_in_a_description_is_named(
    directory: Path, changed: str, to: str, says: str
) -> None:
    description = directory / "mine.toml"
    description.write_text(DESCRIPTION.replace(changed, to, 1))
    with pytest.raises(InputError) as error:
        load(directory, str(description))
    assert str(directory) in str(error.value)
    assert says in str(error.value)


def test_a_format_that_there_is_not_is_named(directory: Path) -> None:
    with pytest.raises(InputError, match="there is no format 'shivis'; did you mean shiviz"):
        load(directory, "shivis")
    with pytest.raises(InputError, match=r"nowhere.toml cannot be read: No such file"):
        load(directory, str(directory / "nowhere.toml"))
    (directory / "folder.toml").mkdir()
    with pytest.raises(InputError, match=r"folder.toml cannot be read: it is no regular file"):
        load(directory, str(directory / "folder.toml"))


def test_a_format_can_be_forced(directory: Path) -> None:
    with pytest.raises(InputError, match=r"its files p\.txt, q\.txt were not recognised as logs"):
        load(directory, "delimited")


def test_a_queue_below_0_is_no_length_and_no_damage(directory: Path) -> None:
    """A receive of a message that was not there makes it negative."""
    (directory / "q.txt").write_text(LOGS["q"].replace("inbox 2", "inbox -1"))
    format_ = directory / "mine.toml"
    format_.write_text(DESCRIPTION.replace(r"(?<queue>\d+)", r"(?<queue>-?\d+)"))
    run = load(directory, str(format_))
    assert run.events.filter(machine="q")["queue"].to_list() == [None, 0]
    assert run.damage == ()
    assert "1 queue below 0 is no length, and is not used" in run.conventions
