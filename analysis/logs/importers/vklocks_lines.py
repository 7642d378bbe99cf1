"""The lines of one text log of the first vklocks.

Of a large log, plain lines (nearly all) are read byte by byte (`vklocks_bytes`) if these loops can
be compiled; all other lines and logs, by regular expressions.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.history.kernels import compiles
from analysis.history.run import TORN, Damage, InputError
from analysis.logs import texts
from analysis.logs.bulk import count
from analysis.logs.importers import vklocks_bytes
from analysis.logs.importers.vklocks_bytes import MAX_MS
from analysis.logs.limits import MAX_NAME_CHARACTERS, MAX_REASON_CHARACTERS
from vm.quoting import escaped, plain
from vm.records import Kind

TIME_LENGTH = len("2025-03-05 16:55:41,106")
TIME = "%Y-%m-%d %H:%M:%S,%3f"
TIMED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3} [A-Z]+: "
KNOWN = re.compile(f"{TIMED}(?:Machine .* initialized with tick rate|.*: updated logical clock to)")
#: The levels of lines; any other counts as the first.
INFO, ERROR, LEVEL = "INFO: ", "ERROR: ", "^[A-Z]+: "
#: The beginning of a line's text, and the pattern of what follows.
BEGUN = INFO + "Machine ", r"^(\S+) initialized with tick rate ([0-9]{1,18}) ticks per"
SERVING = INFO + "gRPC server started on port ", r"^([0-9]+)"
FAILED = ERROR + "Error sending message to ", r"^(\S+): "
#: What is before and behind the name in the line of a message; a clock follows.
ARRIVED = INFO + "Received message from ", ": received_clock="
SENT = INFO + "Sent message to ", ": sent_clock="
NUMBER = r"^([0-9]{1,18})"
IS_NAME = pl.col("name").str.contains(r"^\S+$")
#: What is before the clock in the line of an event, and what follows; or before a name, behind
#: which the same text is before the clock.
UPDATED, TO = ": updated logical clock to ", " to "
KINDS: dict[str, Kind] = {
    "Internal event" + UPDATED: "internal",
    "Sent event" + TO: "send",
    "Broadcast sent" + UPDATED: "send",
    "Processed received message" + UPDATED: "receive",
}
READING = r"^[0-9]{1,18}, system_time=[0-9.]+"
QUEUE = "^queue_length=([0-9]{1,18})"
UNKNOWN = re.compile(rf"INFO: ([A-Za-z ]+?)(?: to \S+)?{UPDATED}{READING[1:]}")
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
    text = texts.read_utf8(path)
    ends = count(text, b"\n")
    if ends > MAX_LINES:
        raise InputError(f"{path}: more than {MAX_LINES:,} lines")
    plain, others = _split(text, ends)
    lines = _timed(others)
    dated = lines.drop_nulls("at_ns")
    begun, serving = _matching(dated, *BEGUN, "name", "rate"), _matching(dated, *SERVING, "port")
    if begun.height > 1:
        raise InputError(
            f"{path}:{begun['line'][1]}: the machine begins a second time: the logs of several"
            " runs were appended; give each run a directory of its own"
        )
    name = texts.stem(path)
    machine, rate = begun.select("name", "rate").row(0) if begun.height else (name, None)
    if len(machine) > MAX_NAME_CHARACTERS:
        raise InputError(f"{path}: the machine's name is longer than {MAX_NAME_CHARACTERS}")
    arrived = _messages(dated, *ARRIVED)
    sent = _messages(dated, *SENT)
    failed = _matching(lines, *FAILED, "name").with_columns(stamp=None)
    events = _events(dated)
    torn = 0 if text.endswith(b"\n") else ends + 1
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


def _split(text: bytes, lines: int) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Return events, arrivals and sent messages of the plain lines; and all other lines."""
    if not compiles(lines):
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
    """Split lines into time and text, which begins with the level; null in lines of another form.

    The lines below an error belong to it and are left out.
    """
    text = pl.when(pl.col("text").str.contains(TIMED)).then("text")
    split = lines.select(pl.col("line").cast(pl.Int64), text=text).with_columns(
        time=pl.col("text").str.slice(0, TIME_LENGTH),
        text=pl.col("text").str.slice(TIME_LENGTH + 1),
    )
    at = pl.col("time").str.to_datetime(TIME, time_unit="ms", strict=False)
    dated = split.with_columns(ms=at.cast(pl.Int64)).with_columns(
        at_ns=pl.when(pl.col("ms").is_between(0, MAX_MS)).then(pl.col("ms") * 1_000_000)
    )
    is_usual = pl.col("text").str.starts_with(INFO) | pl.col("text").str.starts_with(ERROR)
    if not dated.select(is_usual.all()).item():
        usual = pl.col("text").str.replace(LEVEL, INFO)
        dated = dated.with_columns(text=pl.when(is_usual).then("text").otherwise(usual))
    is_error = pl.when(pl.col("at_ns").is_not_null()).then(pl.col("text").str.starts_with(ERROR))
    # The lines left out between these are plain, and no errors.
    after_others = pl.when(pl.col("line").diff() > 1).then(False)
    is_error_above = is_error.fill_null(after_others).forward_fill()
    below_error = pl.col("time").is_null() & is_error_above.fill_null(False)
    return dated.filter(~below_error).select("line", "time", "text", "at_ns")


def _matching(lines: pl.DataFrame, begin: str, pattern: str, *names: str) -> pl.DataFrame:
    """Return the lines with this beginning whose rest matches a pattern: `line`, `at_ns` and the
    groups of the pattern by name."""
    some = lines.filter(pl.col("text").str.starts_with(begin))
    found = pl.col("text").str.slice(len(begin)).str.extract_groups(pattern)
    groups = some.select("line", "at_ns", groups=found.struct.rename_fields([*names]))
    return groups.unnest("groups").drop_nulls(names[0])


def _messages(lines: pl.DataFrame, begin: str, behind: str) -> pl.DataFrame:
    """Return the lines with this beginning, a name, this text, and a clock: MESSAGE_COLUMNS.

    Split at that text: an expression that finds the end of the name takes four times as long.
    """
    some = lines.filter(pl.col("text").str.starts_with(begin))
    parts = pl.col("text").str.slice(len(begin)).str.splitn(behind, 2)
    split = some.select("line", "at_ns", parts=parts.struct.rename_fields(["name", "rest"]))
    read = split.unnest("parts").with_columns(stamp=pl.col("rest").str.extract(NUMBER))
    return read.filter(IS_NAME & pl.col("stamp").is_not_null())


def _events(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of events of a known kind, in EVENT_COLUMNS."""
    text = pl.col("text")
    found = []
    for begin, kind in KINDS.items():
        some = lines.filter(text.str.starts_with(INFO + begin))
        rest = text.str.slice(len(INFO + begin))
        if not begin.endswith(UPDATED):
            # After the name there is the same text as in the lines of the other kinds.
            parts = rest.str.splitn(UPDATED, 2).struct.rename_fields(["name", "rest"])
            some = some.select("line", "at_ns", parts=parts).unnest("parts")
            some, rest = some.filter(IS_NAME), pl.col("rest")
        # Split, as an expression that also extracts the numbers takes three times as long.
        parts = rest.str.splitn(", ", 3).struct.rename_fields(["clock", "time", "queue"])
        read = some.filter(rest.str.contains(READING)).select("line", "at_ns", parts=parts)
        found.append(read.unnest("parts").with_columns(kind=pl.lit(kind)))
    return pl.concat(found).with_columns(queue=pl.col("queue").str.extract(QUEUE))


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


def _reason(time: str | None, text: str | None, at_ns: int | None) -> str:
    if time is None or text is None:
        return NOT_A_LINE
    if at_ns is None:
        return f"the time cannot be {time}"
    if text.startswith(ERROR):
        return f"an error of the program: {text.removeprefix(ERROR).partition(': <')[0]}"
    if event := UNKNOWN.match(text):
        return f"an event of no known kind: {event[1]}"
    return NOT_A_LINE
