"""The points of an experiment: the specs that its axes make of the base spec, and their names.

An axis is a field of a spec, or a dotted path to a value inside one: `workload.internal`,
`faults.0.extra_s`. The points are the product of three tables, the last axis changing fastest:

    [grid]      every combination of its axes' values
    [zip]       its axes in parallel: the first values, the second values, ...
    [[list]]    points given one by one
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple

from vm.spec import FIELDS, Spec, SpecError

#: The tables of an experiment file that hold axes.
AXIS_TABLES = ("grid", "zip", "list")
#: These cannot be axes: every point has the same seeds, so that points differ by axes alone.
NO_AXES = ("seed", "repeat")
BASE = "base"
MAX_NAME = 48
UNIT = re.compile(r"_(s|hz)$")
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Point:
    """The base spec with the `values` of the axes. Its seed is that of the first run."""

    name: str
    values: Mapping[str, Any]
    spec: Spec


class Setting(NamedTuple):
    """The value of an axis at one point, and the table that gives it: grid, zip, list.0, ..."""

    value: Any
    table: str


Settings = Mapping[str, Setting]


def points_of(
    base: Mapping[str, Any], tables: Mapping[str, Any], max_points: int
) -> tuple[Point, ...]:
    """Return all points in order; one without values if there are no axes.

    SpecError names the wrong entry of the file: `grid.machines`, `list.0.ticks`.
    """
    combined = _combined(tables, max_points)
    specs = [_spec(base, settings) for settings in combined]
    values = [{axis: one.value for axis, one in settings.items()} for settings in combined]
    return tuple(map(Point, _names(values), values, specs))


def _combined(tables: Mapping[str, Any], max_points: int) -> list[Settings]:
    grid = _lists("grid", tables.get("grid", {}))
    parallel = _lists("zip", tables.get("zip", {}))
    listed = _tables(tables.get("list", [{}]))
    lengths = {axis: len(values) for axis, values in parallel.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{axis} {length}" for axis, length in lengths.items())
        raise SpecError("zip", f"axes in parallel need equally many values, not {counts}")
    apart = [*((axis, "grid") for axis in grid), *((axis, "zip") for axis in parallel)]
    for one in listed:
        _check_apart([*apart, *((axis, setting.table) for axis, setting in one.items())])
    rows = list(zip(*parallel.values(), strict=True)) or [()]
    if (count := prod(map(len, grid.values())) * len(rows) * len(listed)) > max_points:
        raise SpecError(next(iter(tables)), f"{count} points are more than {max_points}")
    return [
        {**dict(zip([*grid, *parallel], [*combination, *row], strict=True)), **one}
        for combination in product(*grid.values())
        for row in rows
        for one in listed
    ]


def _lists(table: str, axes: Any) -> dict[str, list[Setting]]:
    if not isinstance(axes, Mapping):
        raise SpecError(table, f"{axes!r} is not a table of axes")
    for axis, values in axes.items():
        entry = f"{table}.{axis}"
        _check_axis(axis, entry)
        if isinstance(values, Mapping):
            inside = f"{axis}.{next(iter(values), 'x')}"
            raise SpecError(entry, f'not a list of values; for a path into {axis} write "{inside}"')
        if not isinstance(values, list | tuple) or not values:
            raise SpecError(entry, f"{values!r} is not a list of at least one value")
    return {axis: [Setting(value, table) for value in values] for axis, values in axes.items()}


def _tables(points: Any) -> list[Settings]:
    if not isinstance(points, list | tuple) or not points:
        raise SpecError("list", f"{points!r} is not a list of points: write each as [[list]]")
    for number, values in enumerate(points):
        if not isinstance(values, Mapping):
            raise SpecError(f"list.{number}", f"{values!r} is not a table of axes and values")
        for axis in values:
            _check_axis(axis, f"list.{number}.{axis}")
    return [
        {axis: Setting(value, f"list.{number}") for axis, value in values.items()}
        for number, values in enumerate(points)
    ]


def _check_axis(axis: str, entry: str) -> None:
    if axis in NO_AXES:
        raise SpecError(entry, "no axis: every point has the same seeds, `repeat` adds more")


def _check_apart(axes: Iterable[tuple[str, str]]) -> None:
    """Check that no axis sets what another sets too, or a part of it."""
    seen: list[tuple[str, str]] = []
    for axis, table in axes:
        for other, elsewhere in seen:
            if _is_within(axis, other) or _is_within(other, axis):
                raise SpecError(f"{table}.{axis}", f"{other} in {elsewhere} sets that too")
        seen.append((axis, table))


def _is_within(name: str, other: str) -> bool:
    return f"{name}.".startswith(f"{other}.")


def _spec(base: Mapping[str, Any], settings: Settings) -> Spec:
    """Return the base with the values of a point."""
    plain = dict(base)
    try:
        for axis, (value, _) in settings.items():
            field, *path = axis.split(".")
            plain[field] = _put(axis, _whole(plain, field), path, value) if path else value
        return Spec.parse(plain)
    except SpecError as error:
        by = [a for a in settings if _is_within(error.field, a) or _is_within(a, error.field)]
        entry = f"{settings[by[0]].table}.{error.field}" if by else error.field
        at = ", ".join(f"{axis} = {setting.value!r}" for axis, setting in settings.items())
        raise SpecError(entry, error.problem + (f" (at {at})" if at else "")) from None


def _whole(plain: Mapping[str, Any], field: str) -> Any:
    """Return the value that an axis goes into, in full where the base has a name for it."""
    if field not in FIELDS:
        return {}
    given = {field: plain[field]} if field in plain else {}
    if isinstance(given.get(field), dict | list):
        return given[field]
    return Spec.parse(given).plain()[field]


def _put(axis: str, whole: Any, path: Sequence[str], value: Any) -> Any:
    """Return a copy of `whole` with the value at the end of the path."""
    if not path:
        return value
    key, *rest = path
    if isinstance(whole, Mapping):
        return {**whole, key: _put(axis, whole.get(key), rest, value)}
    if isinstance(whole, list | tuple) and key.isdigit() and int(key) < len(whole):
        index = int(key)
        return [*whole[:index], _put(axis, whole[index], rest, value), *whole[index + 1 :]]
    raise SpecError(axis, f"there is no {key!r} in {whole!r} that could be set: give the base one")


def _names(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a short file name for each point: `ticks1-6`, `machines10-internal7`."""
    labels = _labels(dict.fromkeys(axis for values in points for axis in values))
    long = ["-".join(_named(labels[a], v) for a, v in values.items()) for values in points]
    # Some file systems ignore case.
    count = Counter(name.lower() for name in long)
    return [
        name or BASE
        if len(name) <= MAX_NAME and count[name.lower()] == 1
        else f"{name[:MAX_NAME] or BASE}-{number}"
        for number, name in enumerate(long, 1)
    ]


def _labels(axes: Iterable[str]) -> dict[str, str]:
    """Return the last word of each axis without its unit; if that is ambiguous, all its words."""
    short = {axis: UNIT.sub("", _last_word(axis)) for axis in axes}
    count = Counter(short.values())
    return {a: label if count[label] == 1 else UNIT.sub("", a) for a, label in short.items()}


def _last_word(axis: str) -> str:
    return next((part for part in reversed(axis.split(".")) if not part.isdigit()), axis)


def _named(label: str, value: Any) -> str:
    label, text = UNSAFE.sub("", label), UNSAFE.sub("", _text(value))
    apart = "" if text[:1].isdigit() and not label[-1:].isdigit() else "_"
    return f"{label}{apart}{text}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "-".join(
            _text(v) if key == "kind" else _named(UNIT.sub("", key), v) for key, v in value.items()
        )
    if isinstance(value, list | tuple):
        return "-".join(map(_text, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
