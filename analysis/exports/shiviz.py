"""A file for ShiViz's upload: an expression, a delimiter, and one line per event.

ShiViz requires that each host's own component counts 1, 2, 3, ..., and that every component names
an event in the file. So the file holds not the clocks of the run but the vector times of its
causality, which count exactly the events in the file.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from analysis.history.causality import causality
from analysis.history.run import InputError, Run

#: White space in JavaScript or Python.
SPACE = re.compile(r"[\s\ufeff]")
EXPRESSION = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)"


def write(run: Run, file: Path) -> None:
    """Write a run; InputError if its messages form a causal cycle."""
    known = causality(run)
    if known.cycle:
        raise InputError(f"{run.name}: its messages form a causal cycle, which ShiViz cannot draw")
    hosts = _hosts(run.machines)
    texts = run.scan.select(_text()).collect().to_series()
    with file.open("w", encoding="utf-8") as lines:
        # No delimiter: there is one execution.
        lines.write(f"{EXPRESSION}\n\n")
        for row, text in enumerate(texts):
            counts = known.vector_time(row).tolist()
            clock = {host: n for host, n in zip(hosts, counts, strict=True) if n}
            host = hosts[known.machine[row]]
            lines.write(f"{host} {json.dumps(clock, ensure_ascii=False)} {text}\n")


def _hosts(machines: Sequence[str]) -> list[str]:
    """Return the machines' names without white space, each different from all others."""
    hosts = {machine: machine for machine in machines if not SPACE.search(machine)}
    for machine in machines:
        if machine not in hosts:
            host = SPACE.sub("_", machine)
            while host in hosts.values():
                host += "_"
            hosts[machine] = host
    return [hosts[machine] for machine in machines]


def _text() -> pl.Expr:
    """Describe an event without braces."""
    kind, at_s = pl.col("kind"), pl.col("at_ns") / 1e9
    action = (
        pl.when(kind == "send")
        .then(pl.format("send to {}", pl.col("to").list.join(", ")))
        .when(kind == "receive")
        .then(pl.format("receive from {}", pl.col("sender").fill_null("unknown")))
        .otherwise(kind)
    )
    at = (
        pl.when(at_s.is_not_null()).then(pl.format(" at {} s", at_s.round(6))).otherwise(pl.lit(""))
    )
    text = pl.concat_str(pl.format("event {}: ", pl.col("index")), action, at)
    return text.str.replace_all(r"[{}\r\n]", " ")
