"""An experiment file: the fields of a spec, and how often to carry it out.

    machines = 3
    duration_s = 60
    ticks = [1, 6]
    seed = 7
    repeat = 5

The file's stem is the experiment's name. Run i (from 0) has the seed `seed + i`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vm.spec import FIELDS, MAX_SEED, Spec, SpecError, suggestion

MAX_REPEAT = 1000


class ExperimentError(ValueError):
    """An experiment that cannot be as it is given; says where, what, and what would do."""


@dataclass(frozen=True)
class Experiment:
    """A spec, whose seed is that of the first run, and how many runs of it there are."""

    name: str
    spec: Spec
    repeat: int

    def specs(self) -> list[Spec]:
        """The specs of all runs. ExperimentError if there are not that many seeds."""
        if self.spec.seed + self.repeat - 1 > MAX_SEED:
            raise ExperimentError(f"seed: {self.repeat} runs from here go beyond {MAX_SEED}")
        return [replace(self.spec, seed=self.spec.seed + n).resolved() for n in range(self.repeat)]


def read(path: Path) -> dict[str, Any]:
    """The fields of an experiment file as plain values; each is one that `parse` takes."""
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
    try:
        parse(path.stem, plain)
    except SpecError as error:
        where = f"{path}:{_line(text, error.field)}"
        raise ExperimentError(f"{where}: {error}") from None
    return plain


def parse(name: str, plain: Mapping[str, Any]) -> Experiment:
    """The experiment that plain values describe; SpecError names the wrong field."""
    for key in plain:
        if key not in FIELDS and key != "repeat":
            known = [*FIELDS, "repeat"]
            raise SpecError(key, f"there is no such field{suggestion(key, known)}")
    spec = Spec.parse({key: value for key, value in plain.items() if key != "repeat"})
    repeat = plain.get("repeat", 1)
    if type(repeat) is not int or not 1 <= repeat <= MAX_REPEAT:
        raise SpecError("repeat", f"{repeat!r} is not a whole number from 1 to {MAX_REPEAT}")
    return Experiment(name, spec, repeat)


def _line(text: str, field: str) -> int:
    """Where a field is set: the deepest part of its dotted name that has a line of its own."""
    found = 1
    for part in field.split("."):
        begins = re.compile(rf"""\s*\[?(\w+\.)*["']?{re.escape(part)}["']?\s*[\].=]""")
        lines = text.splitlines()
        found = next(
            (n for n, line in enumerate(lines, 1) if n >= found and begins.match(line)), found
        )
    return found
