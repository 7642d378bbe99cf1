"""The command-line options of `vklocks run`, and the parsing of their values."""

import argparse
import os
import re
from pathlib import Path

from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import MAX_JOBS
from vm.options import OPTIONS, UsageError, add_options, read_integer, read_words
from vm.quoting import quoted

OUT = Path("runs")
JOBS = re.compile(r"[0-9]{1,6}")
#: The limit of Linux.
MAX_PATH = 4095
#: Options of single backends, which list their own in `Backend.options`.
BACKEND_OPTIONS = ("place", "image", "encrypt")
#: The most runs for which each gets a page, which takes a quarter of a second.
MAX_PAGES = 60


def add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", metavar="DIR", type=read_path, default=OUT, help="directory of the runs (runs)"
    )


def add_run(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "experiment",
        metavar="EXPERIMENT.toml",
        nargs="?",
        type=read_path,
        help="fields of a spec and axes to sweep, which options override; an interrupted experiment"
        " continues",
    )
    add("--backend", choices=BACKENDS, default="containers", help="where machines run (containers)")
    seeded = "random without a file, or else the file's, or 0"
    add_options(command, [field for field in OPTIONS if field != "workload"], seeded)
    workload = command.add_mutually_exclusive_group()
    add_options(workload, ["workload"])
    text = "same as --workload tight: more messages, fewer internal events"
    workload.add_argument(
        "--tight", dest="workload", action="store_const", const="tight", help=text
    )
    add(
        "--repeat",
        metavar="N",
        type=read_integer,
        help="number of runs per point, each with the next seed (1)",
    )
    add(
        "--jobs",
        metavar="N",
        type=_jobs,
        help="runs in parallel (as many as the cores sustain)",
    )
    text = (
        "workers of simulated runs: processes of this computer (loky), or a cluster of dask or ray"
    )
    add("--pool", metavar="POOL", help=f"{text} (loky)")
    text = (
        "folder that the workers of a cluster write complete runs to, such as s3://bucket/folder;"
    )
    add("--store", metavar="URL", default="", help=f"{text} --out then gets runs without logs")
    text = "swarm: the nodes of machines; others are spread over all nodes"
    add("--place", metavar="MACHINE=NODE,…", type=_places, help=text)
    text = "swarm: the image of the machines, in a registry (that of these sources, on each node)"
    add("--image", metavar="REFERENCE", help=text)
    text = "swarm: let the nodes encrypt the network of a run"
    add("--encrypt", action="store_true", help=text)
    text = "keep only the metrics of simulated runs"
    add("--no-logs", dest="logs", action="store_false", help=text)
    add_out(command)
    add_verbose(command, "all tables")


def add_verbose(command: argparse.ArgumentParser, shown: str) -> None:
    text = f"print {shown} of each run, even of several"
    command.add_argument("-v", "--verbose", action="store_true", help=text)


def _jobs(text: str) -> int:
    if not JOBS.fullmatch(text) or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number from 1 to {MAX_JOBS}")
    return int(text)


def _places(text: str) -> dict[str, str]:
    places: dict[str, str] = {}
    for part in read_words(text):
        machine, _, node = part.partition("=")
        if not machine or not node:
            raise argparse.ArgumentTypeError(f"{quoted(part)} is not MACHINE=NODE")
        if machine in places:
            raise argparse.ArgumentTypeError(f"{quoted(machine)} is there twice")
        places[machine] = node
    return places


def unwritable(out: Path, error: OSError) -> UsageError:
    """Return the error of an output folder that cannot be written."""
    path = Path(error.filename or out)
    if path.is_symlink() and not path.exists():
        return UsageError(f"--out: {path} is a link to a folder that does not exist")
    return UsageError(f"--out: {path} cannot be written: {error.strerror or error}")


def read_path(text: str) -> Path:
    """Read a path that is valid in a file system."""
    content = os.fsencode(text)
    if not text or b"\0" in content or len(content) > MAX_PATH:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a path of 1 to {MAX_PATH} bytes")
    return Path(text)
