"""Lines, queues and times of foreign logs, in the conventions of the events table.

Each function appends its findings to the notes.
"""

import numpy as np
import polars as pl

from analysis.logs.matching import BY_CLOCK, BY_ORDER, BY_STAMP, Matches
from vm.quoting import counted

#: At least this many receives must agree before queues are taken as counted before the receive.
MIN_AGREEING = 5
#: The names of resolutions of time columns.
RESOLUTIONS = {1_000_000_000: "whole seconds", 1_000_000: "milliseconds", 1000: "microseconds"}
MAX_EXAMPLES = 3
#: Receivers are no machines if one send in so many is addressed to its own sender.
OWN_SHARE = 10


def without_own_receivers(
    events: pl.DataFrame, machines: tuple[str, ...], notes: list[str]
) -> pl.DataFrame:
    """Drop the receivers of all sends if many are addressed to their own sender: they are places
    in a list, not machines. With two machines, the receiver is the other one."""
    to, own = pl.col("to"), pl.col("machine")
    sends = events.filter(kind="send")
    itself = sends.filter((to.list.len() == 1) & (to.list.first() == own)).height
    if itself * OWN_SHARE < max(1, sends.height) or events.filter(pl.col("sender") == own).height:
        return events
    notes.append(
        f"{counted(itself, 'send')} addressed to the sender itself: the logged receivers are"
        " probably places in a list, not machines, and are not used"
    )
    is_named = (pl.col("kind") == "send") & (to.list.len() > 0)
    other = pl.when(own == machines[0]).then(pl.lit(machines[-1])).otherwise(pl.lit(machines[0]))
    one = pl.concat_list(other) if len(machines) == 2 else pl.lit(None, pl.List(pl.String))
    return events.with_columns(to=pl.when(is_named).then(one).otherwise("to"))


def one_row_a_send(events: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Merge a multicast that is logged once per receiver, with one clock, into one event."""
    same = (pl.col(name) == pl.col(name).shift(1) for name in ("kind", "clock", "machine"))
    to, to_before = (pl.col("to").list.first().shift(n).fill_null("") for n in (0, 1))
    # A second send to one receiver with the same clock is another event, with a wrong clock.
    copy = pl.all_horizontal(pl.col("kind") == "send", (to == "") | (to != to_before), *same)
    is_copy = events.select(copy=copy.fill_null(False)).to_series()
    if not (copies := is_copy.sum()):
        return events
    several = events.with_columns(is_copy, event=(~is_copy).cum_sum())
    merged = several.group_by("event", maintain_order=True).agg(
        pl.all().exclude("to", "copy").first(), pl.col("to").explode().drop_nulls()
    )
    sends = several.filter("copy")["event"].n_unique()
    notes.append(
        f"a send to several is logged once per receiver, with one clock: {copies + sends} lines are"
        f" {sends} events"
    )
    to = pl.when(pl.col("kind") == "send").then("to")
    return merged.with_columns(to=to).select(events.columns)


def one_row_a_receiver(
    events: pl.DataFrame, machines: tuple[str, ...], notes: list[str]
) -> pl.DataFrame:
    """Divide a multicast that is logged once, and advances the clock once for each receiver.

    Without named receivers, a step of as many as there are other machines shows a send to all.
    """
    before = pl.col("clock").shift(1).over("machine").fill_null(0)
    is_send = pl.col("kind") == "send"
    table = events.with_columns(
        step=pl.col("clock") - before, copies=pl.col("to").list.len().fill_null(0).cast(pl.Int64)
    )
    sends, others = table.filter(is_send), len(machines) - 1
    is_named = (sends["copies"] > 0).any()
    several = pl.col("copies") if is_named else pl.lit(others)
    alike = sends.filter((pl.col("step") > 1) & (pl.col("step") == several)).height
    odd = sends.filter((pl.col("step") > 1) & (pl.col("step") != several)).height
    # A send to several that advances the clock by one speaks against it.
    odd += sends.filter((pl.col("copies") > 1) & (pl.col("step") == 1)).height
    if alike < MIN_AGREEING or odd * OWN_SHARE > alike:
        return events
    times = pl.when(is_send & (pl.col("step") == several)).then("step").otherwise(1)
    divided = table.with_columns(times=times).with_columns(nth=pl.int_ranges(0, "times"))
    notes.append(
        "a send to several is logged once, and advances the clock once for each receiver:"
        f" {alike} lines are {divided['times'].sum() - events.height + alike} events"
    )
    divided = divided.explode("nth").with_columns(
        clock=pl.col("clock") - pl.col("times") + 1 + pl.col("nth"),
        to=pl.when((pl.col("times") > 1) & (pl.col("copies") > 0))
        .then(pl.col("to").list.slice(pl.col("nth"), 1))
        .otherwise("to"),
    )
    return divided.select(events.columns)


def queue_after(events: pl.DataFrame, counted_: str, notes: list[str]) -> pl.DataFrame:
    """Convert the queue of a receive to the length after it.

    `counted_` is "before", "after", or "" to infer it from the queues.
    """
    known = (pl.col("kind") == "receive") & pl.col("queue").is_not_null()
    queues = events.select(pl.col("queue").filter(known)).to_series()
    if not len(queues):
        return events
    before = counted_ == "before"
    if not counted_ and len(queues) >= MIN_AGREEING and queues.min() == 1:
        before = True
    if not before:
        if counted_ or queues.min() == 0:
            why = "defined by the format" if counted_ else "some are 0"
            notes.append(f"the queue is counted after each receive: {why}")
        return events
    why = "defined by the format" if counted_ else "the shortest is 1, never 0"
    notes.append(f"the queue is counted before each receive: {why}; one less is shown")
    less = pl.when(pl.col("kind") == "receive").then(pl.col("queue") - 1).otherwise("queue")
    return events.with_columns(queue=less)


def dated(events: pl.DataFrame, notes: list[str]) -> tuple[pl.DataFrame, int]:
    """Make times relative to the first event of all; also return their resolution in ns."""
    times = events.select("at_ns", "arrived_ns").unpivot()["value"].drop_nulls()
    if not len(times):
        notes.append("events have no times: their order on a machine is that of the log")
        return events, 1
    resolution_ns = int(np.gcd.reduce(times.to_numpy()))
    for known, name in RESOLUTIONS.items():
        if resolution_ns % known == 0:
            notes.append(f"times have a resolution of {name}")
            resolution_ns = known
            break
    epoch_ns = events["at_ns"].min()
    return events.with_columns(pl.col("at_ns", "arrived_ns") - epoch_ns), max(1, resolution_ns)


def note_matches(events: pl.DataFrame, matches: Matches, notes: list[str]) -> None:
    """Note how many receives were matched by each method, and which were not matched."""
    received = (events["kind"] == "receive").sum()
    matched = matches.table.filter(pl.col("row") >= 0)
    counts = dict(matched.group_by("method").len().iter_rows())
    for method in (BY_STAMP, BY_ORDER, BY_CLOCK):
        if count := counts.get(method):
            notes.append(f"{count} of {received} receives are matched to their sends by {method}")
    several = (
        "fit several sends, and stay unmatched: their clocks are right with any of them"
        if matches.is_explained
        else "stay unmatched: several sends fit each, or the one that fits need not be its own"
    )
    for problem, rows in (
        (several, [*matches.ambiguous]),
        ("fit no send in these logs", [row for row in matches.orphans if row >= 0]),
    ):
        if rows:
            where = events[rows[:MAX_EXAMPLES]].select("file", "line").iter_rows()
            examples = ", ".join(f"{file}:{line}" for file, line in where)
            notes.append(f"{len(rows)} of {received} receives {problem}: {examples}")
