"""Histories for other programs. One module per format."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from analysis.exports import perfetto, shiviz, tables
from analysis.history import Run


class Export(NamedTuple):
    """How a run becomes a file, and what the file's name ends in.

    `write` raises InputError if the run cannot be written so, OSError if the file cannot.
    """

    write: Callable[[Run, Path], None]
    suffix: str


def export(run: Run, to: str, folder: Path) -> Path:
    """Write a run in one of the formats of EXPORTS; returns the file, which is named by the run."""
    chosen = EXPORTS[to]
    file = folder / f"{run.name}{chosen.suffix}"
    chosen.write(run, file)
    return file


EXPORTS: dict[str, Export] = {
    "shiviz": Export(shiviz.write, ".shiviz.log"),
    "perfetto": Export(perfetto.write, ".perfetto.json"),
    "csv": Export(tables.write_csv, ".csv"),
    "parquet": Export(tables.write_parquet, ".parquet"),
}
