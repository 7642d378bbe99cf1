"""Metrics of each machine of a run.

An undefined value (the mean of nothing, a value that the logs lack) is null or None, never 0 and
never NaN. A metric is a function; its docstring is the question that it answers. The tables at the
end, and EVENT_METRICS in `analysis.metrics.events`, group the metrics by their input.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import polars as pl
import polars.selectors as cs

from analysis.history.derived import derived
from analysis.history.run import Run
from analysis.metrics.alignment import align
from analysis.metrics.events import EVENT_METRICS, NS_PER_S, prepare, ratio
from analysis.metrics.theory import Flow, predict


@derived
def per_machine(run: Run) -> pl.DataFrame:
    """Return a row for each machine, in the run's order, a column for each of MACHINE_METRICS."""
    known = {name: metric(run) for name, metric in LOOKED_UP_METRICS.items()}
    counted = prepare(run).group_by("machine")
    metrics = pl.DataFrame({"machine": run.machines, **known}).join(
        counted.agg(_of_events()),
        on="machine",
        how="left",
        maintain_order="left",
    )
    # Polars counts in unsigned integers; a machine with a log, but without events, counts 0.
    counts = cs.unsigned_integer().cast(pl.Int64)
    logged = pl.col("machine").is_in(run.logged)
    metrics = metrics.with_columns(pl.when(logged).then(counts.fill_null(0)))
    return metrics.select("machine", *LOOKED_UP_METRICS, *EVENT_METRICS, *_derived())


# Cached, since a sweep computes them for each of its runs.
@cache
def _of_events() -> list[pl.Expr]:
    return [metric().alias(name) for name, metric in EVENT_METRICS.items()]


@cache
def _derived() -> list[pl.Expr]:
    return [metric().alias(name) for name, metric in DERIVED_METRICS.items()]


def tick_rate_hz(run: Run) -> pl.Series:
    """How many ticks per second was the machine set to take?"""
    return _whole(run, run.tick_rates_hz)


def ticks_missed(run: Run) -> pl.Series:
    """How many ticks came too late to be taken? For a killed machine: gaps in its tick numbers."""
    counted = {machine: stop.ticks_missed for machine, stop in run.stops.items()}
    gaps = pl.col("tick").max() + 1 - pl.col("tick").count()
    return _whole(run, counted | _of(run, set(run.logged) - set(counted), gaps))


def queue_left(run: Run) -> pl.Series:
    """How many messages were in the inbox at the end?"""
    return _whole(run, run.queue_left)


def observed_s(run: Run) -> pl.Series:
    """How long was the machine observed? For the run, or until its last event if it ended early."""
    finished = {
        machine: run.starts[machine].spec.duration_s
        for machine, stop in run.stops.items()
        if stop.reason == "finished" and machine in run.starts
    }
    last_s = pl.col("at_ns").max() / NS_PER_S
    return _real(run, finished | _of(run, set(run.logged) - set(finished), last_s))


def lag_behind_front_mean(run: Run) -> pl.Series:
    """How far was the clock behind the highest one at the same instant, on average over time?"""
    return _real(run, align(run).lag_mean)


def predicted_utilisation(run: Run) -> pl.Series:
    """Which share of the ticks receives a message in the fluid model, without faults?"""
    return _real(run, {machine: flow.utilisation for machine, flow in _flows(run).items()})


def predicted_sends_per_s(run: Run) -> pl.Series:
    """How many sends per second does the fluid model predict, without faults?"""
    return _real(run, {machine: flow.sends_per_s for machine, flow in _flows(run).items()})


def predicted_receives_per_s(run: Run) -> pl.Series:
    """How many received messages per second does the fluid model predict, without faults?"""
    return _real(run, {machine: flow.receives_per_s for machine, flow in _flows(run).items()})


def predicted_queue_growth_per_s(run: Run) -> pl.Series:
    """How fast does the inbox grow in the fluid model, without faults, in messages per second?"""
    return _real(run, {machine: flow.queue_growth_per_s for machine, flow in _flows(run).items()})


def messages_in() -> pl.Expr:
    """How many messages arrived, received or left in the inbox?"""
    return pl.col("receive") + pl.col("queue_left")


def utilisation() -> pl.Expr:
    """Which share of the taken ticks received a message?"""
    return ratio(pl.col("receive"), pl.col("ticks_done"))


def sends_per_s() -> pl.Expr:
    """How many sends per second did the machine do while it was observed?"""
    return ratio(pl.col("send"), pl.col("observed_s"))


def receives_per_s() -> pl.Expr:
    """How many messages per second did the machine receive while it was observed?"""
    return ratio(pl.col("receive"), pl.col("observed_s"))


def queue_growth_per_s() -> pl.Expr:
    """How fast did the backlog grow, in messages per second?"""
    return ratio(pl.col("queue_left"), pl.col("observed_s"))


def clock_rate_to_fastest_share() -> pl.Expr:
    """How fast did the clock run, as a share of the fastest clock's rate?"""
    return ratio(pl.col("clock_rate_per_s"), pl.col("clock_rate_per_s").max())


@derived
def _flows(run: Run) -> Mapping[str, Flow]:
    """Return the predictions of the theory; none unless workload and all tick rates are known."""
    workload = next((start.spec.workload for start in run.starts.values()), None)
    if workload is None or set(run.tick_rates_hz) < set(run.machines):
        return {}
    return predict(run.tick_rates_hz, workload)


def _of(run: Run, machines: Iterable[str], expression: pl.Expr) -> dict[str, Any]:
    """Evaluate an expression over the events of each of these machines."""
    names = list(machines)
    if not names:
        return {}
    chosen = run.events.filter(pl.col("machine").is_in(names))
    return dict(chosen.group_by("machine").agg(expression.alias("value")).iter_rows())


def _whole(run: Run, values: Mapping[str, int | None]) -> pl.Series:
    return pl.Series([values.get(machine) for machine in run.machines], dtype=pl.Int64)


def _real(run: Run, values: Mapping[str, float | None]) -> pl.Series:
    return pl.Series([values.get(machine) for machine in run.machines], dtype=pl.Float64)


#: Functions of the run that return one value per machine, in the run's order.
LOOKED_UP_METRICS: dict[str, Callable[[Run], pl.Series]] = {
    "tick_rate_hz": tick_rate_hz,
    "ticks_missed": ticks_missed,
    "queue_left": queue_left,
    "observed_s": observed_s,
    "lag_behind_front_mean": lag_behind_front_mean,
    "predicted_utilisation": predicted_utilisation,
    "predicted_sends_per_s": predicted_sends_per_s,
    "predicted_receives_per_s": predicted_receives_per_s,
    "predicted_queue_growth_per_s": predicted_queue_growth_per_s,
}

#: Expressions over the metrics above, one row per machine.
DERIVED_METRICS: dict[str, Callable[[], pl.Expr]] = {
    "messages_in": messages_in,
    "utilisation": utilisation,
    "sends_per_s": sends_per_s,
    "receives_per_s": receives_per_s,
    "queue_growth_per_s": queue_growth_per_s,
    "clock_rate_to_fastest_share": clock_rate_to_fastest_share,
}

MACHINE_METRICS: dict[str, Callable[..., Any]] = {
    **LOOKED_UP_METRICS,
    **EVENT_METRICS,
    **DERIVED_METRICS,
}
