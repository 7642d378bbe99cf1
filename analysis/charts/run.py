"""Charts of a run. The docstring of each chart is its caption, a question.

Charts and metrics use the same data. A long series is drawn as time intervals, each with its
lowest, highest and last value, so that no peak is lost; a large distribution is drawn as quantiles.
The `source` of the chart describes the reduction.
"""

from collections.abc import Callable

import polars as pl

from analysis.charts import encodings as vl
from analysis.charts.clocks import clocks
from analysis.history.run import Run
from analysis.metrics.events import NS_PER_MS, NS_PER_S, prepare
from analysis.metrics.machine import per_machine
from analysis.metrics.run import skews
from vm.clocks import clock_of

#: Approximate rows per chart: more cannot be distinguished and would make the page large.
MAX_ROWS = 1500
MIN_INTERVALS = 12
#: Quantiles of a distribution: every percent, or every 5 % with many machines.
QUANTILES = 101
FEW_QUANTILES = 21
KINDS = ("internal", "send", "receive")
KIND_HUES = {"domain": KINDS, "range": ("#9aa3ad", "#0072b2", "#009e73")}


def clock(run: Run) -> vl.Chart | None:
    """How do the clocks advance over wall time, with messages and with ticks alone?"""
    known = run.events.select("machine", "at_ns", value="main").drop_nulls("value")
    if known.is_empty() and len(run.events):
        return None
    rows, source = _series(known, "event")
    lines = _lines(rows, f"clock ({run.main})", {"color": vl.colour(run)})
    if not run.tick_rates_hz or not len(rows) or clock_of(run.main).reads_physical:
        return vl.Chart(vl.picture(rows, *lines), source, CLOCK_METRICS)
    last_s = float(rows.select(pl.max("at_s")).item())
    ideal = [
        {"machine": machine, "at_s": at_s, "value": rate_hz * at_s}
        for machine, rate_hz in run.tick_rates_hz.items()
        for at_s in (0.0, last_s)
    ]
    encoding = {
        "x": vl.quantitative("at_s"),
        "y": vl.quantitative("value"),
        "color": vl.colour(run),
    }
    own = vl.layer("line", encoding, strokeDash=[4, 3], strokeOpacity=0.8)
    own |= {"data": {"values": ideal}}
    source = f"{source}; dashed: the machine's own ticks only"
    return vl.Chart(vl.picture(rows, *lines, own), source, CLOCK_METRICS)


def skew(run: Run) -> vl.Chart | None:
    """How far apart are the clocks at each instant?"""
    spreads = skews(run).with_columns(machine=pl.lit("all"))
    if spreads.is_empty():
        return None
    rows, source = _series(spreads.rename({"spread": "value"}), "instant")
    lines = _lines(rows, "highest clock - lowest clock", {}, "step-after")
    return vl.Chart(vl.picture(rows, *lines), source, ("skew_mean", "skew_max", "skew_end"))


def queue(run: Run) -> vl.Chart | None:
    """How many messages wait in each inbox?"""
    known = run.events.select("machine", "at_ns", value="queue").drop_nulls()
    if known.is_empty():
        return None
    rows, source = _series(known, "event")
    lines = _lines(rows, "messages left in the inbox", {"color": vl.colour(run)}, "step-after")
    metrics = ("queue_mean_on_tick", "queue_peak", "queue_left")
    return vl.Chart(vl.picture(rows, *lines), source, metrics)


def jumps(run: Run) -> vl.Chart | None:
    """When do the clocks jump, and how far?"""
    known = prepare(run).select("machine", "at_ns", value="jump").drop_nulls()
    if known.is_empty():
        return None
    rows, source = _series(known, "jump")
    largest = "high" if "high" in rows.columns else "value"
    encoding = {
        "x": vl.time(),
        "y": vl.quantitative(largest, title="jump of the clock"),
        "color": vl.colour(run),
        "tooltip": vl.tooltip(rows, "machine", "at_s", largest),
    }
    points = vl.layer("point", encoding, size=14, filled=True, **vl.translucent(0.7))
    source = source.partition(": ")[0] + (", a point for the largest" if largest == "high" else "")
    return vl.Chart(
        vl.picture(rows, points), source, ("jump_mean", "jump_max", "jump_over_1_share")
    )


def jump_sizes(run: Run) -> vl.Chart | None:
    """How are the sizes of clock jumps distributed?"""
    jumps = prepare(run).select("machine", "jump").drop_nulls()
    if jumps.is_empty():
        return None
    counts, width = _counted(jumps)
    rows = counts.with_columns(share=pl.col("count") / pl.col("count").sum().over("machine"))
    rows = rows.sort("machine", "jump")
    encoding = {
        "x": vl.quantitative("jump", title="jump of the clock", axis={"tickMinStep": 1}),
        "y": vl.quantitative("share", title="share of jumps", **vl.LOG),
        "color": vl.colour(run),
        "tooltip": vl.tooltip(rows, "machine", "jump", "count", share=".3%"),
    }
    lines = vl.layer("line", encoding, point={"size": 22}, strokeWidth=1.2)
    sizes = "by size" if width == 1 else f"in ranges of {width} sizes, drawn at the lowest size"
    source = f"all {len(jumps):,} jumps, counted {sizes}"
    metrics = ("jump_mean", "jump_sd", "jump_min", "jump_max")
    return vl.Chart(vl.picture(rows, lines), source, metrics)


def _counted(jumps: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Count each machine's jumps by size or range of sizes; return counts and range width."""
    width = 1
    while True:
        ranges = (pl.col("jump") - 1).floordiv(width) * width + 1
        counts = jumps.group_by("machine", jump=ranges, maintain_order=True).len("count")
        if len(counts) <= 2 * MAX_ROWS or len(counts) <= 4 * counts["machine"].n_unique():
            return counts, width
        width *= 2


def time_in_queue(run: Run) -> vl.Chart | None:
    """How long do received messages wait in the inbox?"""
    waited_ns = pl.col("at_ns") - pl.col("arrived_ns")
    return _distribution(run, waited_ns, "time in the inbox", "time_in_queue")


def network_delay(run: Run) -> vl.Chart | None:
    """How long do messages take from send to arrival?"""
    delay_ns = pl.col("arrived_ns") - pl.col("sent_ns")
    return _distribution(run, delay_ns, "time from send to arrival", "network_delay")


def event_mix(run: Run) -> vl.Chart | None:
    """What fraction of each machine's events is internal, send and receive?"""
    rows = per_machine(run).select("machine", *KINDS)
    rows = rows.unpivot(index="machine", variable_name="kind", value_name="count").drop_nulls()
    rows = rows.with_columns(
        share=pl.col("count") / pl.col("count").sum().over("machine"),
        order=pl.col("kind").replace_strict(KINDS, range(len(KINDS)), return_dtype=pl.Int64),
    )
    encoding = {
        "x": vl.quantitative("share", title="share of events", axis={"format": "%"}),
        "y": vl.machines(run),
        "color": vl.nominal("kind", title=None, scale=KIND_HUES),
        "order": vl.quantitative("order"),
        "tooltip": vl.tooltip(rows, "machine", "kind", "count", share=".1%"),
    }
    bars = vl.picture(rows, vl.layer("bar", encoding), bars=len(run.machines))
    return vl.Chart(bars, f"all {run.events.height:,} events", ("events", *KINDS))


def utilisation(run: Run) -> vl.Chart | None:
    """What fraction of ticks received a message, measured and predicted?"""
    rows = per_machine(run).select("machine", "utilisation", "predicted_utilisation")
    measured = {
        "x": vl.quantitative(
            "utilisation",
            title="share of ticks with a receive (bar: measured, line: fluid model)",
            scale={"domain": [0, 1]},
            axis={"format": "%"},
        ),
        "y": vl.machines(run),
        "color": vl.colour(run, legend=None),
        "tooltip": vl.tooltip(rows, *rows.columns),
    }
    predicted = {"x": vl.quantitative("predicted_utilisation"), "y": vl.machines(run)}
    drawn = vl.picture(
        rows,
        vl.layer("bar", measured, **vl.translucent(0.85)),
        vl.layer("tick", predicted, thickness=3, size=24, **vl.translucent(0.7)),
        bars=len(run.machines),
    )
    metrics = ("utilisation", "predicted_utilisation")
    return vl.Chart(drawn, f"all {run.events.height:,} events", metrics)


CLOCK_METRICS = ("tick_rate_hz", "final_clock", "clock_rate_per_s")


def _series(readings: pl.DataFrame, unit: str) -> tuple[pl.DataFrame, str]:
    """Return rows of `machine`, `at_s` and `value`, and a description of their source.

    Too many readings are reduced to one row per time interval: its last value, and the lowest
    and highest as `low` and `high`.
    """
    timed = readings.with_columns(at_s=pl.col("at_ns") / NS_PER_S)
    if len(timed) <= MAX_ROWS:
        return timed.select("machine", "at_s", "value"), f"all {len(timed):,} {unit}s"
    intervals = max(MIN_INTERVALS, MAX_ROWS // timed["machine"].n_unique())
    first, last = timed["at_ns"].min(), timed["at_ns"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    width_ns = (last - first) // intervals + 1
    rows = (
        timed.with_columns(interval=(pl.col("at_ns") - first) // width_ns)
        .group_by("machine", "interval", maintain_order=True)
        .agg(
            pl.col("at_s", "value").last(),
            low=pl.col("value").min(),
            high=pl.col("value").max(),
        )
        .drop("interval")
    )
    source = f"all {len(timed):,} {unit}s, in intervals of {width_ns / NS_PER_S:.3g} s"
    return rows, f"{source}: the last value, and the band from the lowest to the highest"


def _lines(
    rows: pl.DataFrame, title: str, hue: vl.Spec, interpolate: str = "linear"
) -> list[vl.Spec]:
    shared = {"x": vl.time(), **hue}
    count = rows["machine"].n_unique()
    shown = [name for name in rows.columns if name != "machine" or count > 1]
    value = {"y": vl.quantitative("value", title=title), "tooltip": vl.tooltip(rows, *shown)}
    line = vl.layer("line", shared | value, strokeWidth=1.4, interpolate=interpolate)
    if "low" not in rows.columns:
        return [line]
    opacity = vl.translucent(0.3 if count <= vl.MAX_HUES else 0.1)
    return [vl.layer("area", shared | vl.bounds(title), interpolate=interpolate, **opacity), line]


def _distribution(run: Run, duration_ns: pl.Expr, title: str, metric: str) -> vl.Chart | None:
    """Draw the cumulative distribution of a duration of messages for each machine."""
    receives = prepare(run).filter(pl.col("kind") == "receive")
    known = receives.select("machine", ms=duration_ns / NS_PER_MS).drop_nulls()
    if known.is_empty():
        return None
    quantiles = QUANTILES if len(run.machines) <= vl.MAX_HUES else FEW_QUANTILES
    shares = [n / (quantiles - 1) for n in range(quantiles)]
    rows = known.group_by("machine", maintain_order=True).agg(
        share=pl.lit(pl.Series(shares)),
        ms=pl.concat_list(pl.col("ms").quantile(share, "linear") for share in shares).first(),
    )
    rows = rows.explode("share", "ms")
    scale = vl.LOG if (rows["ms"] > 0).all() else {}
    encoding = {
        "x": vl.quantitative("ms", title=f"{title} (ms)", **scale),
        "y": vl.quantitative("share", title="share of messages (cumulative)", axis={"format": "%"}),
        "order": vl.quantitative("share"),
        "color": vl.colour(run),
        "tooltip": vl.tooltip(rows, "machine", "ms", share=".0%"),
    }
    lines = vl.picture(rows, vl.layer("line", encoding, strokeWidth=1.5))
    source = f"{quantiles} quantiles per machine of all {len(known):,} received messages"
    return vl.Chart(lines, source, (f"{metric}_mean_ms", f"{metric}_p95_ms"))


RUN_CHARTS: dict[str, Callable[[Run], vl.Chart | None]] = {
    "clock": clock,
    "skew": skew,
    "queue": queue,
    "jumps": jumps,
    "jump_sizes": jump_sizes,
    "time_in_queue": time_in_queue,
    "network_delay": network_delay,
    "event_mix": event_mix,
    "utilisation": utilisation,
    "clocks": clocks,
}
