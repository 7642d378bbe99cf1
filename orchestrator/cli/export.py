"""`vklocks export`: runs in the formats of other programs.

The analysis is imported only when needed: that takes time, and all commands import this module.
"""

import argparse

from orchestrator.cli.arguments import read_path
from orchestrator.cli.console import put
from vm.options import UsageError
from vm.quoting import quoted
from vm.spec import suggestion


def add_export(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("paths", metavar="PATH", nargs="+", type=read_path, help="runs, or folders")
    text = "the format to write: shiviz, perfetto, csv, parquet"
    add("--to", metavar="FORMAT", required=True, help=text)
    add_format(command)
    add("--out", metavar="DIR", type=read_path, help="where the files go (beside the logs)")


def add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", default="", help="format of the logs: a name, or a description in FILE.toml"
    )


def export_runs(given: argparse.Namespace) -> int:
    from analysis.exports import EXPORTS, export
    from analysis.history.run import InputError
    from analysis.logs.finding import find_runs

    if given.to not in EXPORTS:
        raise UsageError(f"--to: there is no {quoted(given.to)}{suggestion(given.to, EXPORTS)}")
    try:
        for source in find_runs(given.paths, given.format):
            path = source.path
            folder = given.out or (path if path.is_dir() else path.parent)
            folder.mkdir(parents=True, exist_ok=True)
            for run in source.load():
                put(str(export(run, given.to, folder)))
    except InputError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"--out: {error.filename} cannot be written: {error.strerror}") from None
    return 0
