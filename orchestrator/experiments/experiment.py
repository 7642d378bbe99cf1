"""An experiment file: a base spec, axes, and the number of runs per point.

    # the fields of a spec
    machines = 3
    duration_s = 60
    repeat = 5

    [grid]
    "workload.internal" = [1, 4, 7]

The file's stem is the experiment's name. Run i (from 0) of every point has the seed `seed + i`
and the name `<point>-seed<seed + i>`; the module `points` describes the axes.
"""

import re
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from orchestrator.experiments.points import AXIS_TABLES, Point, points_of
from vm.files import FAILED
from vm.quoting import counted, quoted
from vm.quoting import plain as printable
from vm.spec import FIELDS, MAX_SEED, Spec, SpecError, suggestion

MAX_RUNS = 100_000
MAX_POINTS = 10_000
#: Limits of a file: its size, the levels of its brackets and of its dotted keys, and the digits of
#: a number. At these limits a parser takes seconds, above them minutes or its whole stack.
MAX_BYTES = 2**20
MAX_LEVELS = 32
MAX_DIGITS = 1000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: The folder of the ready-made experiments, in a checkout.
READY_MADE = Path("experiments")
#: The folder below runs/ of the runs without an experiment file.
LAB = "lab"
#: Names of folders below runs/ with other uses.
TAKEN_NAMES = (LAB, "compose", "by-hand", FAILED)

#: Strings and comments of a TOML file, even if not terminated.
TEXT = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5})?'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
BRACKET = re.compile(r"[\[\]{}]")
TOO_MUCH = {
    re.compile(rf"[0-9_]{{{MAX_DIGITS + 1}}}"): f"a number of more than {MAX_DIGITS} digits",
    re.compile(rf'(?<![\w-])(?:(?:[\w-]++|"")[ \t]*+\.[ \t]*+){{{MAX_LEVELS}}}'): (
        f"a key of more than {MAX_LEVELS} parts"
    ),
}

#: The lines of a TOML file that begin a table or set a key.
WORD = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
KEY = re.compile(WORD)
HEADER = re.compile(rf"\s*(\[\[?)\s*({WORD}(?:\s*\.\s*{WORD})*)\s*\]")
ENTRY = re.compile(rf"\s*({WORD}(?:\s*\.\s*{WORD})*)\s*=")


class ExperimentError(ValueError):
    """An invalid experiment; the message names place, problem and remedy."""


@dataclass(frozen=True)
class Experiment:
    """The points, and the number of runs per point."""

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


@dataclass(frozen=True)
class ExperimentFile:
    """An experiment file: its text, its plain values, and the experiment they describe."""

    text: str
    plain: Mapping[str, Any]
    experiment: Experiment


def read(path: Path) -> ExperimentFile:
    """Read an experiment file; ExperimentError names file and line of a mistake."""
    text = _text(path)
    _check_limits(path, text)
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, at, place = str(error).rpartition(" (at ")
        raise ExperimentError(f"{path} is not TOML: {printable(reason)}{at}{place}") from None
    if not NAME.fullmatch(path.stem) or path.stem in TAKEN_NAMES:
        raise ExperimentError(
            f"{path}: {quoted(path.stem)} cannot be an experiment's name: rename it"
        )
    try:
        return ExperimentFile(text, plain, parse(path.stem, plain))
    except SpecError as error:
        raise ExperimentError(f"{path}:{_line(text, error.field)}: {error}") from None


def parse(name: str, plain: Mapping[str, Any]) -> Experiment:
    """Return the experiment that plain values describe; SpecError names the wrong field."""
    known = [*FIELDS, "repeat", *AXIS_TABLES]
    for key in plain:
        if key not in known:
            raise SpecError(key, f"there is no such field{suggestion(key, known)}")
    repeat = plain.get("repeat", 1)
    if type(repeat) is not int or not 1 <= repeat <= MAX_RUNS:
        raise SpecError("repeat", f"{quoted(repeat)} is not a whole number from 1 to {MAX_RUNS}")
    tables = {key: plain[key] for key in AXIS_TABLES if key in plain}
    base = {key: value for key, value in plain.items() if key in FIELDS}
    points = points_of(base, tables, MAX_POINTS)
    if len(points) * repeat > MAX_RUNS:
        raise SpecError(
            "repeat", f"{counted(len(points), 'point')} × {repeat} are over {MAX_RUNS} runs"
        )
    if points[0].spec.seed + repeat - 1 > MAX_SEED:
        raise SpecError(
            "seed", f"the seeds of {counted(repeat, 'run')} from here go beyond {MAX_SEED}"
        )
    return Experiment(name, points, repeat)


def _nearest(path: Path) -> str:
    """Return a question about the experiment file with the closest name there or in READY_MADE."""
    known = {
        file.stem: file for folder in (READY_MADE, path.parent) for file in folder.glob("*.toml")
    }
    near = get_close_matches(path.stem, known, n=1)
    return f"; did you mean {known[near[0]]}?" if near else ""


def _text(path: Path) -> str:
    """Return the text of an experiment file; ExperimentError if it is no text, or too long."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise ExperimentError(f"{path} is no regular file: copy it into one")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        near = _nearest(path) if isinstance(error, FileNotFoundError) else ""
        raise ExperimentError(f"{path} cannot be read: {error.strerror}{near}") from None
    if len(content) > MAX_BYTES:
        size = path.stat().st_size
        raise ExperimentError(f"{path} has {size} bytes, more than {MAX_BYTES}: shorten it")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExperimentError(f"{path}:{line}: not a text file in UTF-8") from None


def _check_limits(path: Path, text: str) -> None:
    """Check the limits of a parser's time and depth; ExperimentError names the line."""
    bare, level, found = _bare(text, strings=False), 0, list[tuple[int, str]]()
    for bracket in BRACKET.finditer(bare):
        level = max(0, level + (1 if bracket[0] in "[{" else -1))
        if level > MAX_LEVELS:
            found.append((bracket.start(), f"brackets of more than {MAX_LEVELS} levels"))
            break
    for pattern, problem in TOO_MUCH.items():
        if match := pattern.search(bare):
            found.append((match.start(), problem))
    if found:
        place, problem = min(found)
        line = bare.count("\n", 0, place) + 1
        raise ExperimentError(f"{path}:{line}: {problem} cannot be a value of an experiment")


def _bare(text: str, strings: bool) -> str:
    """Return a TOML text without comments and with empty strings. Lines keep their numbers.

    With `strings`, strings of one line keep their contents.
    """

    def emptied(found: re.Match[str]) -> str:
        is_line = found[0][:3] not in ('"""', "'''")
        if found[0][0] == "#":
            return ""
        return found[0] if strings and is_line else '""' + "\n" * found[0].count("\n")

    return TEXT.sub(emptied, text)


def _line(text: str, field: str) -> int:
    """Return the line of a field, or of the innermost table around it that has a line."""
    lines = _lines(text)
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 1)


def _lines(text: str) -> dict[str, int]:
    """Return the line numbers of keys by dotted name; entries of [[x]] are x.0, x.1, ..."""
    found: dict[str, int] = {}
    entries: Counter[str] = Counter()
    table = ""
    for number, line in enumerate(_bare(text, strings=True).split("\n"), 1):
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
