"""The generated pages describe the code as it is, and with every option it has."""

import argparse
import json
import re
from collections.abc import Callable, Iterator

import pytest

from analysis.logs.description.fields import schema
from cluster import ROOT
from docs import reference


@pytest.mark.parametrize(("name", "page"), reference.PAGES.items())
def test_a_committed_page_is_the_generated_one(
    name: str, page: Callable[[], Iterator[str]]
) -> None:
    committed = (reference.FOLDER / name).read_text()
    assert "".join(page()) == committed, "python -m docs.reference"


def test_the_schema_of_descriptions_is_fresh() -> None:
    committed = json.loads((reference.FOLDER / reference.DESCRIPTION_SCHEMA).read_text())
    assert committed == schema(), "python -m docs.reference"


def options() -> Iterator[str]:
    for _, parser in reference.commands():
        for action in parser._actions:
            if not isinstance(action, argparse._HelpAction):
                yield from action.option_strings


@pytest.mark.parametrize("option", sorted(set(options())))
def test_every_option_is_in_the_reference(option: str) -> None:
    assert f"`{option}`" in (reference.FOLDER / "cli.md").read_text()


def test_every_setting_of_the_compose_file_is_in_the_first_chapter() -> None:
    settings = re.findall(r"\$\{(\w+):-", (ROOT / "docker-compose.yml").read_text())
    assert settings
    for setting in settings:
        assert f"| `{setting}` |" in (ROOT / "docs" / "01-first-run.md").read_text()
