"""The command-line options of `vklocks run`, and how their values are read."""

import argparse
from pathlib import Path
from typing import NoReturn

from orchestrator.backends import BACKENDS
from orchestrator.backends.backend import MAX_JOBS
from vm.workloads import WORKLOADS

OUT = Path("runs")


class UsageError(Exception):
    """A wrong argument; the text names it and the remedy."""


class Parser(argparse.ArgumentParser):
    """Reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (`{self.prog} --help` lists the options)")


def add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=OUT, help="where runs go (runs)"
    )


def add_run(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "experiment",
        metavar="EXPERIMENT.toml",
        nargs="?",
        type=Path,
        help="fields of a spec and axes to sweep; an interrupted experiment continues",
    )
    add("--backend", choices=BACKENDS, default="containers", help="where machines run (containers)")
    add("--machines", metavar="N", type=int, help="how many machines (3)")
    add("--duration", metavar="S", dest="duration_s", type=_number, help="seconds of a run (60)")
    add("--ticks", metavar="MIN-MAX", type=_ticks, help="range of ticks per second (1-6)")
    workload = command.add_mutually_exclusive_group()
    workload.add_argument(
        "--tight",
        dest="workload",
        action="store_const",
        const="tight",
        help="more messages, fewer internal events",
    )
    workload.add_argument(
        "--weights",
        metavar="ONE,ALL,INTERNAL",
        dest="workload",
        type=_workload,
        help=f"how often an idle tick sends to one, to all, or neither ({_weights()})",
    )
    add("--clocks", metavar="CLOCK,…", type=_list_of_names, help="lamport, vector (lamport)")
    add("--seed", metavar="N", type=int, help="seed of the first run, the next has N+1 (random)")
    add("--repeat", metavar="N", type=int, help="how many runs, of each point of a sweep (1)")
    add(
        "--jobs",
        metavar="N",
        type=_jobs,
        help="runs in parallel (as many as the cores sustain)",
    )
    add("--pool", metavar="POOL", help="workers of simulated runs: loky, dask or ray (loky)")
    text = "keep only the metrics of simulated runs"
    add("--no-logs", dest="logs", action="store_false", help=text)
    add_out(command)


def _weights() -> str:
    weights = WORKLOADS["assignment"]
    return f"{weights.one},{weights.all},{weights.internal}"


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    return int(number) if number.is_integer() else number


def _ticks(text: str) -> list[int]:
    low, _, high = text.partition("-")
    try:
        return [int(low), int(high or low)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not MIN-MAX, as in 1-6") from None


def _workload(text: str) -> dict[str, int]:
    try:
        one, to_all, internal = map(int, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not ONE,ALL,INTERNAL, as in 2,1,7") from None
    return {"one": one, "all": to_all, "internal": internal}


def _list_of_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_JOBS}")
    return int(text)
