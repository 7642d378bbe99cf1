"""The text logs of the first vklocks (github.com/mmattyV/vklocks): one file per machine.

An event is a line with `updated logical clock to N, system_time=S`. `system_time` has whole
seconds only, so the time of an event is that of its line, in milliseconds. Lines before it hold
the rest: `Sent message to` for each receiver of a send, with the stamp; `Received message from`
for each arrival, with its stamp. Messages are received in the order of arrival. Logs name
receivers by address; its port identifies the machine, which logs the port that it listens on. The
queue length is logged at receives only, after taking the message.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.history.run import InputError, Run
from analysis.logs.conventions import Conventions
from analysis.logs.foreign import EXTRACT_COLUMNS, INBOX_COLUMNS, Extract, runs_of
from analysis.logs.importers.vklocks_lines import Log, read
from analysis.logs.importers.vklocks_lines import knows as knows
from vm.files import name_of
from vm.spec import natural_order

NAME = "vklocks"

Ints = NDArray[np.int64]


def load(directory: Path, files: Sequence[Path]) -> list[Run]:
    """Load the run of a directory's logs; InputError if two logs are of one machine."""
    ordered = sorted(files, key=lambda file: natural_order(file.name))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        logs = list(pool.map(read, ordered))
        machines = tuple(log.machine for log in logs)
        for machine in machines:
            if machines.count(machine) > 1:
                raise InputError(f"{directory} holds more than one log of {machine}: keep one")
        ports = [log.port for log in logs if log.port]
        # Machines on two computers can have the same port, which then identifies neither.
        by_port = {log.port: log.machine for log in logs if ports.count(log.port) == 1}
        events, waiting = zip(*pool.map(partial(_extract, by_port=by_port), logs), strict=True)
    inbox = pl.concat(waiting)
    return runs_of(
        Extract(
            name=name_of(directory),
            path=directory,
            format=NAME,
            machines=machines,
            # Without rechunk, every query would merge the parts of each column again.
            events=pl.concat(events, rechunk=True),
            files={log.machine: log.file for log in logs},
            inbox=inbox,
            damage=tuple(damage for log in logs for damage in log.damage),
            tick_rates_hz={log.machine: log.tick_rate_hz for log in logs if log.tick_rate_hz},
            queue_left={machine: inbox.filter(machine=machine).height for machine in machines},
            given=Conventions(
                initial=0, before=frozenset(), stamp="after", queue="after", channels="free"
            ),
            conventions=("system_time has whole seconds, so times are those of the lines",),
        )
    )


def _take(log: Log) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join receives with the arrivals that they take; also return the messages left over."""
    receives = np.flatnonzero((log.events["kind"] == "receive").to_numpy())
    lines = log.events["line"].to_numpy()
    taken = _oldest_first(log.arrived["line"].to_numpy(), lines[receives])
    arrival = np.full(len(lines), -1)
    arrival[receives] = taken
    which = pl.Series(arrival).replace(-1, None)
    arrivals = log.arrived.select(sender="name", stamp="stamp", arrived_ns="at_ns")
    received = arrivals.select(pl.all().gather(which))
    left = np.ones(len(arrivals), bool)
    left[taken[taken >= 0]] = False
    waiting = arrivals.filter(pl.Series(left)).with_columns(machine=pl.lit(log.machine))
    return pl.concat([log.events, received], how="horizontal"), waiting.select(*INBOX_COLUMNS)


def _oldest_first(arrived: Ints, received: Ints) -> Ints:
    """Return the arrival that each receive takes, by line numbers; -1 if the inbox was empty."""
    if len(received) <= len(arrived) and (arrived[: len(received)] < received).all():
        return np.arange(len(received))
    taken, following = [], 0
    for line in received:
        is_there = following < len(arrived) and arrived[following] < line
        taken.append(following if is_there else -1)
        following += bool(is_there)
    return np.array(taken, np.int64)


def _extract(log: Log, by_port: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events of a log in EXTRACT_COLUMNS, and the messages left in its inbox."""
    events, inbox = _take(log)
    addresses = log.sent["name"].unique().to_list()
    names = {a: name for a in addresses if (name := by_port.get(a.rpartition(":")[2]))}
    # Lines of messages belong to the next event in the log.
    following = np.searchsorted(events["line"].to_numpy(), log.sent["line"].to_numpy())
    sent = (
        log.sent.select(pl.col("name").replace(names), "stamp", event=pl.Series(following))
        .group_by("event", maintain_order=True)
        .agg(to="name", sent_stamp=pl.col("stamp").drop_nulls().first())
        .filter(pl.col("event") < events.height)
    )
    position = np.full(events.height, -1)
    position[sent["event"].to_numpy()] = np.arange(sent.height)
    which = pl.Series(position).replace(-1, None)
    joined = pl.concat([events, sent.select(pl.all().gather(which))], how="horizontal")
    joined = joined.with_columns(
        machine=pl.lit(log.machine),
        file=pl.lit(log.file),
        to=pl.when(kind="send").then("to"),
        stamp=pl.when(kind="send").then("sent_stamp").otherwise("stamp"),
    )
    columns = [pl.col(name).cast(type_) for name, type_ in EXTRACT_COLUMNS.items()]
    return joined.select(columns), inbox
