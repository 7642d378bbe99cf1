"""The analysis inside the compose file: stores the run and reports on it.

    python -m analysis /logs /runs/compose --owner /checkout/docker-compose.yml

Copies the logs in the shared volume to a run directory, adds metrics and verdict, and prints
their tables. Started as root, it first switches to the owner of a file of the checkout, so that
the files it writes on the host have the same owner as the checkout.
"""

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from rich.console import Console

from analysis.evaluation import evaluate
from analysis.history.run import InputError, Run
from analysis.logs import own
from analysis.logs.finding import load
from analysis.report import run as report
from analysis.text.plain import write_evaluation
from analysis.text.summary import print_run
from vm import files
from vm.log import plain_offsets
from vm.records import Start

#: Narrower tables wrap; a container's log has no terminal width.
LOG_COLUMNS = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis")
    parser.add_argument("logs", type=Path, help="the folder with the machines' logs")
    parser.add_argument("runs", type=Path, help="the folder for the run directory")
    parser.add_argument("--owner", type=Path, help="if root, switch to this file's owner")
    given = parser.parse_args()
    try:
        run = load(given.logs)
        if given.owner and os.geteuid() == 0:
            become_owner(given.owner, given.runs)
        directory = store(run, given.logs, given.runs)
        evaluation = evaluate(load(directory))
        write_evaluation(evaluation, directory)
    except InputError as error:
        return complain(str(error))
    except OSError as error:
        return complain(f"the run cannot be kept: {error.filename}: {error.strerror}")
    print_run(evaluation, Console(width=None if sys.stdout.isatty() else LOG_COLUMNS))
    page = report.write(evaluation, directory)
    shown = Path(*directory.parts[-3:])
    print(f"kept as {shown}, report in {shown / page.name}")
    return 0


def complain(problem: str) -> int:
    print(f"analysis: {problem}", file=sys.stderr)
    return 2


def become_owner(file: Path, runs: Path) -> None:
    """Switch from root to the owner of a file; also hand over a runs' folder of root."""
    owner = file.stat()
    for folder in (runs.parent, runs):
        if folder.exists() and folder.stat().st_uid == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def store(run: Run, logs: Path, runs: Path) -> Path:
    """Copy the files of the machines to a run directory, which appears when it is complete.

    An existing run directory is left as it is. InputError if another program wrote the logs.
    """
    if run.format != own.NAME:
        raise InputError(f"{logs} holds logs {run.in_format}: `vklocks analyse` reads them")
    start = next(iter(run.starts.values()))
    begun = datetime.fromtimestamp(start.run_epoch_unix_ns / 1e9, UTC)
    name = f"{begun:%Y%m%d-%H%M%S}-seed{start.spec.seed}"
    numbered = (runs / f"{name}-{n}" for n in count(2))
    directory = next(
        one for one in chain([runs / name], numbered) if not one.is_dir() or _holds(one, start)
    )
    if directory.is_dir():
        return directory
    shutil.rmtree(runs / f".{directory.name}", ignore_errors=True)
    with files.whole_directory(runs, directory.name) as partial:
        for file in logs.iterdir():
            if file.suffix in (files.LOG_SUFFIX, files.TRANSCRIPT_SUFFIX):
                shutil.copyfile(file, partial / file.name)
        files.write_json(partial / files.SPEC, start.spec.plain())
        run_file(run, start, directory.name).write(partial)
        return files.rename_to_free(partial, [directory])


def _holds(directory: Path, start: Start) -> bool:
    """Return whether a run directory holds this run, and not one of the same second and seed."""
    recorded = files.read_json(directory / files.RUN) or {}
    return recorded.get("epoch_unix_ns") == start.run_epoch_unix_ns


def run_file(run: Run, start: Start, name: str) -> files.RunFile:
    """Return the contents of run.json, as far as the logs show how the run ended."""
    machines = {machine: files.MachineOutcome(_result(run, machine)) for machine in run.machines}
    failed = [machine for machine, ended in machines.items() if ended.outcome != "finished"]
    return files.RunFile(
        run=name,
        backend="compose",
        seed=start.spec.seed,
        outcome="failed" if failed else "finished",
        machines=machines,
        problem=f"{', '.join(failed)} did not finish" if failed else "",
        versions={"vklocks": start.version},
        wall={
            "epoch_unix_ns": start.run_epoch_unix_ns,
            "wall_offsets": plain_offsets(start.wall_offsets),
        },
    )


def _result(run: Run, machine: str) -> files.MachineResult:
    if machine in run.missing:
        return "failed"
    return run.stops[machine].reason if machine in run.stops else "killed"


if __name__ == "__main__":
    sys.exit(main())
