"""`vklocks describe`: how the logs in folders are read, in words and as a description."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.history.run import InputError
from analysis.logs.description import fields
from analysis.logs.finding import Source, find_runs
from analysis.logs.formats import read_settings
from analysis.logs.importers.explained import Explained, explained
from analysis.text.explanation import print_explanation
from orchestrator.cli.arguments import unwritable
from orchestrator.cli.console import console_of_output
from orchestrator.cli.lines import complain, put
from vm.files import write_text
from vm.options import UsageError


def description_schema() -> dict[str, Any]:
    """Return the JSON Schema of descriptions."""
    return fields.schema()


def describe(given: argparse.Namespace) -> int:
    """Print the reading of each run; write the description of the first that has one."""
    console, code, written = console_of_output(), 0, False
    try:
        sources = find_runs([given.path], given.format, read_settings(given.set))
    except InputError as error:
        raise UsageError(str(error)) from None
    for source in sources:
        try:
            every = _explained(source)
        except InputError as error:
            code = complain(2, str(error))
            continue
        for found in every:
            print_explanation(found, console)
        if given.out and not written:
            written = True
            _write(every[0], given.out)
    return code


def _explained(source: Source) -> list[Explained]:
    found, *others = explained(source.usable_format(), source.path, source.files)
    runs = [replace(found.runs[0], unknown_files=source.unread()), *found.runs[1:]]
    return [replace(found, runs=runs), *others]


def _write(found: Explained, out: Path) -> None:
    try:
        write_text(out, found.description.to_toml())
    except OSError as error:
        raise unwritable(out, error) from None
    put(f"written: {out}")
