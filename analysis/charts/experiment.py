"""Charts of many runs: each answers the question in its docstring, which is its caption.

Along the axis with the most values, each point of an experiment is the mean over its runs, with
the band of its 95 % confidence interval, every run as a dot behind it, and what the fluid model
says where it says something. Other axes are told apart by colour.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from analysis.charts.encodings import MAX_HUES, Plot, sized
from analysis.metrics.run import half_width_in_sd

MAX_DOTS = 3000
#: The fluid model's lines where no other colours say which is which.
MODEL = "#d55e00"
UPRIGHT = alt.Axis(labelAngle=0, labelOverlap=True)


@dataclass(frozen=True)
class Sweep:
    """The runs of an experiment.

    `runs` has a row for each: `run`, `point`, a column for each of the `axes`, and the metrics;
    `machines` a row for each machine of each run, with `run`, `point`, the axes and `machine`.
    """

    runs: pl.DataFrame
    machines: pl.DataFrame
    axes: tuple[str, ...]


def sweep(runs: pl.DataFrame, every: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> Sweep:
    """A sweep from a row for each run, and the figures of each, in the same order."""
    rows = [
        {"run": run, "machine": machine["machine"], **machine}
        for run, figures in zip(runs["run"], every, strict=True)
        for machine in figures["machines"]
    ]
    machines = pl.DataFrame(rows, infer_schema_length=None)
    places = runs.select("run", "point", *axes).unique("run", maintain_order=True)
    return Sweep(runs, places.join(machines, on="run"), tuple(axes))


def skew(swept: Sweep) -> Plot | None:
    """How far apart are the clocks at one instant, on average over time?"""
    return _measure(swept, "skew_mean", "clock skew, mean over time")


def jump(swept: Sweep) -> Plot | None:
    """By how much does a clock grow from event to event, on average?"""
    return _measure(swept, "jump_mean", "mean jump of the clock")


def jump_share(swept: Sweep) -> Plot | None:
    """Which share of the jumps is over 1, so that another machine pushed the clock?"""
    return _measure(swept, "jump_over_1_share", "share of jumps over 1")


def concurrency(swept: Sweep) -> Plot | None:
    """Which share of the pairs of events is concurrent, neither before the other?"""
    return _measure(swept, "concurrency_share", "share of concurrent pairs")


def queue(swept: Sweep) -> Plot | None:
    """How many messages does a tick leave in the inbox, on average?"""
    return _measure(swept, "queue_mean_on_tick", "messages left in the inbox, mean")


def utilisation(swept: Sweep) -> Plot | None:
    """Which share of the ticks receives, and which share should?"""
    return _measure(swept, "utilisation", "utilisation", "predicted_utilisation")


def queue_growth(swept: Sweep) -> Plot | None:
    """How fast do the inboxes grow, and how fast should they?"""
    return _measure(
        swept, "queue_growth_per_s", "queue growth (messages/s)", "predicted_queue_growth_per_s"
    )


def receives(swept: Sweep) -> Plot | None:
    """How many messages does a machine receive a second, and how many should it?"""
    return _measure(swept, "receives_per_s", "receives (1/s)", "predicted_receives_per_s")


def network_delay(swept: Sweep) -> Plot | None:
    """How long are received messages on their way, on average?"""
    return _measure(swept, "network_delay_mean_ms", "time from send to arrival (ms)")


def time_in_queue(swept: Sweep) -> Plot | None:
    """How long do received messages wait in the inbox, on average?"""
    return _measure(swept, "time_in_queue_mean_ms", "time in the inbox (ms)")


def saturation(swept: Sweep) -> Plot | None:
    """Where do machines saturate, and where does the fluid model say that they do?"""
    if not swept.axes or swept.machines["utilisation"].null_count() == swept.machines.height:
        return None
    across, down = _map_axes(swept)
    rows = (
        swept.machines.group_by("point", across, down, maintain_order=True)
        .agg(
            pl.col("utilisation").mean(),
            saturates=(pl.col("predicted_queue_growth_per_s") > 0).any(),
        )
        .with_columns(pl.col("saturates").fill_null(False))
    )
    if down != "machine":
        # Of a point, the machine that receives most.
        by_machine = swept.machines.group_by("point", "machine").agg(pl.col("utilisation").mean())
        highest = by_machine.group_by("point").agg(pl.col("utilisation").max())
        rows = rows.drop("utilisation").join(highest, on="point", maintain_order="left")
    base = alt.Chart(rows).encode(
        x=alt.X(f"{_field(across)}:O", title=across, axis=UPRIGHT),
        y=alt.Y(f"{_field(down)}:O", title=None if down == "machine" else down),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "utilisation:Q",
            title="utilisation",
            scale=alt.Scale(scheme="viridis", domain=[0, 1]),
            legend=alt.Legend(format="%", gradientLength=120),
        ),
        tooltip=[alt.Tooltip(_field(name), title=name) for name in rows.columns],
    )
    model = base.transform_filter("datum.saturates").mark_text(
        text="×", fontSize=15, fontWeight="bold", color=MODEL
    )
    who = "of each machine" if down == "machine" else "of the machine that receives most"
    drawn = (
        f"{_counted(swept)}: the mean utilisation {who};"
        " crosses: the fluid model says that a machine saturates"
    )
    metrics = ("utilisation", "predicted_queue_growth_per_s")
    return Plot(sized(cells + model), drawn, metrics)


def _measure(swept: Sweep, metric: str, title: str, predicted: str = "") -> Plot | None:
    """A metric along the sweep; over the machines where nothing was swept."""
    table, axis, others = _along(swept, metric)
    known = table.filter(pl.col(metric).is_not_null())
    if known.is_empty():
        return None
    rows = _means(known, [axis, *others], metric, predicted)
    kind = "Q" if known[axis].dtype.is_numeric() else "O"
    x = alt.X(f"{_field(axis)}:{kind}", title=None if axis == "machine" else axis)
    x = x.scale(alt.Scale(zero=False)) if kind == "Q" else x.axis(UPRIGHT)
    series = _series(rows, others)
    y = alt.Y("mean:Q", title=title)
    base = alt.Chart(rows).encode(x=x, **series)
    dotted = known.select(axis, *others, metric).pipe(_named, others)
    dots = alt.Chart(dotted if len(dotted) <= MAX_DOTS else dotted.clear())
    dots = dots.mark_circle(size=12, opacity=0.35).encode(x=x, y=f"{metric}:Q", **series)
    shown = [alt.Tooltip(_field(name), title=name) for name in rows.columns if name != "series"]
    if kind == "Q":
        band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
        line = base.mark_line(point=True, strokeWidth=1.6).encode(y=y, tooltip=shown)
        model = base.mark_line(strokeDash=[5, 3], strokeWidth=1.6)
        model = model if others else model.encode(color=alt.value(MODEL))
    else:
        band = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
        line = base.mark_point(size=50, filled=True).encode(y=y, tooltip=shown)
        model = base.mark_tick(thickness=2.5, size=22)
    chart = band + dots + line
    if predicted and rows["predicted"].count():
        chart = chart + model.encode(y="predicted:Q")
    return Plot(sized(chart), _drawn(swept, predicted, kind), (metric, *_some(predicted)))


def _along(swept: Sweep, metric: str) -> tuple[pl.DataFrame, str, list[str]]:
    """The rows to be drawn, the axis along which, and the axes that are told apart by colour.

    Where nothing was swept a metric of machines is drawn machine by machine, others run by run.
    """
    if not swept.axes:
        by_machine = metric in swept.machines.columns
        return (swept.machines, "machine", []) if by_machine else (swept.runs, "run", [])
    axis = max(swept.axes, key=lambda axis: _extent(swept.runs, axis))
    return swept.runs, axis, [other for other in swept.axes if other != axis]


def _map_axes(swept: Sweep) -> tuple[str, str]:
    """The two axes of the map: of a sweep along one axis, the machines are the other."""
    across = max(swept.axes, key=lambda axis: _extent(swept.runs, axis))
    others = [axis for axis in swept.axes if axis != across]
    return across, max(others, key=lambda axis: _extent(swept.runs, axis), default="machine")


def _extent(runs: pl.DataFrame, axis: str) -> tuple[bool, int]:
    """Numbers before words, then what has most values."""
    return runs[axis].dtype.is_numeric(), runs[axis].n_unique()


def _means(rows: pl.DataFrame, by: list[str], metric: str, predicted: str) -> pl.DataFrame:
    """For each value of the axes the mean over the runs, and its 95 % confidence interval."""
    expected = pl.col(predicted).mean() if predicted else pl.lit(None)
    # Of what no run has a figure for not even the type is known.
    found = rows.group_by(by, maintain_order=True).agg(
        mean=pl.col(metric).mean().cast(pl.Float64),
        sd=pl.col(metric).std(),
        runs=pl.len(),
        predicted=expected.cast(pl.Float64),
    )
    in_sd = pl.Series(list(map(half_width_in_sd, found["runs"])), dtype=pl.Float64)
    half = (pl.col("sd") * in_sd).fill_null(0)
    low, high = pl.col("mean") - half, pl.col("mean") + half
    found = found.select(*by, "mean", "runs", "predicted", low=low, high=high)
    return _named(found.sort(by), by[1:])


def _named(rows: pl.DataFrame, others: list[str]) -> pl.DataFrame:
    """Rows with their `series`: what the other axes are there."""
    parts = [pl.format(f"{other} {{}}", pl.col(other)) for other in others]
    return rows.with_columns(series=pl.concat_str(parts, separator=", ")) if others else rows


def _series(rows: pl.DataFrame, others: list[str]) -> dict[str, Any]:
    if not others:
        return {}
    names = rows["series"].unique(maintain_order=True).to_list()
    if len(names) <= MAX_HUES:
        return {"color": alt.Color("series:N", title=None, sort=names)}
    return {"color": alt.Color("series:N", title=None, sort=names, scale={"scheme": "viridis"})}


def _drawn(swept: Sweep, predicted: str, kind: str) -> str:
    model = "; dashed: the fluid model" if kind == "Q" else "; a dash: the fluid model"
    interval = "band" if kind == "Q" else "bar"
    dots = ", a dot each" if len(swept.runs) <= MAX_DOTS else ", too many for dots"
    return (
        f"{_counted(swept)}{dots}; the mean, and as a {interval} its 95 % confidence"
        f" interval{model if predicted else ''}"
    )


def _counted(swept: Sweep) -> str:
    points = swept.runs["point"].n_unique()
    return f"all {len(swept.runs):,} runs at {points:,} point{'' if points == 1 else 's'}"


def _some(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _field(name: str) -> str:
    """A column's name for Vega-Lite, to which dots and brackets mean something."""
    return name.replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


SWEEP_PLOTS: dict[str, Callable[[Sweep], Plot | None]] = {
    "utilisation": utilisation,
    "queue_growth": queue_growth,
    "saturation": saturation,
    "receives": receives,
    "skew": skew,
    "jump": jump,
    "jump_share": jump_share,
    "concurrency": concurrency,
    "queue": queue,
    "time_in_queue": time_in_queue,
    "network_delay": network_delay,
}
