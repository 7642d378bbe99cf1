"""A history in the log format of the first vklocks, and simple readers to compare with."""

import re
from collections import deque
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.history import ALL, MACHINES, RECEIVE, SEND, history
from vm.schedule import SECOND_NS

EPOCH_NS = 1_741_190_000 * SECOND_NS
PORT = 50051
#: The expression in the analysis of the first vklocks.
CLOCKS = re.compile(
    r"updated logical clock to (\d+), system_time=([\d.]+)(?:, queue_length=(\d+))?"
)
#: The expression for all kinds of lines.
LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) INFO: (?:"
    r"(?P<event>Internal event|Sent event to \S+|Broadcast sent|Processed received message)"
    r": updated logical clock to (?P<clock>\d+)"
    r", system_time=[\d.]+(?:, queue_length=(?P<queue>\d+))?"
    r"|Sent message to (?P<receiver>\S+): sent_clock=(?P<sent>\d+)"
    r"|Received message from (?P<sender>\S+): received_clock=(?P<received>\d+))"
)


def write(directory: Path, events: int) -> None:
    """Write logs with `events` events, the same number per machine."""
    ticks = events // MACHINES
    columns, _ = history(np.arange(MACHINES) * 100_000, ticks, 1)
    for m in range(MACHINES):
        part = pl.DataFrame(
            {
                key: column[m * ticks : (m + 1) * ticks]
                for key, column in columns.items()
                if key != "vector"
            }
        )
        part = part.with_columns(stamp=columns["lamport"][part["send"].to_numpy()])
        begun = f"Machine machine{m + 1} initialized with tick rate 3 ticks per second"
        lines = pl.concat(
            [
                pl.DataFrame(
                    {"at_ns": [0, 0], "text": [begun, f"gRPC server started on port {PORT + m}"]}
                ),
                _arrivals(part, ticks),
                *(_sends(part, m, receiver) for receiver in range(MACHINES) if receiver != m),
                _events(part),
            ]
        ).sort("at_ns", maintain_order=True)
        at = pl.from_epoch(pl.col("at_ns") + EPOCH_NS, "ns").dt.strftime("%Y-%m-%d %H:%M:%S,%3f")
        line = pl.concat_str(at, pl.lit(" INFO: "), "text")
        with (directory / f"machine{m + 1}_log.txt").open("wb") as log:
            lines.select(line).write_csv(log, include_header=False, quote_style="never")


def read_clocks(directory: Path) -> int:
    """Read clock, time and queue of every event, line by line with a regular expression."""
    events = []
    for path in sorted(directory.iterdir()):
        with path.open() as log:
            for line in log:
                if event := CLOCKS.search(line):
                    queue = int(event[3]) if event[3] else None
                    events.append((int(event[1]), float(event[2]), queue))
    return len(events)


def read_by_line(directory: Path) -> int:
    """Read every event with its kind, time, clock, queue, receivers or sender, and the stamp of
    its message, line by line with a regular expression."""
    events = []
    for path in sorted(directory.iterdir()):
        arrived, to = deque[tuple[str, int, datetime]](), list[str]()
        with path.open() as log:
            for line in log:
                if not (parts := LINE.match(line)):
                    continue
                at = datetime.fromisoformat(parts["time"])
                if parts["receiver"]:
                    to.append(parts["receiver"])
                elif parts["sender"]:
                    arrived.append((parts["sender"], int(parts["received"]), at))
                else:
                    taken = arrived.popleft() if parts["event"].startswith("Processed") else None
                    queue = int(parts["queue"]) if parts["queue"] else None
                    events.append(
                        (parts["event"], at, int(parts["clock"]), queue, tuple(to), taken)
                    )
                    to.clear()
    return len(events)


def _text(part: pl.DataFrame, at_ns: str, *text: pl.Expr | str) -> pl.DataFrame:
    parts = [pl.lit(one) if isinstance(one, str) else one for one in text]
    system_time = pl.lit(", system_time="), (pl.col(at_ns) + EPOCH_NS) // SECOND_NS
    return part.select(at_ns=at_ns, text=pl.concat_str(*parts, *system_time))


def _arrivals(part: pl.DataFrame, ticks: int) -> pl.DataFrame:
    sender = pl.col("send") // ticks + 1
    received = part.filter(kind=RECEIVE)
    text = "Received message from machine", sender, ": received_clock=", pl.col("stamp")
    return _text(received, "arrived_ns", *text)


def _sends(part: pl.DataFrame, m: int, receiver: int) -> pl.DataFrame:
    sends = part.filter((pl.col("kind") == SEND) & pl.col("to").is_in([ALL, receiver]))
    address = f"localhost:{PORT + receiver}"
    return _text(sends, "at_ns", f"Sent message to {address}: sent_clock=", pl.col("lamport"))


def _events(part: pl.DataFrame) -> pl.DataFrame:
    kind, to = pl.col("kind"), pl.col("to")
    action = (
        pl.when(kind == RECEIVE)
        .then(pl.lit("Processed received message"))
        .when((kind == SEND) & (to == ALL))
        .then(pl.lit("Broadcast sent"))
        .when(kind == SEND)
        .then(pl.format("Sent event to localhost:{}", to + PORT))
        .otherwise(pl.lit("Internal event"))
    )
    lines = _text(part, "at_ns", action, ": updated logical clock to ", pl.col("lamport"))
    queue = pl.when(part["kind"] == RECEIVE).then(pl.format(", queue_length={}", part["queue"]))
    return lines.with_columns(text=pl.concat_str("text", queue, ignore_nulls=True))
