"""The figures and verdicts of runs, as tables for people and as plain values for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.audit import explain_account, word_of
from analysis.checks import Verdict, verdict
from analysis.history import Run
from analysis.metrics import across, per_machine, per_run, per_runs

#: Columns of the printed tables, as headings and the metrics below them. Both tables fit
#: into 80 columns; so do not all metrics in one.
CLOCKS = {
    "ticks/s": "tick_rate_hz",
    "ticks done": "ticks_done",
    "ticks missed": "ticks_missed",
    "final clock": "final_clock",
    "jump mean": "jump_mean",
    "min": "jump_min",
    "max": "jump_max",
    "sd": "jump_sd",
    "share over 1": "jump_over_1_share",
}
QUEUES_AND_MESSAGES = {
    "events": "events",
    "internal": "internal",
    "send": "send",
    "receive": "receive",
    "msgs out": "messages_out",
    "msgs in": "messages_in",
    "queue: mean on receive": "queue_mean_on_receive",
    "mean on tick": "queue_mean_on_tick",
    "peak": "queue_peak",
    "left": "queue_left",
}
ACROSS_RUNS = {
    "ticks/s": "rates",
    "final spread": "final_spread",
    "aligned spread: mean": "aligned_spread_mean",
    "max": "aligned_spread_max",
    "end": "aligned_spread_end",
    "jump mean": "jump_mean",
    "queue mean on receive": "queue_mean_on_receive",
}


def print_summary(runs: Sequence[Run], console: Console) -> None:
    """Tables of every run, and of what the runs have in common if there are several."""
    for run in runs:
        _print_run(run, console)
    if len(runs) > 1:
        _say(console, f"\n{len(runs)} runs; jumps and queues: the mean over a run's machines")
        rows = pl.concat([per_runs(runs).rename({"run": "name"}), across(runs)])
        rates = [" ".join(map(str, run.tick_rates_hz.values())) for run in runs] + ["", ""]
        _print_table(console, rows.with_columns(pl.Series("rates", rates)), ACROSS_RUNS)


def _print_run(run: Run, console: Console) -> None:
    figures = per_machine(run)
    spreads = per_run(run)
    _say(console, f"\n{run.name}")
    _print_table(console, figures, CLOCKS)
    _print_table(console, figures, QUEUES_AND_MESSAGES)
    _say(console, f"final spread {_show(spreads['final_spread'])}: the last clocks, max - min")
    _say(
        console,
        f"aligned spread {_show(spreads['aligned_spread_mean'])} mean,"
        f" {_show(spreads['aligned_spread_max'])} max, {_show(spreads['aligned_spread_end'])} at"
        " the end: clocks at common instants",
    )
    _say(console, _verdict_line(verdict(run)))
    for note in _notes(run):
        _say(console, note)


def as_json(runs: Sequence[Run]) -> dict[str, Any]:
    """The unrounded figures; metrics by their names, null where undefined."""
    return {
        "runs": [
            {"run": run.name, **per_run(run), "machines": per_machine(run).to_dicts()}
            for run in runs
        ]
    }


def _print_table(console: Console, figures: pl.DataFrame, columns: Mapping[str, str]) -> None:
    """A row of the table for every row of the frame, which is named by the frame's first column."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0), header_style=None
    )
    name = figures.columns[0]
    table.add_column(name, no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", vertical="bottom")
    for row in figures.iter_rows(named=True):
        cells = [_show(row[metric]) for metric in columns.values()]
        table.add_row(Text(row[name]), *cells)
    console.print(table)
    _say(console, "")


def _say(console: Console, line: str) -> None:
    console.print(Text(line))


def _show(figure: int | float | str | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:.2f}" if isinstance(figure, float) else str(figure)


def _verdict_line(found: Verdict) -> str:
    counts = Counter(violation.check for violation in found.violations)
    parts = [f"verdict: {word_of(found)}", *(f"{check} ({n})" for check, n in counts.items())]
    return "; ".join([*parts, *([explain_account(found.account)] if found.account else [])])


def _notes(run: Run) -> list[str]:
    """What a reader of the figures has to know about the logs they come from."""
    killed = [m for m in run.logged if m not in run.stops] if run.format == "jsonl" else []
    notes = [f"note: there is no log of {machine}" for machine in run.missing]
    notes += [f"note: {machine} left no stop record: it was killed" for machine in killed]
    same = Counter((damage.file, damage.reason) for damage in run.damage)
    first = {(d.file, d.reason): d.line for d in reversed(run.damage)}
    for (file, reason), count in same.items():
        lines = "1 line" if count == 1 else f"{count} lines"
        where = f"{file}:{first[file, reason]}"
        notes.append(f"note: {lines} not used from {where}: {reason}")
    return notes
