"""Figures of a run: per machine, per run, and over several runs.

What is undefined (the mean of nothing, a figure that the logs do not hold) is null or None,
never 0 and never NaN. A metric is a function whose docstring is the question that it answers;
the tables at the end, and that of `analysis.metrics.run.events`, say what each kind is made from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from math import sqrt
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from analysis.history.causality import causality, concurrency_share, longest_causal_chain
from analysis.history.run import Run
from analysis.metrics.alignment import align
from analysis.metrics.events import EVENT_METRICS, NS_PER_S, prepare, ratio
from analysis.metrics.theory import Flow, predict

Figure = int | float | None


def per_machine(run: Run) -> pl.DataFrame:
    """One row a machine, in the run's order; one column a metric of MACHINE_METRICS."""
    known = {name: metric(run) for name, metric in LOOKED_UP_METRICS.items()}
    counted = prepare(run).group_by("machine")
    figures = pl.DataFrame({"machine": run.machines, **known}).join(
        counted.agg(_of_events()),
        on="machine",
        how="left",
        maintain_order="left",
    )
    # What Polars counts is unsigned; of a machine that has a log, but no events, it is 0.
    counts = cs.unsigned_integer().cast(pl.Int64)
    logged = pl.col("machine").is_in(run.logged)
    figures = figures.with_columns(pl.when(logged).then(counts.fill_null(0)))
    return figures.select("machine", *LOOKED_UP_METRICS, *EVENT_METRICS, *_derived())


# A sweep asks them of each of its runs.
@cache
def _of_events() -> list[pl.Expr]:
    return [metric().alias(name) for name, metric in EVENT_METRICS.items()]


@cache
def _derived() -> list[pl.Expr]:
    return [metric().alias(name) for name, metric in DERIVED_METRICS.items()]


def per_run(run: Run) -> dict[str, Figure]:
    """The metrics of RUN_METRICS by their names."""
    return {name: metric(run) for name, metric in RUN_METRICS.items()}


def figures(run: Run) -> dict[str, Any]:
    """All metrics of a run by their names, those of its machines under `machines`."""
    return {"run": run.name, **per_run(run), "machines": per_machine(run).to_dicts()}


def per_runs(runs: Sequence[Run]) -> pl.DataFrame:
    """One row a run: its own metrics, and of each machine metric the mean over its machines."""
    return per_figures([figures(run) for run in runs])


def per_figures(runs: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows of `per_runs`, from the runs' figures."""
    types = {"run": pl.String} | dict.fromkeys(METRICS, pl.Float64)
    return pl.DataFrame([_means(one) for one in runs], schema=types, strict=False)


def across(runs: Sequence[Run]) -> pl.DataFrame:
    """Two rows, `mean` and `sd` over the runs, of every column of `per_runs`."""
    return statistics(per_runs(runs)).head(2)


def statistics(figures: pl.DataFrame) -> pl.DataFrame:
    """Three rows, `mean`, `sd` and `ci95_half_width`, over some rows of `per_runs`.

    The mean plus and minus `ci95_half_width` is its 95 % confidence interval (Student's t). Runs
    without a figure do not count for it; of one run there is neither deviation nor interval.
    """
    figures = figures.drop("run")
    mean, sd, count = figures.mean(), figures.std(), figures.count()
    half = sd.select(
        pl.col(name) * half_width_in_sd(n) for name, n in count.row(0, named=True).items()
    )
    rows = {"mean": mean, "sd": sd, "ci95_half_width": half}
    return pl.concat(row.select(pl.lit(name).alias("name"), pl.all()) for name, row in rows.items())


@cache
def half_width_in_sd(runs: int) -> float | None:
    """Half the width of a mean's 95 % confidence interval, in standard deviations of a run.

    None of one run.
    """
    # Imported here because it takes a tenth of a second, and one run needs none of it.
    from scipy.special import stdtrit

    return float(stdtrit(runs - 1, 0.975)) / sqrt(runs) if runs > 1 else None


def _means(one: Mapping[str, Any]) -> dict[str, object]:
    known = {
        name: [m[name] for m in one["machines"] if m.get(name) is not None]
        for name in MACHINE_METRICS
    }
    means = {name: fmean(values) if values else None for name, values in known.items()}
    return {"run": one["run"], **means} | {name: one.get(name) for name in RUN_METRICS}


def tick_rate_hz(run: Run) -> pl.Series:
    """How many ticks a second was the machine given?"""
    return _whole(run, run.tick_rates_hz)


def ticks_missed(run: Run) -> pl.Series:
    """How many ticks came too late to be taken? Of a killed machine: gaps in its tick numbers."""
    counted = {machine: stop.ticks_missed for machine, stop in run.stops.items()}
    gaps = pl.col("tick").max() + 1 - pl.col("tick").count()
    return _whole(run, counted | _of(run, set(run.logged) - set(counted), gaps))


def queue_left(run: Run) -> pl.Series:
    """How many messages were in the inbox at the end?"""
    return _whole(run, run.queue_left)


def observed_s(run: Run) -> pl.Series:
    """For how long was the machine seen? The run's duration; unless it finished, its last event."""
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
    """Which share of the ticks receives in the fluid model, which knows no faults?"""
    return _real(run, {machine: flow.utilisation for machine, flow in _flows(run).items()})


def predicted_sends_per_s(run: Run) -> pl.Series:
    """How many sends does the machine do a second in the fluid model, which knows no faults?"""
    return _real(run, {machine: flow.sends_per_s for machine, flow in _flows(run).items()})


def predicted_receives_per_s(run: Run) -> pl.Series:
    """How many messages does it receive a second in the fluid model, which knows no faults?"""
    return _real(run, {machine: flow.receives_per_s for machine, flow in _flows(run).items()})


def predicted_queue_growth_per_s(run: Run) -> pl.Series:
    """By how much does its inbox grow a second in the fluid model, which knows no faults?"""
    return _real(run, {machine: flow.queue_growth_per_s for machine, flow in _flows(run).items()})


def messages_in() -> pl.Expr:
    """How many messages arrived, received or left in the inbox?"""
    return pl.col("receive") + pl.col("queue_left")


def utilisation() -> pl.Expr:
    """Which share of the ticks that were taken received a message?"""
    return ratio(pl.col("receive"), pl.col("ticks_done"))


def sends_per_s() -> pl.Expr:
    """How many sends a second did the machine do while it was observed?"""
    return ratio(pl.col("send"), pl.col("observed_s"))


def receives_per_s() -> pl.Expr:
    """How many messages a second did the machine receive while it was observed?"""
    return ratio(pl.col("receive"), pl.col("observed_s"))


def queue_growth_per_s() -> pl.Expr:
    """How many messages left in the inbox at the end are that for each second observed?"""
    return ratio(pl.col("queue_left"), pl.col("observed_s"))


def clock_rate_to_fastest_share() -> pl.Expr:
    """How fast did the clock run, as a share of the rate of the clock that ran fastest?"""
    return ratio(pl.col("clock_rate_per_s"), pl.col("clock_rate_per_s").max())


def final_spread(run: Run) -> Figure:
    """How far apart are the last clocks, whatever their time?"""
    first = causality(run).first
    if not np.diff(first).all():
        return None
    last: list[int] = run.events["main"].gather(first[1:] - 1).to_list()
    return max(last) - min(last)


def skew_mean(run: Run) -> Figure:
    """How far apart are the clocks at one instant, on average over time?"""
    return align(run).spread_mean


def skew_max(run: Run) -> Figure:
    """How far apart were the clocks at most, at one instant?"""
    spread = align(run).spread
    return int(spread.max()) if spread.size else None


def skew_end(run: Run) -> Figure:
    """How far apart were the clocks when the first machine had its last event?"""
    spread = align(run).spread
    return int(spread[-1]) if spread.size else None


def skews(run: Run) -> pl.DataFrame:
    """The spread of the main clocks at every common instant: `at_ns`, `spread`."""
    return pl.DataFrame({"at_ns": align(run).at_ns, "spread": align(run).spread})


@lru_cache(maxsize=1)
def _flows(run: Run) -> Mapping[str, Flow]:
    """What the theory expects; nothing unless all that it depends on is known."""
    workload = next((start.spec.workload for start in run.starts.values()), None)
    if workload is None or set(run.tick_rates_hz) < set(run.machines):
        return {}
    return predict(run.tick_rates_hz, workload)


def _of(run: Run, machines: Iterable[str], expression: pl.Expr) -> dict[str, Any]:
    """What an expression says of the events of each of some machines."""
    names = list(machines)
    if not names:
        return {}
    chosen = run.events.filter(pl.col("machine").is_in(names))
    return dict(chosen.group_by("machine").agg(expression.alias("value")).iter_rows())


def _whole(run: Run, values: Mapping[str, int | None]) -> pl.Series:
    return pl.Series([values.get(machine) for machine in run.machines], dtype=pl.Int64)


def _real(run: Run, values: Mapping[str, float | None]) -> pl.Series:
    return pl.Series([values.get(machine) for machine in run.machines], dtype=pl.Float64)


#: What is known of a run without counting events, one value a machine in the run's order.
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

#: Expressions over the figures above, one row a machine.
DERIVED_METRICS: dict[str, Callable[[], pl.Expr]] = {
    "messages_in": messages_in,
    "utilisation": utilisation,
    "sends_per_s": sends_per_s,
    "receives_per_s": receives_per_s,
    "queue_growth_per_s": queue_growth_per_s,
    "clock_rate_to_fastest_share": clock_rate_to_fastest_share,
}

RUN_METRICS: dict[str, Callable[[Run], Figure]] = {
    "final_spread": final_spread,
    "skew_mean": skew_mean,
    "skew_max": skew_max,
    "skew_end": skew_end,
    "concurrency_share": concurrency_share,
    "longest_causal_chain": longest_causal_chain,
}

MACHINE_METRICS: dict[str, Callable[..., Any]] = {
    **LOOKED_UP_METRICS,
    **EVENT_METRICS,
    **DERIVED_METRICS,
}

METRICS: dict[str, Callable[..., Any]] = {**MACHINE_METRICS, **RUN_METRICS}
