"""An experiment file: a base spec, axes, and how often to repeat each point.

    # the fields of a spec
    machines = 3
    duration_s = 60
    repeat = 5

    [grid]
    "workload.internal" = [1, 4, 7]

The file's stem is the experiment's name. Run i (from 0) of every point has the seed `seed + i`
and is called `<point>-seed<seed + i>`; `points` describes the axes.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.experiments.points import AXIS_TABLES, Point, points_of
from vm.files import FAILED
from vm.spec import FIELDS, MAX_SEED, Spec, SpecError, suggestion

MAX_RUNS = 100_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: Folders below runs/ that have other uses.
TAKEN_NAMES = ("lab", "compose", "by-hand", FAILED)

#: The lines of a TOML file that set something.
WORD = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
KEY = re.compile(WORD)
HEADER = re.compile(rf"\s*(\[\[?)\s*({WORD}(?:\s*\.\s*{WORD})*)\s*\]")
ENTRY = re.compile(rf"\s*({WORD}(?:\s*\.\s*{WORD})*)\s*=")


class ExperimentError(ValueError):
    """An invalid experiment; the text names place, problem and remedy."""


@dataclass(frozen=True)
class Experiment:
    """The points, and the number of runs of each."""

    name: str
    points: tuple[Point, ...]
    repeat: int

    def specs(self) -> dict[str, Spec]:
        """Return the spec of every run by name."""
        return {
            f"{point.name}-seed{seed}": replace(point.spec, seed=seed)
            for point in self.points
            for seed in range(point.spec.seed, point.spec.seed + self.repeat)
        }


def read(path: Path) -> dict[str, Any]:
    """Return the contents of an experiment file as plain values for `parse`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not a text file in UTF-8") from None
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{path} is not TOML: {error}") from None
    if not NAME.fullmatch(path.stem) or path.stem in TAKEN_NAMES:
        raise ExperimentError(f"{path}: {path.stem!r} cannot be an experiment's name: rename it")
    try:
        parse(path.stem, plain)
    except SpecError as error:
        raise ExperimentError(f"{path}:{_line(text, error.field)}: {error}") from None
    return plain


def parse(name: str, plain: Mapping[str, Any]) -> Experiment:
    """Return the experiment that plain values describe; SpecError names the wrong field."""
    known = [*FIELDS, "repeat", *AXIS_TABLES]
    for key in plain:
        if key not in known:
            raise SpecError(key, f"there is no such field{suggestion(key, known)}")
    repeat = plain.get("repeat", 1)
    if type(repeat) is not int or not 1 <= repeat <= MAX_RUNS:
        raise SpecError("repeat", f"{repeat!r} is not a whole number from 1 to {MAX_RUNS}")
    tables = {key: plain[key] for key in AXIS_TABLES if key in plain}
    base = {key: value for key, value in plain.items() if key in FIELDS}
    points = points_of(base, tables, MAX_RUNS)
    if len(points) * repeat > MAX_RUNS:
        raise SpecError("repeat", f"{repeat} runs of {len(points)} points are over {MAX_RUNS}")
    if points[0].spec.seed + repeat - 1 > MAX_SEED:
        raise SpecError("seed", f"{repeat} runs from here go beyond {MAX_SEED}")
    return Experiment(name, points, repeat)


def _line(text: str, field: str) -> int:
    """Return the line of a field, or of the innermost table around it that has one."""
    lines = _lines(text)
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 1)


def _lines(text: str) -> dict[str, int]:
    """Return the lines of a TOML text's keys by dotted name; entries of [[x]] are x.0, x.1, ..."""
    found: dict[str, int] = {}
    entries: Counter[str] = Counter()
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            name = table = _dotted(header[2])
            if header[1] == "[[":
                table = name = f"{name}.{entries[name]}"
                entries[table.rpartition(".")[0]] += 1
        elif entry := ENTRY.match(line):
            name = f"{table}.{_dotted(entry[1])}" if table else _dotted(entry[1])
        else:
            continue
        # The first key of a table also gives the line of the table.
        for end in (*(dot.start() for dot in re.finditer(r"\.", name)), len(name)):
            found.setdefault(name[:end], number)
    return found


def _dotted(keys: str) -> str:
    return ".".join(key.strip("\"'") for key in KEY.findall(keys))
