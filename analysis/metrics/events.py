"""Metrics of the events of one machine, as Polars expressions: one pass computes all of them.

A jump is the difference of successive main clock values of one machine; a standard deviation is
that of a sample (divided by n - 1). Delays and waits cover only received messages: on a saturated
machine most messages still wait in the inbox, so its delays and waits are of little use.
A 95th percentile (`p95`) is interpolated linearly between the two values around it.
"""

from collections.abc import Callable

import polars as pl

from analysis.history.causality import causality
from analysis.history.run import Run

NS_PER_MS = 10**6
NS_PER_S = 10**9
RECEIVES = pl.col("kind") == "receive"
JUMP = pl.col("jump")


def prepare(run: Run) -> pl.DataFrame:
    """Return the columns of events that the metrics use, with `jump`, and `sent_ns` of receives."""
    used = ("machine", "kind", "tick", "at_ns", "arrived_ns", "queue", "main", "to")
    same_machine = pl.col("machine") == pl.col("machine").shift()
    jump = pl.when(same_machine).then(pl.col("main").diff())
    # The row -1, for no known send, becomes null.
    sends = pl.Series(causality(run).send).cast(pl.UInt32, strict=False)
    return run.events.select(*used, jump=jump, sent_ns=pl.col("at_ns").gather(sends))


def ticks_done() -> pl.Expr:
    """How many ticks did the machine take? Each makes one event."""
    return pl.len()


def events() -> pl.Expr:
    """How many events did the machine have?"""
    return pl.len()


def internal() -> pl.Expr:
    """How many events were internal?"""
    return (pl.col("kind") == "internal").sum()


def send() -> pl.Expr:
    """How many events were sends? A message to all is one send."""
    return (pl.col("kind") == "send").sum()


def receive() -> pl.Expr:
    """How many events were receives?"""
    return RECEIVES.sum()


def messages_out() -> pl.Expr:
    """How many messages did the machine send? A send to all is one message to each machine."""
    return pl.col("to").list.len().sum()


def final_clock() -> pl.Expr:
    """What did the main clock read at the machine's last event?"""
    return pl.col("main").last()


def jump_mean() -> pl.Expr:
    """By how much did the clock grow from event to event, on average?"""
    return JUMP.mean()


def jump_min() -> pl.Expr:
    """What was the smallest jump of the clock?"""
    return JUMP.min()


def jump_max() -> pl.Expr:
    """What was the largest jump of the clock?"""
    return JUMP.max()


def jump_sd() -> pl.Expr:
    """How much did the jumps of the clock vary? Sample standard deviation."""
    return JUMP.std()


def jump_over_1_mean() -> pl.Expr:
    """How large were the jumps of the clock above 1, on average?"""
    return JUMP.filter(JUMP > 1).mean()


def jump_over_1_share() -> pl.Expr:
    """Which share of the jumps was above 1, caused by the clock of another machine?"""
    return (JUMP > 1).mean()


def jump_over_1_event_share() -> pl.Expr:
    """Which share of all events, including the first, had a jump of the clock above 1?"""
    # Null if the main clock has no numbers.
    return pl.when(pl.col("main").count() > 0).then((JUMP > 1).sum() / pl.len())


def clock_rate_per_s() -> pl.Expr:
    """How many units per second did the main clock gain, from the first event to the last?"""
    gained = pl.col("main").last() - pl.col("main").first()
    return ratio(gained, (pl.col("at_ns").last() - pl.col("at_ns").first()) / NS_PER_S)


def queue_mean_on_receive() -> pl.Expr:
    """How many messages did a receive leave in the inbox, on average?"""
    return pl.col("queue").filter(RECEIVES).mean()


def queue_mean_on_tick() -> pl.Expr:
    """How many messages did a tick leave in the inbox, on average?"""
    # Null if a log has the queue of some events only: their mean is another metric.
    return pl.when(pl.col("queue").null_count() == 0).then(pl.col("queue").mean())


def queue_peak() -> pl.Expr:
    """How many messages did a tick leave in the inbox at most?"""
    return pl.col("queue").max()


def network_delay_mean_ms() -> pl.Expr:
    """How long did a received message take from its send to its arrival, on average?"""
    return _mean_ms("sent_ns", "arrived_ns")


def network_delay_p95_ms() -> pl.Expr:
    """Within which time after their send did 95 % of the received messages arrive?"""
    return _p95_ms("sent_ns", "arrived_ns")


def time_in_queue_mean_ms() -> pl.Expr:
    """How long did a received message wait in the inbox, on average?"""
    return _mean_ms("arrived_ns", "at_ns")


def time_in_queue_p95_ms() -> pl.Expr:
    """Within which time after their arrival did 95 % of the received messages leave the inbox?"""
    return _p95_ms("arrived_ns", "at_ns")


def message_age_mean_ms() -> pl.Expr:
    """How old was a message at its receive, counted from its send, on average?"""
    return _mean_ms("sent_ns", "at_ns")


def message_age_p95_ms() -> pl.Expr:
    """How old were 95 % of the received messages at most, from send to receive?"""
    return _p95_ms("sent_ns", "at_ns")


def _mean_ms(begin: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(begin)).mean() / NS_PER_MS


def _p95_ms(begin: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(begin)).quantile(0.95, "linear") / NS_PER_MS


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return a ratio that is null, not infinite and not NaN, where the divisor is 0."""
    return pl.when(whole != 0).then(part / whole)


#: Expressions over the events of one machine, as `prepare` returns them.
EVENT_METRICS: dict[str, Callable[[], pl.Expr]] = {
    "ticks_done": ticks_done,
    "events": events,
    "internal": internal,
    "send": send,
    "receive": receive,
    "messages_out": messages_out,
    "final_clock": final_clock,
    "jump_mean": jump_mean,
    "jump_min": jump_min,
    "jump_max": jump_max,
    "jump_sd": jump_sd,
    "jump_over_1_mean": jump_over_1_mean,
    "jump_over_1_share": jump_over_1_share,
    "jump_over_1_event_share": jump_over_1_event_share,
    "clock_rate_per_s": clock_rate_per_s,
    "queue_mean_on_receive": queue_mean_on_receive,
    "queue_mean_on_tick": queue_mean_on_tick,
    "queue_peak": queue_peak,
    "network_delay_mean_ms": network_delay_mean_ms,
    "network_delay_p95_ms": network_delay_p95_ms,
    "time_in_queue_mean_ms": time_in_queue_mean_ms,
    "time_in_queue_p95_ms": time_in_queue_p95_ms,
    "message_age_mean_ms": message_age_mean_ms,
    "message_age_p95_ms": message_age_p95_ms,
}
