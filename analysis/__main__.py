"""The analysis inside the compose file: stores the run and reports on it.

    python -m analysis /logs /runs/compose --owner /checkout/docker-compose.yml

Copies the logs in the shared volume to a run directory, adds metrics and verdict, and prints
their tables. Begun as root it first becomes the owner of a file of the checkout, so that
what it leaves on the host belongs to whoever owns the rest.
"""

import argparse
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from analysis.evaluation import evaluate
from analysis.logs import own
from analysis.logs.finding import InputError, Run, load
from analysis.report import run as report
from analysis.text.plain import write_evaluation
from analysis.text.summary import print_run
from vm.records import Start

#: Narrower than this, tables wrap; in a container's log there is no terminal to ask.
LOG_COLUMNS = 100
MACHINE_SUFFIXES = (".jsonl", ".out")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis")
    parser.add_argument("logs", type=Path, help="the folder that the machines wrote to")
    parser.add_argument("runs", type=Path, help="where the run directory goes")
    parser.add_argument("--owner", type=Path, help="a file whose owner to become")
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
    """Give up being root. The runs' folder comes along where the engine has just made it."""
    owner = file.stat()
    for folder in (runs.parent, runs):
        if folder.exists() and folder.stat().st_uid == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def store(run: Run, logs: Path, runs: Path) -> Path:
    """Copy the files of the machines to a directory of its own, which appears when it is whole.

    A run that is there was stored before. InputError if no machine of ours left the logs.
    """
    if run.format != own.NAME:
        raise InputError(
            f"{logs} holds logs in the format {run.format}: `vklocks analyse` reads them"
        )
    start = next(iter(run.starts.values()))
    begun = datetime.fromtimestamp(start.epoch_unix_ns / 1e9, UTC)
    directory = runs / f"{begun:%Y%m%d-%H%M%S}-seed{start.spec.seed}"
    if directory.is_dir():
        return directory
    about = {
        "spec.json": start.spec.plain(),
        "run.json": summary_of(run, start, directory.name),
    }
    partial = directory.with_name(f".{directory.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in logs.iterdir():
        if file.suffix in MACHINE_SUFFIXES:
            shutil.copyfile(file, partial / file.name)
    for name, value in about.items():
        _write(partial / name, value)
    return partial.rename(directory)


def summary_of(run: Run, start: Start, name: str) -> dict[str, object]:
    endings = {machine: _ending(run, machine) for machine in run.machines}
    return {
        "run": name,
        "backend": "compose",
        "version": start.version,
        "seed": start.spec.seed,
        "epoch_unix_ns": start.epoch_unix_ns,
        "outcome": "finished" if set(endings.values()) == {"finished"} else "failed",
        "machines": {machine: {"outcome": ending} for machine, ending in endings.items()},
    }


def _ending(run: Run, machine: str) -> str:
    """How a machine ended, in the words of a backend that saw it."""
    if machine in run.missing:
        return "failed"
    return run.stops[machine].reason if machine in run.stops else "killed"


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
