"""Tables that compare clocks: on one run, and along the points of an experiment."""

from collections.abc import Iterator, Sequence

import polars as pl
from rich.console import Console

from analysis.clocks.claims import SAMPLED, Share
from analysis.clocks.comparison import Compared
from analysis.history.arrays import column
from analysis.history.causality import causality
from analysis.history.run import Run
from analysis.metrics.labels import counted, show
from analysis.text.notes import notes_on_damage
from analysis.text.summary import print_table, say

SIZES = {
    "mean": "bytes of a\nstamp: mean",
    "p95": "95 %\nunder",
    "max": "largest",
    "log": "bytes in a log\nfor an event",
    "rules": "µs for\nan event",
}
CLAIMS = {
    "lost": "causal\npairs lost",
    "reversed": "of them\nreversed",
    "ordered": "concurrent\npairs ordered",
    "share": "share of\nthe latter",
    "condition": "clock\ncondition",
    "strong": "strong clock\ncondition",
}
#: Tables of several runs: a column of `comparison.table`, and what it holds.
STOPS = "events until a clock stops, in the order of the run"
SWEEPS = {
    "stamp_mean_bytes": "bytes of a stamp, the mean over the messages",
    "ordered_share": "share of the concurrent pairs that are ordered",
    "lost_pairs": "causal pairs that are lost",
}
#: The measures that are counts of pairs, or shares of them; they can come from a sample.
CLAIMED = ("ordered_share", "lost_pairs")
ESTIMATED = f"≈ from {SAMPLED:,} random pairs of a run; --csv FILE has the limits of the shares"
#: The most points with a column in a table.
MAX_POINTS = 10
#: The most notes on gaps in logs that are printed under tables of several runs.
MAX_GAPS = 10


def print_clocks(run: Run, rows: Sequence[Compared], console: Console) -> None:
    """Print the sizes and the claims of clocks on one run, and what is missing."""
    say(console, f"\n{run.name}: {_history(run)}")
    sized = [one for one in rows if one.sizes]
    if sized:
        print_table(console, pl.DataFrame(list(map(_sizes, sized))), SIZES)
        print_table(console, pl.DataFrame(list(map(_claims, sized))), CLAIMS)
    for line in _notes(run, rows):
        say(console, line)


def _history(run: Run) -> str:
    known = causality(run)
    parts = [counted(len(run.machines), "machine"), counted(len(known), "event")]
    if not known.cycle:
        parts += [
            counted(known.ordered_pairs, "causal pair"),
            counted(known.concurrent_pairs, "concurrent pair"),
        ]
    return ", ".join(parts)


def _sizes(one: Compared) -> dict[str, str]:
    assert one.sizes
    sizes = one.sizes
    return {
        "clock": one.clock,
        "mean": show(sizes.stamp_mean_bytes),
        "p95": show(sizes.stamp_p95_bytes),
        "max": show(sizes.stamp_max_bytes),
        "log": show(sizes.log_mean_bytes),
        "rules": show(sizes.rules_mean_ns / 1000),
    }


def _claims(one: Compared) -> dict[str, str]:
    assert one.claims
    claims = one.claims
    return {
        "clock": one.clock,
        "lost": _pairs(claims.lost),
        "reversed": _pairs(claims.reversed),
        "ordered": _pairs(claims.ordered),
        "share": _share(claims.ordered),
        "condition": _state(one.clock_condition, one.promise != "none"),
        "strong": _state(one.strong_clock_condition, one.promise == "strong clock condition"),
    }


def _pairs(share: Share) -> str:
    return f"≈{share.pairs:,}" if share.sampled else f"{share.pairs:,}"


def _share(share: Share) -> str:
    if share.share is None:
        return show(None)
    if not share.sampled:
        return _percent(share.share)
    low, high = share.low / share.of, share.high / share.of
    return f"{_percent(low)} to {_percent(high)}"


def _percent(share: float) -> str:
    """Format a share so that neither none nor all of the pairs look like some."""
    text = f"{100 * share:.1f}"
    if text == "0.0" and share:
        return "<0.1 %"
    return ">99.9 %" if text == "100.0" and share < 1 else f"{text} %"


def _state(state: str, is_promised: bool) -> str:
    return f"{state}, promised" if is_promised else state


def _notes(run: Run, rows: Sequence[Compared]) -> Iterator[str]:
    for one in rows:
        if one.problem and one.sizes:
            yield f"{one.clock}: the first {counted(one.events, 'event')} only: {one.problem}"
        elif one.problem:
            yield f"{one.clock}: no values: {one.problem}"
    if any(one.claims and one.claims.lost.sampled for one in rows):
        yield f"≈ estimated from {SAMPLED:,} random pairs; a range is a 95 % confidence interval"
    yield from incomplete(run)


def incomplete(run: Run) -> Iterator[str]:
    """Yield a note for each gap in the logs of a run, as far as it changes what is counted."""
    if unknown := int((column(run, "receives") & (causality(run).send < 0)).sum()):
        yield f"note: {counted(unknown, 'receive')} without a known send: internal events here"
    for machine in run.missing:
        yield f"note: {run.absence(machine)}: pairs that it relates seem to be concurrent"
    yield from notes_on_damage(run.damage)


def print_sweep(rows: pl.DataFrame, gaps: Sequence[str], console: Console) -> None:
    """Print for each measure a table with a row per clock and a column per point.

    The rows are those of `comparison.table`, with a column `point`, in the order of the points;
    `gaps` are the notes of `incomplete`, each with its run.
    """
    points = rows["point"].unique(maintain_order=True).to_list()
    runs = counted(rows["run"].n_unique(), "run")
    say(console, f"\n{runs} at {counted(len(points), 'point')}; the mean over a point's runs")
    stopped = rows.filter(pl.col("problem").is_not_null(), pl.col("events") > 0)
    is_sampled = (rows["sampled_pairs"] > 0).any()
    for measure, text in SWEEPS.items():
        if measure == "lost_pairs" and not (rows[measure] > 0).any():
            none = "no lost causal pair was found" if is_sampled else "no causal pair is lost"
            say(console, f"{none}\n")
        else:
            _print_measure(rows, measure, text, console)
    if stopped.height:
        _print_measure(stopped, "events", STOPS, console)
    if (more := len(points) - MAX_POINTS) > 0:
        say(console, f"and {counted(more, 'more point')}: --csv FILE lists all")
    if is_sampled:
        say(console, ESTIMATED)
    for line in (*_problems(rows), *gaps[:MAX_GAPS]):
        say(console, line)
    if (more := len(gaps) - MAX_GAPS) > 0:
        say(
            console,
            f"and {counted(more, 'more note')}: `vklocks clocks` of a single run prints its own",
        )


def _print_measure(rows: pl.DataFrame, measure: str, text: str, console: Console) -> None:
    """Print a table of means with a column for each of the first points."""
    points = rows["point"].unique(maintain_order=True).to_list()[:MAX_POINTS]
    write = _percent if measure.endswith("_share") else show
    is_estimate = (pl.col("sampled_pairs") > 0).any() & pl.lit(measure in CLAIMED)
    means = rows.group_by("clock", "point", maintain_order=True).agg(
        pl.col(measure).mean(), mark=pl.when(is_estimate).then(pl.lit("≈")).otherwise(pl.lit(""))
    )
    written = pl.col(measure).map_elements(write, pl.String)
    means = means.with_columns(pl.concat_str("mark", written).alias(measure)).drop("mark")
    say(console, text)
    wide = means.pivot("point", index="clock", values=measure)
    print_table(console, wide, {point: point for point in points})


def _problems(rows: pl.DataFrame) -> Iterator[str]:
    """Yield for each clock in how many runs it has no values, or not all, with the first reason."""
    wrong = rows.filter(pl.col("problem").is_not_null())
    for (clock, _), some in wrong.group_by("clock", pl.col("events") > 0, maintain_order=True):
        run, events, problem = some.select("run", "events", "problem").row(0)
        first = f"the first {counted(events, 'event')} only" if events else "no values"
        runs = counted(some["run"].n_unique(), "run")
        yield f"{clock}: in {runs} not all values; in {run} {first}: {problem}"
