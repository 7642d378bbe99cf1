"""The events table as a file: Parquet, or CSV with lists separated by spaces, or semicolons."""

from pathlib import Path

import polars as pl

from analysis.history.run import Run, schema_of


def write_csv(run: Run, file: Path) -> None:
    run.scan.with_columns(
        _text(pl.col(name), type_)
        for name, type_ in schema_of(run.clocks).items()
        if isinstance(type_, pl.List)
    ).sink_csv(file)


def _text(lists: pl.Expr, type_: pl.List) -> pl.Expr:
    """Return lists as texts: numbers separated by spaces, lists by semicolons."""
    if isinstance(type_.inner, pl.List):
        rows = pl.element().cast(pl.List(pl.String)).list.join(" ")
        return lists.list.eval(rows).list.join(";")
    return lists.cast(pl.List(pl.String)).list.join(" ")


def write_parquet(run: Run, file: Path) -> None:
    run.scan.sink_parquet(file)
