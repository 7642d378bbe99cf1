"""What the lines of one text log of the first vklocks say.

Of a big log the plain lines, nearly all, are read byte by byte (`vklocks_bytes`), and the others,
as all of a small one, by regular expressions.
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
from vm.records import Kind

#: Smaller logs are read sooner than a compiled function is loaded.
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
NOT_A_LINE = "not a line of this format"
#: The columns of what lines tell: events, and messages that arrived or were sent.
EVENTS = {
    "line": pl.Int64,
    "at_ns": pl.Int64,
    "kind": pl.String,
    "clock": pl.Int64,
    "queue": pl.Int64,
}
MESSAGES = {"line": pl.Int64, "at_ns": pl.Int64, "name": pl.String, "stamp": pl.Int64}

SAYS = pl.col("says")


@dataclass
class Log:
    """One file: its events as in EVENTS, and as in MESSAGES what arrived and what was sent."""

    file: str
    machine: str
    tick_rate_hz: int | None
    port: str
    events: pl.DataFrame
    arrived: pl.DataFrame
    sent: pl.DataFrame
    damage: list[Damage]


def knows(head: str) -> bool:
    """Whether a file that begins so is a log of this format."""
    return any(map(KNOWN.match, head.splitlines()))


def read(path: Path) -> Log:
    """InputError if the machine begins more than once."""
    text = path.read_bytes()
    plain, others = _parted(text)
    lines = _timed(others)
    said = lines.filter((pl.col("level") != "ERROR") & pl.col("at_ns").is_not_null())
    begun, serving = _said(said, BEGUN, "name", "rate"), _said(said, SERVING, "port")
    if begun.height > 1:
        raise InputError(
            f"{path}:{begun['line'][1]}: the machine begins a second time: the logs of several"
            " runs were appended; give each run a directory of its own"
        )
    machine, rate = begun.select("name", "rate").row(0) if begun.height else (path.stem, None)
    arrived, sent = _said(said, ARRIVED, "name", "stamp"), _said(said, SENT, "name", "stamp")
    failed = _said(lines.filter(level="ERROR"), FAILED, "name").with_columns(stamp=None)
    events = _said(said, EVENT, "what", "clock", "queue").with_columns(
        kind=pl.col("what").replace_strict(KINDS, default=None, return_dtype=pl.String)
    )
    events = events.drop_nulls("kind")
    torn = 0 if text.endswith(b"\n") else text.count(b"\n") + 1
    used = [begun, serving, arrived, sent, failed, events]
    return Log(
        file=path.name,
        machine=machine,
        tick_rate_hz=rate and int(rate),
        port=serving["port"][-1] if serving.height else "",
        events=_merged(EVENTS, plain[0], events),
        arrived=_merged(MESSAGES, plain[1], arrived),
        sent=_merged(MESSAGES, plain[2], sent, failed),
        damage=_damage(path.name, lines, used, torn),
    )


def _parted(text: bytes) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """What plain lines tell: events, what arrived and what was sent; and all other lines."""
    if len(text) < PLAIN_FROM_BYTES:
        nothing = [pl.DataFrame(schema=columns) for columns in (EVENTS, MESSAGES, MESSAGES)]
        return nothing, _lines_of(text).with_row_index("line", 1)
    found = vklocks_bytes.scan(text)
    others = _lines_of(found.others(text)).with_columns(line=pl.Series(found.odd + 1))
    return _plain(found), others.select("line", "text")


def _lines_of(text: bytes) -> pl.DataFrame:
    """The lines, without their ends, as `text`."""
    try:
        return pl.read_lines(text, name="text")
    except pl.exceptions.ComputeError:
        return pl.read_lines(text.decode(errors="replace").encode(), name="text")


def _plain(found: vklocks_bytes.Lines) -> list[pl.DataFrame]:
    names = pl.Series(found.names, dtype=pl.String)
    kinds = pl.Series([None, "internal", "send", "send", "receive"])
    lines = pl.DataFrame(
        {
            "line": np.arange(1, len(found.code) + 1),
            "code": found.code,
            "at_ns": found.at_ms * 1_000_000,
            "clock": found.clock,
            "queue": found.queue,
            "number": found.name,
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
    """The lines with their times, levels and what they say: null where they are of another form.

    The lines below an error belong to it, and are left out.
    """
    groups = pl.col("text").str.extract_groups(f"({TIMED})(.*)$").struct
    ms = pl.col("time").str.to_datetime(TIME, time_unit="ms", strict=False).cast(pl.Int64)
    timed = lines.with_columns(head=groups.field("1"), says=groups.field("2")).select(
        pl.col("line").cast(pl.Int64),
        time=pl.col("head").str.slice(0, TIME_LENGTH),
        level=pl.col("head").str.slice(TIME_LENGTH + 1).str.strip_suffix(": "),
        says="says",
    )
    timed = timed.with_columns(at_ns=pl.when(ms.is_between(0, MAX_MS)).then(ms * 1_000_000))
    # Lines that are not among these are plain, and no errors.
    here = pl.when(pl.col("at_ns").is_not_null()).then("level")
    after_others = pl.when(pl.col("line").diff() > 1).then(pl.lit("INFO"))
    above = here.fill_null(after_others).forward_fill()
    is_below_error = pl.col("time").is_null() & (above == "ERROR").fill_null(False)
    return timed.filter(~is_below_error)


def _said(lines: pl.DataFrame, pattern: str, *names: str) -> pl.DataFrame:
    """The lines that the pattern fits: `line`, `at_ns` and its groups by name."""
    found = SAYS.str.extract_groups(pattern).struct.rename_fields([*names]).struct.unnest()
    return lines.select("line", "at_ns", found).drop_nulls(names[0])


def _merged(columns: dict[str, Any], *frames: pl.DataFrame) -> pl.DataFrame:
    """The frames with these columns, in the order of their lines."""
    parts = [
        frame.select(pl.col(name).cast(type_) for name, type_ in columns.items())
        for frame in frames
        if frame.height
    ]
    return pl.concat([pl.DataFrame(schema=columns), *parts]).sort("line")


def _damage(file: str, lines: pl.DataFrame, used: list[pl.DataFrame], torn: int) -> list[Damage]:
    """The lines that were not used, and why. A last line without its end was torn."""
    left = lines.join(pl.concat([frame.select("line") for frame in used]), on="line", how="anti")
    return [
        Damage(file, line, f"{TORN}: {reason}" if line == torn else reason)
        for line, *says in left.sort("line").iter_rows()
        for reason in [_reason(*says)]
    ]


def _reason(time: str | None, level: str | None, says: str | None, at_ns: int | None) -> str:
    if time is None or says is None:
        return NOT_A_LINE
    if at_ns is None:
        return f"the time cannot be {time}"
    if level == "ERROR":
        return f"an error of the program: {says.partition(': <')[0]}"
    if event := re.match(EVENT, says):
        return f"an event of no known kind: {event[1]}"
    return NOT_A_LINE
