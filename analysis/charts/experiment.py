"""Charts of an experiment. The docstring of each chart is its caption, a question.

The horizontal axis is the axis of the experiment with the most values; colours distinguish the
others. Each point is drawn as the mean over its runs, with its 95 % confidence interval, a dot
for every run, and the prediction of the fluid model if there is one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.charts import encodings as vl
from analysis.metrics.across import half_width_in_sd

MAX_DOTS = 3000
#: The colour of the fluid model's lines if no other colours are in use.
MODEL = "#d55e00"
UPRIGHT = {"labelAngle": 0, "labelOverlap": True}


@dataclass(frozen=True)
class ExperimentRuns:
    """The runs of an experiment.

    `runs` has a row for each run: `run`, `point`, a column for each of the `axes`, and the metrics;
    `machines` a row for each machine of each run, with `run`, `point`, the axes and `machine`.
    """

    runs: pl.DataFrame
    machines: pl.DataFrame
    axes: tuple[str, ...]

    @property
    def axes_by_extent(self) -> list[str]:
        """The axes: numbers before text, then by number of values, largest first."""
        extents = {
            axis: (self.runs[axis].dtype.is_numeric(), self.runs[axis].n_unique())
            for axis in self.axes
        }
        return sorted(extents, key=extents.__getitem__, reverse=True)


def experiment_runs(
    runs: pl.DataFrame, metrics: Sequence[Mapping[str, Any]], axes: Sequence[str]
) -> ExperimentRuns:
    """Combine the rows of runs with their metrics, which are in the same order."""
    rows = [
        {"run": run, "machine": machine["machine"], **machine}
        for run, of_run in zip(runs["run"], metrics, strict=True)
        for machine in of_run["machines"]
    ]
    machines = pl.DataFrame(rows, infer_schema_length=None)
    points = runs.select("run", "point", *axes).unique("run", maintain_order=True)
    return ExperimentRuns(runs, points.join(machines, on="run"), tuple(axes))


def skew(experiment: ExperimentRuns) -> vl.Chart | None:
    """How far apart are the clocks, on average over time?"""
    return _measure(experiment, "skew_mean", "clock skew, mean over time")


def jump(experiment: ExperimentRuns) -> vl.Chart | None:
    """How much does a clock advance per event, on average?"""
    return _measure(experiment, "jump_mean", "mean jump of the clock")


def jump_share(experiment: ExperimentRuns) -> vl.Chart | None:
    """What fraction of clock jumps is larger than 1 (caused by a message)?"""
    return _measure(experiment, "jump_over_1_share", "share of jumps over 1")


def concurrency(experiment: ExperimentRuns) -> vl.Chart | None:
    """What fraction of event pairs is concurrent?"""
    return _measure(experiment, "concurrency_share", "share of concurrent pairs")


def queue(experiment: ExperimentRuns) -> vl.Chart | None:
    """How many messages are in the inbox after a tick, on average?"""
    return _measure(experiment, "queue_mean_on_tick", "messages left in the inbox, mean")


def utilisation(experiment: ExperimentRuns) -> vl.Chart | None:
    """What fraction of ticks received a message, measured and predicted?"""
    return _measure(experiment, "utilisation", "utilisation", "predicted_utilisation")


def queue_growth(experiment: ExperimentRuns) -> vl.Chart | None:
    """How fast did the backlog grow, measured and predicted?"""
    return _measure(
        experiment,
        "queue_growth_per_s",
        "queue growth (messages/s)",
        "predicted_queue_growth_per_s",
    )


def receives(experiment: ExperimentRuns) -> vl.Chart | None:
    """How many messages does a machine receive per second, measured and predicted?"""
    return _measure(experiment, "receives_per_s", "receives (1/s)", "predicted_receives_per_s")


def network_delay(experiment: ExperimentRuns) -> vl.Chart | None:
    """How long do messages take from send to arrival, on average?"""
    return _measure(experiment, "network_delay_mean_ms", "time from send to arrival (ms)")


def time_in_queue(experiment: ExperimentRuns) -> vl.Chart | None:
    """How long do received messages wait in the inbox, on average?"""
    return _measure(experiment, "time_in_queue_mean_ms", "time in the inbox (ms)")


def saturation(experiment: ExperimentRuns) -> vl.Chart | None:
    """Where do machines saturate, measured and predicted?"""
    if (
        not experiment.axes
        or experiment.machines["utilisation"].null_count() == experiment.machines.height
    ):
        return None
    # With one axis in the experiment, the other axis of the map is the machines.
    across, down = [*experiment.axes_by_extent, "machine"][:2]
    by_machine = experiment.machines.group_by(
        {"point", across, down, "machine"}, maintain_order=True
    ).agg(
        pl.col("utilisation").mean(),
        saturates=(pl.col("predicted_queue_growth_per_s") > 0).any(),
    )
    # Unless each machine has its own row, draw the highest utilisation at the point.
    rows = by_machine.group_by("point", across, down, maintain_order=True).agg(
        pl.col("utilisation").max(), pl.col("saturates").any()
    )
    place = {
        "x": vl.ordinal(across, title=across, axis=UPRIGHT),
        "y": vl.ordinal(down, title=None if down == "machine" else down),
    }
    shade = {
        "color": vl.quantitative(
            "utilisation",
            title="utilisation",
            scale={"scheme": "viridis", "domain": [0, 1]},
            legend={"format": "%", "gradientLength": 120},
        ),
        "tooltip": vl.tooltip(rows, *rows.columns),
    }
    crosses = vl.layer("text", place, text="×", fontSize=15, fontWeight="bold", color=MODEL)
    crosses |= {"transform": [{"filter": "datum.saturates"}]}
    of_machine = "of each machine" if down == "machine" else "of the busiest machine"
    source = (
        f"{_counted(experiment)}: mean utilisation {of_machine};"
        " crosses: the fluid model predicts that a machine saturates"
    )
    metrics = ("utilisation", "predicted_queue_growth_per_s")
    return vl.Chart(vl.picture(rows, vl.layer("rect", place | shade), crosses), source, metrics)


def _measure(
    experiment: ExperimentRuns, metric: str, title: str, predicted: str = ""
) -> vl.Chart | None:
    """Draw a metric along an axis; without axes, over machines or runs."""
    table, axis, others = _along(experiment, metric)
    known = table.filter(pl.col(metric).is_not_null())
    if known.is_empty():
        return None
    rows = _means(known, [axis, *others], metric, predicted)
    is_number = known[axis].dtype.is_numeric()
    x = (
        vl.quantitative(axis, scale={"zero": False})
        if is_number
        else vl.ordinal(axis, axis=UPRIGHT)
    )
    shared = {"x": x | {"title": None if axis == "machine" else axis}, **_series(rows, others)}
    dotted = known.select(axis, *others, metric).pipe(_named, others)
    dots = vl.layer(
        "circle", shared | {"y": vl.quantitative(metric)}, size=12, **vl.translucent(0.35)
    )
    dots |= {"data": vl.data(dotted if len(dotted) <= MAX_DOTS else dotted.clear())}
    shown = [name for name in rows.columns if name != "series"]
    interval = shared | vl.bounds(title)
    mean = shared | {"y": vl.quantitative("mean", title=title), "tooltip": vl.tooltip(rows, *shown)}
    model = shared | {"y": vl.quantitative("predicted")}
    if is_number:
        model = model if others else model | {"color": {"value": MODEL}}
        layers = [
            vl.layer("area", interval, **vl.translucent(0.25)),
            dots,
            vl.layer("line", mean, point=True, strokeWidth=1.6),
            vl.layer("line", model, strokeDash=[5, 3], strokeWidth=1.6),
        ]
    else:
        layers = [
            vl.layer("rule", interval, strokeWidth=2),
            dots,
            vl.layer("point", mean, size=50, filled=True, **vl.translucent(0.7)),
            vl.layer("tick", model, thickness=2.5, size=22, **vl.translucent(0.7)),
        ]
    if not predicted or not rows["predicted"].count():
        layers.pop()
    source = _source(experiment, predicted, is_number)
    return vl.Chart(vl.picture(rows, *layers), source, (metric, *_some(predicted)))


def _along(experiment: ExperimentRuns, metric: str) -> tuple[pl.DataFrame, str, list[str]]:
    """Return the rows to draw, the horizontal axis, and the axes that colours distinguish.

    Without axes, a machine metric is drawn machine by machine and a run metric run by run.
    """
    if not experiment.axes:
        by_machine = metric in experiment.machines.columns
        return (experiment.machines, "machine", []) if by_machine else (experiment.runs, "run", [])
    axis = experiment.axes_by_extent[0]
    return experiment.runs, axis, [other for other in experiment.axes if other != axis]


def _means(rows: pl.DataFrame, by: list[str], metric: str, predicted: str) -> pl.DataFrame:
    """Average over the runs of each point, with the 95 % confidence interval."""
    expected = pl.col(predicted).mean() if predicted else pl.lit(None)
    # Casts, as a column of nulls has no number type.
    means = rows.group_by(by, maintain_order=True).agg(
        mean=pl.col(metric).mean().cast(pl.Float64),
        sd=pl.col(metric).std(),
        runs=pl.len(),
        predicted=expected.cast(pl.Float64),
    )
    in_sd = pl.Series(list(map(half_width_in_sd, means["runs"])), dtype=pl.Float64)
    half = (pl.col("sd") * in_sd).fill_null(0)
    low, high = pl.col("mean") - half, pl.col("mean") + half
    means = means.select(*by, "mean", "runs", "predicted", low=low, high=high)
    return _named(means.sort(by), by[1:])


def _named(rows: pl.DataFrame, others: list[str]) -> pl.DataFrame:
    """Add the column `series`: the values of the other axes."""
    parts = [pl.format(f"{other} {{}}", pl.col(other)) for other in others]
    return rows.with_columns(series=pl.concat_str(parts, separator=", ")) if others else rows


def _series(rows: pl.DataFrame, others: list[str]) -> vl.Spec:
    """Distinguish the values of the other axes by colours."""
    if not others:
        return {}
    names = rows["series"].unique(maintain_order=True).to_list()
    scale = {} if len(names) <= vl.MAX_HUES else {"scale": {"scheme": "viridis"}}
    return {"color": vl.nominal("series", title=None, sort=names, **scale)}


def _source(experiment: ExperimentRuns, predicted: str, is_number: bool) -> str:
    interval, dash = ("band", "dashed") if is_number else ("bar", "a dash")
    model = f"; {dash}: the fluid model" if predicted else ""
    dots = ", one dot each" if len(experiment.runs) <= MAX_DOTS else ", too many for dots"
    return (
        f"{_counted(experiment)}{dots}; the mean, with its 95 % confidence interval"
        f" as a {interval}{model}"
    )


def _counted(experiment: ExperimentRuns) -> str:
    points = experiment.runs["point"].n_unique()
    return f"all {len(experiment.runs):,} runs at {points:,} point{'' if points == 1 else 's'}"


def _some(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


EXPERIMENT_CHARTS: dict[str, Callable[[ExperimentRuns], vl.Chart | None]] = {
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
