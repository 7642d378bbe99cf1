"""The command `vklocks`. Exit codes: 0 success, 1 a check is violated, 2 wrong usage or input,
3 the environment lacks something, 4 some runs failed, 130 interrupted (143 by SIGTERM).
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from errno import EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR

from orchestrator.backends.outcome import EnvironmentProblem, disk_problem
from orchestrator.cli import upkeep
from orchestrator.cli.arguments import add_out, add_run, add_verbose, read_path
from orchestrator.cli.export import add_clocks, add_export, add_format, add_set, export_runs
from orchestrator.cli.image import add_image
from orchestrator.cli.lines import bounded_output, complain
from orchestrator.experiments.experiment import ExperimentError
from orchestrator.experiments.schema import experiment_schema
from orchestrator.runner.interrupt import Interrupt, exit_code
from vm import __version__
from vm.options import Parser, UsageError

#: Errors of paths that are invalid, or that other files block.
UNUSABLE = (ENAMETOOLONG, ELOOP, ENOTDIR, EISDIR, EEXIST, ENOENT, EINVAL)
SCHEMAS = ("experiment", "description")
SHELLS = ("bash", "zsh", "fish")
#: Commands that print tables or text about folders.
BOUNDED = ("analyse", "check", "clocks", "describe", "export", "replay", "list")


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        parser = _parser()
        words = sys.argv[1:] if arguments is None else arguments
        if not words:
            parser.print_help()
            return complain(2, "give a command")
        given = parser.parse_args(words)
        code = _act(given)
        sys.stdout.flush()
    except (UsageError, ExperimentError) as error:
        return complain(2, str(error))
    except EnvironmentProblem as error:
        return complain(3, str(error))
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Interrupt) else signal.SIGINT
        return complain(exit_code(number), "interrupted")
    except OSError as error:
        if error.errno in UNUSABLE and error.filename is not None:
            return complain(2, f"{error.filename}: {error.strerror}")
        return complain(3, disk_problem(error))
    return code


def _act(given: argparse.Namespace) -> int:
    """Execute the command; limit its output if it reads folders, which may be hostile."""
    if given.command not in BOUNDED or getattr(given, "json", False):
        return int(given.act(given))
    with bounded_output():
        return int(given.act(given))


def _read_runs(given: argparse.Namespace) -> int:
    from orchestrator.cli.analyse import analyse
    from orchestrator.cli.check import check

    return (check if given.command == "check" else analyse)(given)


def _run(given: argparse.Namespace) -> int:
    from orchestrator.cli.execution.run import run_experiment

    return run_experiment(given)


def _replay(given: argparse.Namespace) -> int:
    from orchestrator.cli.replay import replay_run

    return replay_run(given)


def _clocks(given: argparse.Namespace) -> int:
    from orchestrator.cli.clocks import compare_clocks

    return compare_clocks(given)


def _completion(given: argparse.Namespace) -> int:
    from orchestrator.cli.completion import script

    print(script(_parser(), given.shell))
    return 0


def _image(given: argparse.Namespace) -> int:
    from orchestrator.cli.image import handle_image

    return handle_image(given)


def _describe(given: argparse.Namespace) -> int:
    from orchestrator.cli.describe import describe

    return describe(given)


def _key(given: argparse.Namespace) -> int:
    from orchestrator.cli.key import write_key

    return write_key(given)


def _schema(given: argparse.Namespace) -> int:
    schema = experiment_schema()
    if given.of == "description":
        from orchestrator.cli.describe import description_schema

        schema = description_schema()
    print(json.dumps(schema, indent=2))
    return 0


def _parser() -> Parser:
    parser = Parser(prog="vklocks", description="A laboratory for logical clocks.")
    parser.add_argument("--version", action="version", version=f"vklocks {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, act: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(act=act, command=name)
        return added

    add_run(command("run", _run, "execute runs and report on them"))
    for name, text, kept in (
        ("analyse", "report on runs: clocks, jumps, drift, queues", "reports"),
        ("check", "check that histories and clocks are correct; exit code 1 if not", "verdicts"),
    ):
        reading = command(name, _read_runs, text)
        add = reading.add_argument
        add("paths", metavar="PATH", nargs="+", type=read_path, help="runs, or folders")
        add("--json", action="store_true", help="print JSON with unrounded values")
        add_format(reading)
        add_set(reading)
        text = "all tables" if name == "analyse" else "all reasons"
        add_verbose(reading, text)
        text = "write a row for each run or submission: path, verdict, first cause, numbers"
        add("--csv", metavar="FILE", type=read_path, help=text)
        add("--out", metavar="DIR", type=read_path, help=f"where the {kept} go (beside the logs)")
    add_clocks(command("clocks", _clocks, "compute clocks on histories, and compare them"))
    add_export(command("export", export_runs, "write runs in the formats of other programs"))
    text = "execute a run's machines again and compare the logs; exit code 1 if they differ"
    replay = command("replay", _replay, text)
    replay.add_argument("run", metavar="RUN", type=read_path, help="the directory of a run")
    text = "say how the logs in a folder are read, and write a description of them to edit"
    described = command("describe", _describe, text)
    described.add_argument("path", metavar="PATH", type=read_path, help="a folder of logs")
    add_format(described)
    add_set(described)
    text = "where the description goes, as TOML"
    described.add_argument("-o", "--out", metavar="FILE.toml", type=read_path, help=text)
    add_image(command("image", _image, "name, build or save the image of the machines"))
    schema = command("schema", _schema, "print a JSON Schema for editors")
    text = "the files that it describes: experiment, description (experiment)"
    schema.add_argument("--of", choices=SCHEMAS, default=SCHEMAS[0], help=text)
    text = "print a script that completes commands, options and values in a shell"
    completion = command("completion", _completion, text)
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    text = "write a fresh key, with which machines on several computers accept only each other"
    key = command("key", _key, text)
    key.add_argument("file", metavar="FILE", type=read_path, help="a file that does not exist yet")
    for name, act, text in (
        ("list", upkeep.list_runs, "list all runs"),
        ("clean", upkeep.clean, "remove leftovers of interrupted runs if their process has ended"),
        ("doctor", upkeep.doctor, "check Docker, image, disk space and system clock"),
    ):
        add_out(command(name, act, text))
    return parser
