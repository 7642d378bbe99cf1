"""Metrics and verdicts of runs as tables in the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from analysis.evaluation import Evaluation, Verdict
from analysis.metrics.across import per_runs, statistics
from analysis.metrics.labels import counted, show
from analysis.metrics.run import RUN_METRICS
from analysis.text.notes import notes, trouble
from analysis.text.sparklines import print_sparklines
from analysis.text.verdict import MAX_LINE, explain_account, headline
from vm.quoting import plain

#: Columns of the printed tables: metrics with headings, wrapped so that each table fits into
#: 80 columns. No table has all metrics; --json prints them.
CLOCKS = {
    "tick_rate_hz": "ticks/s",
    "ticks_done": "ticks\ndone",
    "ticks_missed": "ticks\nmissed",
    "final_clock": "final\nclock",
    "jump_mean": "jump\nmean",
    "jump_min": "min",
    "jump_max": "max",
    "jump_sd": "sd",
    "jump_over_1_share": "share\nover 1",
}
QUEUES_AND_MESSAGES = {
    "events": "events",
    "internal": "internal",
    "send": "send",
    "receive": "receive",
    "messages_out": "msgs\nout",
    "messages_in": "msgs\nin",
    "queue_mean_on_receive": "queue:\nmean on\nreceive",
    "queue_mean_on_tick": "mean\non tick",
    "queue_peak": "peak",
    "queue_left": "left",
}
RATES_AND_DELAYS = {
    "clock_rate_per_s": "clock\nunits/s",
    "clock_rate_to_fastest_share": "of\nfastest",
    "lag_behind_front_mean": "mean\nlag",
    "network_delay_mean_ms": "network\nms: mean",
    "network_delay_p95_ms": "95 %\nunder",
    "time_in_queue_mean_ms": "inbox\nms: mean",
    "time_in_queue_p95_ms": "95 %\nunder",
    "message_age_mean_ms": "age\nms: mean",
    "message_age_p95_ms": "95 %\nunder",
}
FLUID_MODEL = {
    "utilisation": "utilisation",
    "predicted_utilisation": "model",
    "sends_per_s": "sends/s",
    "predicted_sends_per_s": "model",
    "receives_per_s": "receives/s",
    "predicted_receives_per_s": "model",
    "queue_growth_per_s": "queue\ngrowth/s",
    "predicted_queue_growth_per_s": "model",
}
ACROSS_RUNS = {
    "rates": "ticks/s",
    "final_spread": "final\nspread",
    "skew_mean": "clock\nskew:\nmean",
    "skew_max": "max",
    "skew_end": "end",
    "jump_mean": "jump\nmean",
    "queue_mean_on_receive": "queue\nmean on\nreceive",
}
#: The one table of several runs, unless all tables are printed.
SUMMARY_OF_RUNS = {
    "rates": "ticks/s",
    "final_spread": "final\nspread",
    "skew_mean": "clock\nskew:\nmean",
    "jump_mean": "jump\nmean",
    "queue_mean_on_receive": "queue\nmean on\nreceive",
    "concurrency_share": "concurrency",
    "verdict": "verdict",
}
CAUSALITY_ACROSS_RUNS = {
    "concurrency_share": "concurrency",
    "longest_causal_chain": "longest\ncausal chain",
}
FLUID_MODEL_ACROSS_RUNS = {
    name: heading for name, heading in FLUID_MODEL.items() if "sends" not in name
}
#: The metrics of a whole run.
WHOLE = """\
final spread {final_spread}: the last clocks, max - min
clock skew {skew_mean} mean, {skew_max} max, {skew_end} at the end: clocks at common instants
concurrency {concurrency_share} of all pairs of events; longest causal chain \
{longest_causal_chain} events"""
#: The names of the rows below those of the runs.
STATISTICS = {"mean": "mean", "sd": "sd", "ci95_half_width": "± 95 %"}
MAX_RATES_SHOWN = 5
#: The most names of runs whose verdict does not hold.
MAX_NAMES = 3


def print_run(evaluation: Evaluation, console: Console) -> None:
    """Print tables, the account of messages, the verdict and notes on the logs of one run."""
    run, machines = evaluation.run, evaluation.machines
    say(console, f"\n{run.name}")
    for columns in (CLOCKS, QUEUES_AND_MESSAGES, RATES_AND_DELAYS):
        print_table(console, machines, columns)
    say(console, f"measured against the fluid model{_unless_predicted(machines)}")
    print_table(console, machines, FLUID_MODEL)
    say(console, WHOLE.format(**{name: show(evaluation.metrics[name]) for name in RUN_METRICS}))
    print_sparklines(run, console)
    for line in _judged(evaluation.verdict, trouble(run)):
        say(console, line)
    for note in notes(run):
        say(console, note)


def print_summary(
    runs: Sequence[Mapping[str, Any]], verdicts: Sequence[str], console: Console
) -> None:
    """Print a table with a row for every run, and the statistics over all runs."""
    rows = _across(runs, console)
    column = [*verdicts, *[""] * (len(rows) - len(runs))]
    print_table(console, rows.with_columns(verdict=pl.Series(column)), SUMMARY_OF_RUNS)


def print_class(runs: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a table with a row for every run, without statistics over them."""
    say(console, f"\n{counted(len(runs), 'run')}; machine metrics: the mean over a run's machines")
    rows = (
        per_runs(runs)
        .rename({"run": "name"})
        .with_columns(rates=pl.Series([_rates(one) for one in runs]))
    )
    shown = {name: text for name, text in SUMMARY_OF_RUNS.items() if name != "verdict"}
    print_table(console, rows, shown)


def print_across(runs: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print all tables with a row for every run, and the statistics over all runs."""
    rows = _across(runs, console)
    print_table(console, rows, ACROSS_RUNS)
    print_table(console, rows, CAUSALITY_ACROSS_RUNS)
    say(console, f"measured against the fluid model{_unless_predicted(rows)}")
    print_table(console, rows, FLUID_MODEL_ACROSS_RUNS)


def _across(runs: Sequence[Mapping[str, Any]], console: Console) -> pl.DataFrame:
    """Print the heading of tables across runs; return their rows."""
    each = per_runs(runs)
    below = statistics(each)
    say(console, f"\n{counted(len(runs), 'run')}; machine metrics: the mean over a run's machines;")
    say(console, "± 95 %: the confidence interval of the mean over the runs")
    return pl.concat([each.rename({"run": "name"}), below]).with_columns(
        pl.col("name").replace(STATISTICS),
        rates=pl.Series([_rates(one) for one in runs] + [""] * len(below)),
    )


def print_verdicts(names: Sequence[str], verdicts: Sequence[str], console: Console) -> None:
    """Print the number of runs with each verdict, with names if it is not `holds`."""
    runs: dict[str, list[str]] = {}
    for name, verdict in zip(names, verdicts, strict=True):
        runs.setdefault(verdict, []).append(name)
    parts = [_counted_runs(verdict, runs[verdict]) for verdict in sorted(runs)]
    # Not wrapped, so that grep finds the whole line.
    console.print(Text(plain(f"verdicts: {', '.join(parts)}", MAX_LINE)), soft_wrap=True)


def _counted_runs(verdict: str, names: Sequence[str]) -> str:
    if verdict == "holds":
        return f"{len(names):,} hold" + "s" * (len(names) == 1)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{len(names):,} {verdict} ({', '.join(names[:MAX_NAMES])}{more})"


def _rates(one: Mapping[str, Any]) -> str:
    rates_hz = [m["tick_rate_hz"] for m in one["machines"] if m["tick_rate_hz"] is not None]
    if len(rates_hz) > MAX_RATES_SHOWN:
        return f"{min(rates_hz)}-{max(rates_hz)}"
    return " ".join(map(str, rates_hz))


def _unless_predicted(metrics: pl.DataFrame) -> str:
    known = metrics["predicted_utilisation"].count()
    return "" if known else ", which needs all tick rates and the workload: not in these logs"


def print_table(console: Console, rows: pl.DataFrame, columns: Mapping[str, str]) -> None:
    """Print a line for every row; the first column is its name."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0), header_style=None
    )
    name = rows.columns[0]
    headings = {name: name, **columns}
    cells = [[plain(show(row[metric])) for metric in headings] for row in rows.to_dicts()]
    # Cells are never truncated: a number without its last digits is another number.
    widths = [
        max(len(word) for text in texts for word in text.split())
        for texts in zip(headings.values(), *cells, strict=True)
    ]
    widths[0] = max(len(name), *(len(line[0]) for line in cells))
    for heading, width in zip(headings.values(), widths, strict=True):
        justify: JustifyMethod = "left" if heading == name else "right"
        table.add_column(heading, justify=justify, vertical="bottom", min_width=width)
    for line in cells:
        table.add_row(*map(Text, line))
    if (least := sum(widths) + len(widths) - 1) > console.width:
        table.width = least
    console.print(table, crop=False)
    say(console, "")


def say(console: Console, text: str) -> None:
    """Print lines, escaped and truncated."""
    console.print(Text("\n".join(plain(line, MAX_LINE) for line in text.split("\n"))))


def _judged(found: Verdict, trouble: str) -> Iterator[str]:
    if found.account:
        yield explain_account(found.account)
    counts = Counter(violation.check for violation in found.violations)
    yield "; ".join(
        [f"verdict: {headline(found, trouble)}", *(f"{c} ({n})" for c, n in counts.items())]
    )
