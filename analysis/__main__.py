"""The analysis inside the compose file: keeps the logs of the run and says what happened.

    python -m analysis /logs /runs/compose --owner /checkout/docker-compose.yml

Copies what the machines left in the shared volume to a run directory, and prints its
tables. Begun as root it first becomes the owner of a file of the checkout, so that what it
leaves on the host belongs to whoever owns the rest.
"""

import argparse
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from analysis.events import InputError, Run, load
from analysis.summary import print_summary
from vm.start import spec_of

#: Narrower than this, tables wrap; in a container's log there is no terminal to ask.
LOG_COLUMNS = 100


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
        directory = keep(run, given.logs, given.runs)
    except InputError as error:
        print(f"analysis: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"analysis: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print_summary([load(directory)], Console(width=None if sys.stdout.isatty() else LOG_COLUMNS))
    print(f"kept as {Path(*directory.parts[-3:])}")
    return 0


def become_owner(file: Path, runs: Path) -> None:
    """Give up being root. The runs' folder comes along where the engine has just made it."""
    owner = file.stat()
    for folder in (runs.parent, runs):
        if folder.exists() and folder.stat().st_uid == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def keep(run: Run, logs: Path, runs: Path) -> Path:
    """Copy a run's files to a directory of its own, which appears only once it is whole."""
    start = next(iter(run.starts.values()))
    begun = datetime.fromtimestamp(start.epoch_unix_ns / 1e9, UTC)
    directory = runs / f"{begun:%Y%m%d-%H%M%S}-seed{start.seed}"
    partial = directory.with_name(f".{directory.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for machine in run.machines:
        for suffix in ("jsonl", "out"):
            shutil.copyfile(logs / f"{machine}.{suffix}", partial / f"{machine}.{suffix}")
    _write(partial / "spec.json", spec_of(run.starts).plain())
    _write(partial / "run.json", summary_of(run, directory.name))
    return partial.rename(directory)


def summary_of(run: Run, name: str) -> dict[str, object]:
    start = run.starts[run.machines[0]]
    return {
        "run": name,
        "backend": "compose",
        "version": start.version,
        "seed": start.seed,
        "epoch_unix_ns": start.epoch_unix_ns,
        "outcome": "finished",
        "machines": {machine: {"outcome": run.stops[machine].reason} for machine in run.machines},
    }


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
