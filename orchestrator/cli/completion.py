"""`vklocks completion`: a script that completes commands, options and their values in a shell.

The script is printed once and needs no call of vklocks at each key; shtab makes it from the parser.
Names that take long to import are added to the options here, and not whenever a command starts.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import shtab

from analysis.exports import EXPORTS
from analysis.logs.finding import FORMATS
from orchestrator.runner.pools import POOLS
from vm.clocks import CLOCKS
from vm.workloads import WORKLOADS

#: Values of options by the name of their field, and the arguments that are paths.
VALUES: Mapping[str, Iterable[str]] = {
    "clocks": CLOCKS,
    "format": FORMATS,
    "pool": POOLS,
    "to": EXPORTS,
    "workload": WORKLOADS,
}
FILES = ("experiment",)
FOLDERS = ("out", "path", "paths", "run")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the completion script of a command for a shell."""
    for action in _actions(parser):
        if action.nargs == 0:
            continue
        if action.dest in VALUES:
            action.choices = list(VALUES[action.dest])
        elif action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        commands: Any = action.choices if isinstance(action, argparse._SubParsersAction) else {}
        for command in commands.values():
            yield from _actions(command)
