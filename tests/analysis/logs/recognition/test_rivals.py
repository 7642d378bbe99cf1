"""Two readings that explain logs equally: the logs are read when a setting decides."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.history.run import InputError
from analysis.logs.formats import read_settings
from analysis.logs.recognition.format import RecognisedFormat, group_of
from analysis.logs.recognition.recognise import Recognised, recognise
from analysis.logs.recognition.rivals import question

EVA = [
    "09:00:00.500 | work on my own | LC: 1",
    "09:00:01.000 | sent a message to tom | LC: 2",
    "09:00:01.500 | work on my own | LC: 3",
    "09:00:02.000 | received a message from tom | LC: 6",
    "09:00:02.500 | sent a message to tom | LC: 7",
    "09:00:03.000 | work on my own | LC: 8",
]
TOM = [
    "09:00:00.300 | work on my own | LC: 1",
    "09:00:00.700 | work on my own | LC: 2",
    "09:00:01.100 | received a message from eva | LC: 3",
    "09:00:01.400 | work on my own | LC: 4",
    "09:00:01.800 | sent a message to eva | LC: 5",
    "09:00:02.700 | received a message from eva | LC: 8",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, lines in (("eva.log", EVA), ("tom.log", TOM)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def undecided() -> Recognised:
    """The logs with a rival that takes sends for internal events."""
    some = {"eva.log": [*enumerate(EVA, 1)], "tom.log": [*enumerate(TOM, 1)]}
    found = recognise(some)
    assert found
    assert found.rival is None
    roles = {
        shape: replace(one, kind="internal", peer=None) if one.kind == "send" else one
        for shape, one in found.reading.roles.items()
    }
    return replace(found, reading=replace(found.reading, rival=replace(found.reading, roles=roles)))


def test_the_question_names_the_first_line_that_differs(undecided: Recognised) -> None:
    assert question(undecided) == (
        "two readings explain its logs equally. Answer one question: is eva.log:2 a send to tom at"
        " clock 2 or an internal event at clock 2? Check again with --set reading=1 for the first,"
        " or --set reading=2 for the second"
    )


def test_readings_of_other_conventions_with_the_same_events_do_not_differ(
    undecided: Recognised,
) -> None:
    """Only the clock of the last event depends on the convention."""
    same = replace(undecided.reading, rival=replace(undecided.reading, rival=None))
    assert "last clock of each log" in question(replace(undecided, reading=same))


def test_logs_are_refused_until_a_setting_decides(undecided: Recognised, folder: Path) -> None:
    files = sorted(folder.iterdir())
    with pytest.raises(InputError, match="Answer one question"):
        RecognisedFormat((group_of("", undecided, {}),)).load(folder, files)
    for answer, sends in (("1", 3), ("2", 0)):
        group = group_of("", undecided, read_settings([f"reading={answer}"]))
        (run,) = RecognisedFormat((group,)).load(folder, files)
        assert (run.events["kind"] == "send").sum() == sends


@pytest.mark.parametrize("text", ["reading=3", "reading=one"])
def test_a_setting_of_the_reading_is_1_or_2(text: str) -> None:
    with pytest.raises(InputError, match="neither 1 nor 2"):
        read_settings([text])
