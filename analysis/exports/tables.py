"""The events table as a file: Parquet, or CSV with lists separated by spaces."""

from pathlib import Path

import polars as pl

from analysis.history.run import SCHEMA, Run


def write_csv(run: Run, file: Path) -> None:
    lists = [name for name, type_ in SCHEMA.items() if isinstance(type_, pl.List)]
    texts = (pl.col(name).cast(pl.List(pl.String)).list.join(" ") for name in lists)
    run.scan.with_columns(texts).sink_csv(file)


def write_parquet(run: Run, file: Path) -> None:
    run.scan.sink_parquet(file)
