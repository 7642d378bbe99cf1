"""Tables of an experiment with a row for each point."""

import polars as pl
from rich.console import Console

from analysis.metrics.across import statistics
from analysis.metrics.labels import counted, show
from analysis.metrics.run import METRICS
from analysis.text.summary import FLUID_MODEL_ACROSS_RUNS, print_table, say

MAX_POINTS = 20
#: Columns of the table by point, as in `analysis.text.summary`.
COLUMNS = {
    "runs": "runs",
    "final_spread": "final\nspread",
    "skew_mean": "clock\nskew: mean",
    "jump_mean": "jump\nmean",
    "queue_mean_on_receive": "queue\nmean on receive",
    "concurrency_share": "concurrency",
}


def print_points(rows: pl.DataFrame, console: Console, *, verbose: bool = True) -> None:
    """Print a row for each point; `rows` as from `analysis.metrics.points.by_run`.

    Unless `verbose`, one table of at most MAX_POINTS points.
    """
    means, cells = [], []
    for (point,), group in rows.group_by("point", maintain_order=True):
        mean, _, half = statistics(group.select("run", *METRICS)).to_dicts()
        means.append({"point": point} | mean)
        shown = {name: _plus_minus(mean[name], half[name]) for name in COLUMNS if name in METRICS}
        cells.append({"point": str(point), "runs": len(group), **shown})
    points = counted(len(cells), "point")
    say(console, f"\n{counted(len(rows), 'run')} at {points}; the mean over a point's runs ± its")
    say(console, "95 % confidence interval; machine metrics: the mean over a run's machines")
    if not verbose:
        print_table(console, pl.DataFrame(cells[:MAX_POINTS]), COLUMNS)
        if more := max(0, len(cells) - MAX_POINTS):
            say(console, f"and {counted(more, 'more point')}: all are in the report")
        return
    print_table(console, pl.DataFrame(cells), COLUMNS)
    say(console, "measured against the fluid model")
    print_table(console, pl.DataFrame(means), FLUID_MODEL_ACROSS_RUNS)


def _plus_minus(mean: float | None, half: float | None) -> str:
    return show(mean) if half is None else f"{show(mean)} ± {show(half)}"
