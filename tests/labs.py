"""The published labs in `tests/analysis/logs/labs`, and the same labs in other clothes."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.history.run import InputError
from audited import Audited, audits

LABS = Path(__file__).parent / "analysis" / "logs" / "labs"
NAMES = tuple(sorted(path.name for path in LABS.iterdir() if path.is_dir()))
Files = dict[str, bytes]
#: Logs whose lines name their machine, so that the names of the files are free.
NAMED_IN_LINES = (
    *("broadcast-brackets", "csv-bare", "from-to-greetings", "json-lines", "multicast-two-lines"),
)


@cache
def expected(lab: str) -> dict[str, Any]:
    """Return the truth about a lab; README.md beside the labs explains the fields."""
    truth: dict[str, Any] = json.loads((LABS / lab / "expected.json").read_text())
    return truth


@cache
def found(lab: str, variation: str = "") -> list[Audited] | str:
    """Return the audits of a lab, or the reason why it was refused."""
    files = files_of(lab)
    names = [*files]
    if variation:
        files = VARIATIONS[variation](files)
    with TemporaryDirectory() as directory:
        folder = Path(directory) / "submission"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        renamed = dict(zip(files, names, strict=False)) if len(files) == len(names) else {}
        try:
            runs = list(audits(folder, renamed))
            # The table of events is read while its files exist.
            assert all(run.rows for run in runs), "a run without events"
        except (InputError, AssertionError) as error:
            return str(error).replace(directory, "")
        return runs


def files_of(lab: str) -> Files:
    """Return the files of a submission, by name."""
    paths = sorted((LABS / lab).iterdir())
    return {path.name: path.read_bytes() for path in paths if path.name != "expected.json"}


def _each(change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    return lambda files: {name: change(content) for name, content in files.items()}


def _encoded(encoding: str) -> Callable[[Files], Files]:
    return _each(lambda content: content.decode().encode(encoding))


def _named(change: Callable[[int, str], str]) -> Callable[[Files], Files]:
    return lambda files: {change(n, name): files[name] for n, name in enumerate(files)}


def _gzipped(files: Files) -> Files:
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()}


def _zipped(files: Files) -> Files:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(f"lab-3/{name}", content)
    return {"submission.zip": archive.getvalue()}


#: The same submission in other clothes; each has the same truth.
VARIATIONS: dict[str, Callable[[Files], Files]] = {
    "carriage returns": _each(lambda content: content.replace(b"\n", b"\r\n")),
    "UTF-8 with a mark": _encoded("utf-8-sig"),
    "UTF-16": _encoded("utf-16"),
    "UTF-16 big-endian": _each(lambda content: b"\xfe\xff" + content.decode().encode("utf-16-be")),
    "Latin-1": _each(lambda content: content + "# geprüft, für später\n".encode("latin-1")),
    "no last line end": _each(lambda content: content.removesuffix(b"\n")),
    "gzip": _gzipped,
    "zip": _zipped,
    "number of the run in front": _named(lambda _, name: f"run7-{name}"),
    "date behind": _named(lambda _, name: f"{name}.2031-04-07"),
    "other suffix": _named(lambda _, name: f"{name.partition('.')[0]}.out"),
    "any names": _named(lambda n, _: f"{('first', 'second', 'other', 'extra')[n]}.log"),
}


def allows(variation: str, lab: str) -> bool:
    """Return whether a lab in these clothes still says which log is of which machine."""
    return variation != "any names" or lab in NAMED_IN_LINES
