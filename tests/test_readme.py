"""The README names every option there is, and every command it shows exists."""

import argparse
import re
from collections.abc import Iterator

import pytest

from cluster import ROOT
from orchestrator import cli
from vm.host import arguments as machine

README = (ROOT / "README.md").read_text()


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (option for option in action.option_strings if option not in ("-h", "--help"))
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield f"vklocks {name}"
                yield from options(command)


@pytest.mark.parametrize("option", sorted({*options(cli._parser()), *options(machine._parser())}))
def test_every_option_is_in_the_readme(option: str) -> None:
    assert re.search(rf"{re.escape(option)}\b", README)


def test_every_setting_of_the_compose_file_is_in_the_readme() -> None:
    settings = re.findall(r"\$\{(\w+):-", (ROOT / "docker-compose.yml").read_text())
    assert settings
    for setting in settings:
        assert f"| `{setting}` |" in README
