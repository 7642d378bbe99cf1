"""`vklocks export`: runs in the formats of other programs.

The analysis is imported only when needed: that takes time, and all commands import this module.
"""

import argparse
import os
from errno import ENAMETOOLONG
from pathlib import Path

from orchestrator.cli.arguments import add_verbose, read_path, unwritable
from orchestrator.cli.lines import complain, put
from vm.options import UsageError
from vm.quoting import plain, quoted
from vm.spec import suggestion


def add_export(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("paths", metavar="PATH", nargs="+", type=read_path, help="runs, or folders")
    text = "the format to write: shiviz, perfetto, csv, parquet"
    add("--to", metavar="FORMAT", required=True, help=text)
    add_format(command)
    add("--out", metavar="DIR", type=read_path, help="where the files go (beside the logs)")


def add_clocks(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("paths", metavar="PATH", nargs="+", type=read_path, help="runs, or folders")
    text = "names, as in lamport,rev:4; own: those of the run; all: these and every kind (all)"
    add("--clocks", metavar="all|CLOCK,…", default="all", help=text)
    add_format(command)
    add_set(command)
    add_verbose(command, "the tables")
    text = "write a row for each run and clock, with all numbers"
    add("--csv", metavar="FILE", type=read_path, help=text)


def add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", default="", help="format of the logs: a name, or a description in FILE.toml"
    )


def add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="field of a description in the place of the inferred one, as stamp=before",
    )


def export_runs(given: argparse.Namespace) -> int:
    from analysis.exports import EXPORTS, export
    from analysis.history.run import InputError
    from analysis.logs.finding import find_runs
    from analysis.text.notes import notes

    if given.to not in EXPORTS:
        raise UsageError(f"--to: there is no {quoted(given.to)}{suggestion(given.to, EXPORTS)}")
    try:
        sources = find_runs(given.paths, given.format)
        common = Path(os.path.commonpath([source.path.resolve().parent for source in sources]))
        for source in sources:
            path = source.path
            folder = path if path.is_dir() else path.parent
            if given.out:
                # Runs of one name in several experiments get a file each.
                folder = given.out / path.resolve().parent.relative_to(common)
            folder.mkdir(parents=True, exist_ok=True)
            for run in source.load():
                file = export(run, given.to, folder)
                put(str(file))
                # A file of events cannot hold this, and would seem to be of a whole run.
                for note in notes(run):
                    complain(2, f"{file.name}: {note}")
    except InputError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            name = plain(path.name)
            raise UsageError(f"{name} is too long for the name of a file: rename the run") from None
        if given.out is None:
            problem = f"{error.filename or folder} cannot be written: {error.strerror or error}"
            raise UsageError(f"{problem}; give another folder with --out") from None
        raise unwritable(given.out, error) from None
    return 0
