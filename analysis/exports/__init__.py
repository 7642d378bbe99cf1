"""Exports for other programs. One module per format."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from analysis.exports import perfetto, shiviz, tables
from analysis.history.run import InputError, Run
from analysis.logs import own
from analysis.logs.finding import source_of
from analysis.logs.importers import table
from vm.files import whole_file


class Export(NamedTuple):
    """A format: its writer, and the suffix of its files.

    `write` raises InputError if the format cannot hold the run, OSError if the file cannot be
    written.
    """

    write: Callable[[Run, Path], None]
    suffix: str


def export(run: Run, to: str, folder: Path) -> Path:
    """Write a run in one of the formats of EXPORTS; return the file, which has the run's name.

    The file appears when it is complete. InputError, too, if the file would be read as one of the
    logs in its folder.
    """
    chosen = EXPORTS[to]
    file = folder / f"{run.name}{chosen.suffix}"
    with whole_file(file) as partial:
        chosen.write(run, partial)
        # In a directory with our own logs, other formats are not read; beside any, no tables are.
        home = run.path if run.path.is_dir() else run.path.parent
        beside = run.format != own.NAME and folder.samefile(home)
        if beside and source_of(partial).format not in (None, table):
            raise InputError(
                f"{file} would be read as one of the logs beside it: export to another folder,"
                " --out DIR"
            )
    return file


EXPORTS: dict[str, Export] = {
    "shiviz": Export(shiviz.write, ".shiviz.log"),
    "perfetto": Export(perfetto.write, ".perfetto.json"),
    "csv": Export(tables.write_csv, ".csv"),
    "parquet": Export(tables.write_parquet, ".parquet"),
}
