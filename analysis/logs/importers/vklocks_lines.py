"""The lines of one text log of the first vklocks.

Of a large log, plain lines (nearly all) are read byte by byte (`vklocks_bytes`); all other lines,
and small logs, by regular expressions.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.history.run import TORN, Damage, InputError
from analysis.logs.importers import vklocks_bytes
from analysis.logs.importers.vklocks_bytes import MAX_MS
from analysis.logs.limits import MAX_NAME_CHARACTERS, MAX_REASON_CHARACTERS, MAX_TEXT_BYTES
from vm.files import read_bytes
from vm.quoting import escaped, plain
from vm.records import Kind

#: Reading a smaller log takes less time than loading a compiled function.
PLAIN_FROM_BYTES = 1 << 20
TIME_LENGTH = len("2025-03-05 16:55:41,106")
TIME = "%Y-%m-%d %H:%M:%S,%3f"
TIMED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3} [A-Z]+: "
KNOWN = re.compile(f"{TIMED}(?:Machine .* initialized with tick rate|.*: updated logical clock to)")
BEGUN = r"^Machine (\S+) initialized with tick rate ([0-9]{1,18}) ticks per"
SERVING = r"^gRPC server started on port ([0-9]+)"
ARRIVED = r"^Received message from (\S+): received_clock=([0-9]{1,18})"
SENT = r"^Sent message to (\S+): sent_clock=([0-9]{1,18})"
FAILED = r"^Error sending message to (\S+): "
EVENT = (
    r"^([A-Za-z ]+?)(?: to \S+)?: updated logical clock to ([0-9]{1,18}), system_time=[0-9.]+"
    r"(?:, queue_length=([0-9]{1,18}))?"
)
KINDS: dict[str, Kind] = {
    "Internal event": "internal",
    "Sent event": "send",
    "Broadcast sent": "send",
    "Processed received message": "receive",
}
#: Lines of one log; an event has three of them.
MAX_LINES = 4_000_000
NOT_A_LINE = "not a line of this format"
#: The columns of events, and of messages that arrived or were sent.
EVENT_COLUMNS = {
    "line": pl.Int64,
    "at_ns": pl.Int64,
    "kind": pl.String,
    "clock": pl.Int64,
    "queue": pl.Int64,
}
MESSAGE_COLUMNS = {"line": pl.Int64, "at_ns": pl.Int64, "name": pl.String, "stamp": pl.Int64}


@dataclass
class Log:
    """One file: its events (EVENT_COLUMNS), arrivals and sent messages (MESSAGE_COLUMNS)."""

    file: str
    machine: str
    tick_rate_hz: int | None
    port: str
    events: pl.DataFrame
    arrived: pl.DataFrame
    sent: pl.DataFrame
    damage: list[Damage]


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    return any(map(KNOWN.match, head.splitlines()))


def read(path: Path) -> Log:
    """Read a log; InputError if its machine begins more than once."""
    text = read_bytes(path, MAX_TEXT_BYTES)
    if text.count(b"\n") > MAX_LINES:
        raise InputError(f"{path}: more than {MAX_LINES:,} lines")
    plain, others = _split(text)
    lines = _timed(others)
    regular = lines.filter((pl.col("level") != "ERROR") & pl.col("at_ns").is_not_null())
    begun, serving = _matching(regular, BEGUN, "name", "rate"), _matching(regular, SERVING, "port")
    if begun.height > 1:
        raise InputError(
            f"{path}:{begun['line'][1]}: the machine begins a second time: the logs of several"
            " runs were appended; give each run a directory of its own"
        )
    name = escaped(path.stem)
    machine, rate = begun.select("name", "rate").row(0) if begun.height else (name, None)
    if len(machine) > MAX_NAME_CHARACTERS:
        raise InputError(f"{path}: the machine's name is longer than {MAX_NAME_CHARACTERS}")
    arrived = _matching(regular, ARRIVED, "name", "stamp")
    sent = _matching(regular, SENT, "name", "stamp")
    failed = _matching(lines.filter(level="ERROR"), FAILED, "name").with_columns(stamp=None)
    events = _matching(regular, EVENT, "event", "clock", "queue").with_columns(
        kind=pl.col("event").replace_strict(KINDS, default=None, return_dtype=pl.String)
    )
    events = events.drop_nulls("kind")
    torn = 0 if text.endswith(b"\n") else text.count(b"\n") + 1
    used = [begun, serving, arrived, sent, failed, events]
    return Log(
        file=escaped(path.name),
        machine=machine,
        tick_rate_hz=rate and int(rate),
        port=serving["port"][-1] if serving.height else "",
        events=_merged(EVENT_COLUMNS, plain[0], events),
        arrived=_merged(MESSAGE_COLUMNS, plain[1], arrived),
        sent=_merged(MESSAGE_COLUMNS, plain[2], sent, failed),
        damage=_damage(escaped(path.name), lines, used, torn),
    )


def _split(text: bytes) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Return events, arrivals and sent messages of the plain lines; and all other lines."""
    if len(text) < PLAIN_FROM_BYTES:
        tables = EVENT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_COLUMNS
        return [pl.DataFrame(schema=columns) for columns in tables], _lines_of(text).with_row_index(
            "line", 1
        )
    scanned = vklocks_bytes.scan(text)
    others = _lines_of(scanned.rest(text)).with_columns(line=pl.Series(scanned.odd + 1))
    return _plain(scanned), others.select("line", "text")


def _lines_of(text: bytes) -> pl.DataFrame:
    """Split bytes into lines, as the column `text`."""
    try:
        return pl.read_lines(text, name="text")
    except pl.exceptions.ComputeError:
        return pl.read_lines(text.decode(errors="replace").encode(), name="text")


def _plain(scanned: vklocks_bytes.ScannedLines) -> list[pl.DataFrame]:
    names = pl.Series(scanned.names, dtype=pl.String)
    kinds = pl.Series([None, "internal", "send", "send", "receive"])
    lines = pl.DataFrame(
        {
            "line": np.arange(1, len(scanned.code) + 1),
            "code": scanned.code,
            "at_ns": scanned.at_ms * 1_000_000,
            "clock": scanned.clock,
            "queue": scanned.queue,
            "number": scanned.name,
        }
    )
    code = pl.col("code")
    events = lines.filter(code.is_between(vklocks_bytes.INTERNAL, vklocks_bytes.RECEIVE))
    events = events.with_columns(
        kind=kinds.gather(events["code"]), queue=pl.when(pl.col("queue") >= 0).then("queue")
    )
    messages = (
        some.with_columns(name=names.gather(some["number"]), stamp="clock")
        for kind in (vklocks_bytes.ARRIVED, vklocks_bytes.SENT)
        for some in [lines.filter(code == kind)]
    )
    return [events, *messages]


def _timed(lines: pl.DataFrame) -> pl.DataFrame:
    """Split lines into time, level and text; null where a line has another form.

    The lines below an error belong to it and are left out.
    """
    groups = pl.col("text").str.extract_groups(f"({TIMED})(.*)$").struct
    ms = pl.col("time").str.to_datetime(TIME, time_unit="ms", strict=False).cast(pl.Int64)
    timed = lines.with_columns(head=groups.field("1"), text=groups.field("2")).select(
        pl.col("line").cast(pl.Int64),
        time=pl.col("head").str.slice(0, TIME_LENGTH),
        level=pl.col("head").str.slice(TIME_LENGTH + 1).str.strip_suffix(": "),
        text="text",
    )
    timed = timed.with_columns(at_ns=pl.when(ms.is_between(0, MAX_MS)).then(ms * 1_000_000))
    # The lines left out between these are plain, and no errors.
    here = pl.when(pl.col("at_ns").is_not_null()).then("level")
    after_others = pl.when(pl.col("line").diff() > 1).then(pl.lit("INFO"))
    above = here.fill_null(after_others).forward_fill()
    is_below_error = pl.col("time").is_null() & (above == "ERROR").fill_null(False)
    return timed.filter(~is_below_error)


def _matching(lines: pl.DataFrame, pattern: str, *names: str) -> pl.DataFrame:
    """Return the lines that match a pattern: `line`, `at_ns` and its groups by name."""
    groups = pl.col("text").str.extract_groups(pattern).struct.rename_fields([*names])
    return lines.select("line", "at_ns", groups.struct.unnest()).drop_nulls(names[0])


def _merged(columns: dict[str, Any], *frames: pl.DataFrame) -> pl.DataFrame:
    """Concatenate frames with these columns, in the order of their lines."""
    parts = [
        frame.select(pl.col(name).cast(type_) for name, type_ in columns.items())
        for frame in frames
        if frame.height
    ]
    return pl.concat([pl.DataFrame(schema=columns), *parts]).sort("line")


def _damage(file: str, lines: pl.DataFrame, used: list[pl.DataFrame], torn: int) -> list[Damage]:
    """Return the lines that match nothing, with the reason. A last line without an end is torn."""
    left = lines.join(pl.concat([frame.select("line") for frame in used]), on="line", how="anti")
    return [
        Damage(file, line, plain(f"{TORN}: " * (line == torn) + reason, MAX_REASON_CHARACTERS))
        for line, *parts in left.sort("line").iter_rows()
        for reason in [_reason(*parts)]
    ]


def _reason(time: str | None, level: str | None, text: str | None, at_ns: int | None) -> str:
    if time is None or text is None:
        return NOT_A_LINE
    if at_ns is None:
        return f"the time cannot be {time}"
    if level == "ERROR":
        return f"an error of the program: {text.partition(': <')[0]}"
    if event := re.match(EVENT, text):
        return f"an event of no known kind: {event[1]}"
    return NOT_A_LINE
