"""Figures of a run: per machine, per run, and over several runs.

A metric of a machine answers with a frame of `machine` and `value`, a metric of a run with one
number. What is undefined (the mean of nothing, a figure that the logs do not hold) is null or
None, never 0 and never NaN. A jump is the difference of successive main clock values of one
machine; a standard deviation is that of a sample (divided by n - 1).
"""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from analysis.history import Run

Figure = int | float | None
MachineMetric = Callable[[Run], pl.DataFrame]
RunMetric = Callable[[Run], Figure]


def per_machine(run: Run) -> pl.DataFrame:
    """One row a machine, in the run's order; one column a metric of MACHINE_METRICS."""
    frame = pl.DataFrame({"machine": run.machines}, schema={"machine": pl.String})
    for name, metric in MACHINE_METRICS.items():
        values = metric(run).rename({"value": name})
        frame = frame.join(values, on="machine", how="left", maintain_order="left")
    return frame


def per_run(run: Run) -> dict[str, Figure]:
    """The metrics of RUN_METRICS by their names."""
    return {name: metric(run) for name, metric in RUN_METRICS.items()}


def per_runs(runs: Sequence[Run]) -> pl.DataFrame:
    """One row a run: its own metrics, and of each machine metric the mean over its machines."""
    types = {"run": pl.String} | dict.fromkeys(METRICS, pl.Float64)
    return pl.concat(pl.DataFrame([_means(run)], schema=types, strict=False) for run in runs)


def across(runs: Sequence[Run]) -> pl.DataFrame:
    """Two rows, `mean` and `sd` over the runs, of every column of `per_runs`."""
    figures = per_runs(runs).drop("run")
    return pl.concat(
        frame.select(pl.lit(name).alias("name"), pl.all())
        for name, frame in {"mean": figures.mean(), "sd": figures.std()}.items()
    )


def _means(run: Run) -> dict[str, object]:
    machines = per_machine(run).drop("machine").mean().row(0, named=True)
    return {"run": run.name} | machines | per_run(run)


def tick_rate_hz(run: Run) -> pl.DataFrame:
    """How many ticks a second was the machine given?"""
    return _frame(run.tick_rates_hz)


def ticks_done(run: Run) -> pl.DataFrame:
    """How many ticks did the machine take? Each makes one event."""
    return _count(run, pl.lit(True))


def ticks_missed(run: Run) -> pl.DataFrame:
    """How many ticks came too late to be taken? Of a killed machine: gaps in its tick numbers."""
    gaps = _over(run, pl.col("tick").max() + 1 - pl.col("tick").count())
    counted = {machine: stop.ticks_missed for machine, stop in run.stops.items()}
    return _frame(dict(gaps.iter_rows()) | counted)


def events(run: Run) -> pl.DataFrame:
    """How many events did the machine have?"""
    return _count(run, pl.lit(True))


def internal(run: Run) -> pl.DataFrame:
    """How many events were internal?"""
    return _count(run, pl.col("kind") == "internal")


def send(run: Run) -> pl.DataFrame:
    """How many events were sends? A message to all is one send."""
    return _count(run, pl.col("kind") == "send")


def receive(run: Run) -> pl.DataFrame:
    """How many events were receives?"""
    return _count(run, pl.col("kind") == "receive")


def final_clock(run: Run) -> pl.DataFrame:
    """What did the main clock read at the machine's last event?"""
    return _over(run, pl.col("main").last())


def jump_mean(run: Run) -> pl.DataFrame:
    """By how much did the clock grow from event to event, on average?"""
    return _over_jumps(run, pl.col("jump").mean())


def jump_min(run: Run) -> pl.DataFrame:
    """What was the smallest jump of the clock?"""
    return _over_jumps(run, pl.col("jump").min())


def jump_max(run: Run) -> pl.DataFrame:
    """What was the largest jump of the clock?"""
    return _over_jumps(run, pl.col("jump").max())


def jump_sd(run: Run) -> pl.DataFrame:
    """How much do the jumps of the clock differ? Sample standard deviation."""
    return _over_jumps(run, pl.col("jump").std())


def jump_over_1_share(run: Run) -> pl.DataFrame:
    """Which share of the jumps was over 1, so that another machine had pushed the clock?"""
    return _over_jumps(run, (pl.col("jump") > 1).mean())


def queue_mean_on_receive(run: Run) -> pl.DataFrame:
    """How many messages did a receive leave in the inbox, on average?"""
    return _over(run, pl.col("queue").filter(pl.col("kind") == "receive").mean())


def queue_mean_on_tick(run: Run) -> pl.DataFrame:
    """How many messages did a tick leave in the inbox, on average?"""
    # Null where a log tells the queue of some events only: their mean is another figure.
    return _over(run, pl.when(pl.col("queue").null_count() == 0).then(pl.col("queue").mean()))


def queue_peak(run: Run) -> pl.DataFrame:
    """What was the most that a tick left in the inbox?"""
    return _over(run, pl.col("queue").max())


def queue_left(run: Run) -> pl.DataFrame:
    """How many messages were in the inbox at the end?"""
    return _frame(run.queue_left)


def messages_out(run: Run) -> pl.DataFrame:
    """How many messages did the machine send? A send to all is one to each."""
    out = _over(run, pl.col("to").list.len().sum().cast(pl.Int64))
    return _frame(dict.fromkeys(run.logged, 0) | dict(out.iter_rows()))


def messages_in(run: Run) -> pl.DataFrame:
    """How many messages arrived, received or left in the inbox?"""
    received = dict(receive(run).iter_rows())
    return _frame({machine: received[machine] + left for machine, left in run.queue_left.items()})


def final_spread(run: Run) -> Figure:
    """How far apart are the last clocks, whatever their time?"""
    last = final_clock(run)["value"].to_list()
    return max(last) - min(last) if len(last) == len(run.machines) else None


def aligned_spread_mean(run: Run) -> Figure:
    """How far apart are the clocks at one instant, on average over time?"""
    spreads = aligned_spreads(run)
    lasting_ns = (pl.col("at_ns").shift(-1) - pl.col("at_ns")).alias("lasting_ns")
    # As floats: the products of a long run do not fit into 64 bits.
    weighted = (pl.col("spread").cast(pl.Float64) * lasting_ns).sum() / lasting_ns.sum()
    mean: float = spreads.select(weighted.fill_nan(None)).item()
    return mean


def aligned_spread_max(run: Run) -> Figure:
    """How far apart were the clocks at most, at one instant?"""
    spreads = aligned_spreads(run)["spread"].to_list()
    return max(spreads, default=None)


def aligned_spread_end(run: Run) -> Figure:
    """How far apart were the clocks when the first machine had its last event?"""
    spreads = aligned_spreads(run)["spread"].to_list()
    return spreads[-1] if spreads else None


def aligned_spreads(run: Run) -> pl.DataFrame:
    """The spread of the main clocks (`at_ns`, `spread`) at every event's instant.

    The clock of a machine at an instant is that of its last event at or before it. From the
    instant at which every machine has had an event until the earliest last event.
    """
    readings = run.events.select("machine", "at_ns", "main").sort("at_ns", maintain_order=True)
    logs = readings.partition_by("machine")
    first_ns = max((log["at_ns"][0] for log in logs), default=0)
    last_ns = min((log["at_ns"][-1] for log in logs), default=-1)
    instants = readings.select(pl.col("at_ns").unique().sort())
    instants = instants.filter(pl.col("at_ns").is_between(first_ns, last_ns)).set_sorted("at_ns")
    if len(logs) < len(run.machines) or instants.is_empty():
        return pl.DataFrame(schema={"at_ns": pl.Int64, "spread": pl.Int64})
    low = high = _at(instants, logs[0])
    for log in logs[1:]:
        reading = _at(instants, log)
        low, high = pl.select(
            pl.min_horizontal(low, reading).alias("low"),
            pl.max_horizontal(high, reading).alias("high"),
        ).get_columns()
    return instants.with_columns(spread=high - low)


def _at(instants: pl.DataFrame, log: pl.DataFrame) -> pl.Series:
    """What the clock of one machine read at each instant."""
    last = log.group_by("at_ns", maintain_order=True).last().set_sorted("at_ns")
    return instants.join_asof(last, on="at_ns")["main"]


def _over(run: Run, expression: pl.Expr) -> pl.DataFrame:
    return run.events.group_by("machine", maintain_order=True).agg(value=expression)


def _over_jumps(run: Run, expression: pl.Expr) -> pl.DataFrame:
    jumps = run.events.select("machine", jump=pl.col("main").diff().over("machine")).drop_nulls()
    return jumps.group_by("machine", maintain_order=True).agg(value=expression)


def _count(run: Run, which: pl.Expr) -> pl.DataFrame:
    """The number of events per machine that has a log, 0 included."""
    counts = run.events.filter(which).group_by("machine").agg(value=pl.len().cast(pl.Int64))
    return _frame(dict.fromkeys(run.logged, 0) | dict(counts.iter_rows()))


def _frame(values: Mapping[str, int]) -> pl.DataFrame:
    schema = {"machine": pl.String, "value": pl.Int64}
    return pl.DataFrame({"machine": list(values), "value": list(values.values())}, schema=schema)


MACHINE_METRICS: dict[str, MachineMetric] = {
    "tick_rate_hz": tick_rate_hz,
    "ticks_done": ticks_done,
    "ticks_missed": ticks_missed,
    "events": events,
    "internal": internal,
    "send": send,
    "receive": receive,
    "final_clock": final_clock,
    "jump_mean": jump_mean,
    "jump_min": jump_min,
    "jump_max": jump_max,
    "jump_sd": jump_sd,
    "jump_over_1_share": jump_over_1_share,
    "queue_mean_on_receive": queue_mean_on_receive,
    "queue_mean_on_tick": queue_mean_on_tick,
    "queue_peak": queue_peak,
    "queue_left": queue_left,
    "messages_out": messages_out,
    "messages_in": messages_in,
}

RUN_METRICS: dict[str, RunMetric] = {
    "final_spread": final_spread,
    "aligned_spread_mean": aligned_spread_mean,
    "aligned_spread_max": aligned_spread_max,
    "aligned_spread_end": aligned_spread_end,
}

METRICS: dict[str, MachineMetric | RunMetric] = {**MACHINE_METRICS, **RUN_METRICS}
