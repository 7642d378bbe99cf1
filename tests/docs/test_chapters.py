"""The code blocks of the documentation work as a reader types them."""

import re
import shlex
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster import ROOT
from pages import PAGES, Block, blocks, name_of
from reader import Reader, changed, commands, contains, is_in_containers, shows, with_duration
from shortened import shorten

#: Tests that execute the blocks of one page.
OWN_TESTS = {
    "docs/extending.md": "tests/docs/test_extending.py",
    "docs/07-python.md": "tests/test_api_chapter.py",
}
WITH_CODE = [page for page in PAGES if name_of(page) not in OWN_TESTS and any(blocks(page))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the ready-made experiments.

    Reports are shortened, but a single run gets its charts as files.
    """
    shorten(monkeypatch, runs_with_files=1)
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_works(page: Path, folder: Path) -> None:
    with ExitStack() as cleanup:
        reader = Reader(folder, cleanup)
        for block in blocks(page):
            reader.execute(block)
        reader.end()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_that_is_left_out_here_has_a_test_of_its_own(page: Path) -> None:
    if test := OWN_TESTS.get(name_of(page)):
        assert (ROOT / test).exists()


IN_CONTAINERS = {
    f"{block.place}: {command}": command
    for page in WITH_CODE
    for block in blocks(page)
    if block.language == "sh"
    for command in commands(block)
    if is_in_containers(command)
}


@pytest.mark.docker
@pytest.mark.parametrize("command", IN_CONTAINERS.values(), ids=IN_CONTAINERS)
def test_a_command_with_containers_works(command: str, folder: Path) -> None:
    with ExitStack() as cleanup:
        shortened = with_duration(f"{command} --backend containers")
        Reader(folder, cleanup).execute(Block("sh", "", shortened, command))
    assert list((folder / "runs").glob("*/*/report.html"))


def test_targets_of_make_and_services_of_the_compose_file_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    services = re.findall(r"^  (\w+):$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    for page in WITH_CODE:
        for block in blocks(page):
            for command in commands(block) if block.language == "sh" else ():
                words = shlex.split(command, comments=True)
                if words[0] == "make":
                    assert set(words[1:]) <= targets, block.place
                if words[:3] == ["docker", "compose", "logs"]:
                    assert words[-1] in services, block.place


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("...\nc\n", "a\nb\nc\n", True),
        ("a 1\n", "a 2\n", False),
        ("a ... c\n", "a b c  \n", True),
        ("a\n...\nc\n", "a\nc\n", True),
    ],
)
def test_three_dots_stand_for_omitted_text_only(shown: str, printed: str, expected: bool) -> None:
    assert shows(shown, printed) == expected


def test_json_shows_a_part_of_a_file() -> None:
    assert contains({"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"c": 2}]})
    assert not contains({"a": 1}, {"b": 1})
    assert not contains({"a": [1, 2]}, {"a": [1]})
    assert not contains({"a": 1}, {"a": 2})


def test_a_diff_changes_places_that_occur_once() -> None:
    diff = Block("diff", "file", " a\n+b\n@@\n-c\n+d\n", "here")
    assert changed("a\nx\nc\n", diff) == "a\nb\nx\nd\n"
    with pytest.raises(AssertionError, match="here: not once there"):
        changed("a\na\nc\n", diff)
    with pytest.raises(AssertionError, match="here: not once there"):
        changed("a\nxc\n", diff)


def test_a_block_that_is_neither_executed_nor_output_is_refused(folder: Path) -> None:
    with ExitStack() as cleanup, pytest.raises(AssertionError, match="here: mark it as text"):
        Reader(folder, cleanup).execute(Block("toml", "", "machines = 3\n", "here"))
