"""The points of an experiment: specs made from the base spec and the axes, and their names.

An axis is a field of a spec, or a dotted path to a value inside one: `workload.internal`,
`faults.0.extra_s`. The points are the product of three tables, the last axis changing fastest:

    [grid]      every combination of the axes' values
    [zip]       axes in parallel: the first values, the second values, ...
    [[list]]    points given one by one
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, product
from math import prod
from typing import Any, NamedTuple

from vm.quoting import plain, quoted
from vm.spec import FIELDS, MAX_MACHINES, Spec, SpecError

#: The tables of an experiment file that hold axes.
AXIS_TABLES = ("grid", "zip", "list")
#: Fields that cannot be axes: all points have the same seeds, so they differ by their axes only.
NO_AXES = ("seed", "repeat")
#: The most axes of a table, parts of an axis, and values of all points together.
MAX_AXES = 1000
MAX_PARTS = 32
MAX_VALUES = 200_000
#: The most characters of a point's settings, or of the lengths of axes, in an error.
MAX_SETTINGS = 160
BASE = "base"
MAX_NAME = 48
INDEX = re.compile(r"[0-9]{1,6}")
UNIT = re.compile(r"_(s|hz)$")
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Point:
    """The base spec with the `values` of the axes; its seed is that of the first run."""

    name: str
    values: Mapping[str, Any]
    spec: Spec


class Setting(NamedTuple):
    """The value of an axis at one point, and its table: grid, zip, list.0, ..."""

    value: Any
    table: str


Settings = Mapping[str, Setting]


def points_of(
    base: Mapping[str, Any], tables: Mapping[str, Any], max_points: int
) -> tuple[Point, ...]:
    """Return all points in order; one without values if there are no axes.

    SpecError names the wrong entry of the file: `grid.machines`, `list.0.ticks`.
    """
    combined = _combined(base, tables, max_points)
    specs = [_spec(base, settings) for settings in combined]
    values = [{axis: one.value for axis, one in settings.items()} for settings in combined]
    return tuple(map(Point, _names(values), values, specs))


def _combined(
    base: Mapping[str, Any], tables: Mapping[str, Any], max_points: int
) -> list[Settings]:
    """Return the settings of every point; the number and the size of points are checked first."""
    grid = _lists("grid", tables.get("grid", {}))
    parallel = _lists("zip", tables.get("zip", {}))
    listed = _tables(tables.get("list", [{}]), max_points)
    lengths = {axis: len(values) for axis, values in parallel.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{plain(axis)} {length}" for axis, length in lengths.items())
        problem = f"axes in parallel need equally many values, not {plain(counts, MAX_SETTINGS)}"
        raise SpecError("zip", problem)
    rows = list(zip(*parallel.values(), strict=True)) or [()]
    count = prod(map(len, (*grid.values(), rows, listed)))
    _check_count(base, [*grid.items(), *parallel.items()], listed, count, max_points)
    apart = [*((axis, "grid") for axis in grid), *((axis, "zip") for axis in parallel)]
    for one in listed:
        _check_apart([*apart, *((axis, setting.table) for axis, setting in one.items())])
    return [
        {**dict(zip([*grid, *parallel], [*combination, *row], strict=True)), **one}
        for combination in product(*grid.values())
        for row in rows
        for one in listed
    ]


def _check_count(
    base: Mapping[str, Any],
    axes: Sequence[tuple[str, Sequence[Setting]]],
    listed: Sequence[Settings],
    count: int,
    max_points: int,
) -> None:
    """Check the limits for the number of points and for all their values together."""
    field = next((s.table for _, axis in axes for s in axis), "list" if len(listed) > 1 else "")
    if count > max_points:
        raise SpecError(field, f"{count} points are more than {max_points}")
    values = _size(base) * count
    for axis, settings in axes:
        values += sum(_size(one.value, axis) for one in settings) * count // len(settings)
    for one in listed:
        sizes = (_size(setting.value, axis) for axis, setting in one.items())
        values += sum(sizes) * count // len(listed)
    if values > MAX_VALUES:
        problem = f"the points have {values} values in all, more than {MAX_VALUES}"
        raise SpecError(field or next(iter(base)), problem)


def _size(value: Any, axis: str = "") -> int:
    """Return the number of plain values in the value of an axis; a number of machines counts as
    their names."""
    if isinstance(value, Mapping):
        return 1 + sum(_size(part, key) for key, part in value.items())
    if isinstance(value, list | tuple):
        return 1 + sum(map(_size, value))
    return min(max(value, 1), MAX_MACHINES) if axis == "machines" and type(value) is int else 1


def _lists(table: str, axes: Any) -> dict[str, list[Setting]]:
    if not isinstance(axes, Mapping):
        raise SpecError(table, f"{quoted(axes)} is not a table of axes")
    _check_axes(axes, table)
    for axis, values in axes.items():
        entry = f"{table}.{axis}"
        _check_axis(axis, entry)
        if isinstance(values, Mapping):
            inside = plain(f"{axis}.{next(iter(values), 'x')}")
            raise SpecError(
                entry, f'not a list of values; for a path into {plain(axis)} write "{inside}"'
            )
        if not isinstance(values, list | tuple) or not values:
            raise SpecError(entry, f"{quoted(values)} is not a list of at least one value")
    return {axis: [Setting(value, table) for value in values] for axis, values in axes.items()}


def _tables(points: Any, max_points: int) -> list[Settings]:
    if not isinstance(points, list | tuple) or not points:
        raise SpecError("list", f"{quoted(points)} is not a list of points: write each as [[list]]")
    if len(points) > max_points:
        raise SpecError("list", f"{len(points)} points are more than {max_points}")
    for number, values in enumerate(points):
        if not isinstance(values, Mapping):
            raise SpecError(f"list.{number}", f"{quoted(values)} is not a table of axes and values")
        _check_axes(values, f"list.{number}")
        for axis in values:
            _check_axis(axis, f"list.{number}.{axis}")
    return [
        {axis: Setting(value, f"list.{number}") for axis, value in values.items()}
        for number, values in enumerate(points)
    ]


def _check_axes(axes: Mapping[str, Any], table: str) -> None:
    if len(axes) > MAX_AXES:
        raise SpecError(table, f"{len(axes)} axes are more than {MAX_AXES}")


def _check_axis(axis: str, entry: str) -> None:
    if axis in NO_AXES:
        raise SpecError(entry, "no axis: every point has the same seeds, `repeat` adds more")
    if (parts := axis.count(".") + 1) > MAX_PARTS:
        raise SpecError(entry, f"{parts} parts of a path are more than {MAX_PARTS}")


def _check_apart(axes: Iterable[tuple[str, str]]) -> None:
    """Check that no two axes set the same value, or a value and a part of it."""
    seen: dict[str, str] = {}
    around: dict[str, tuple[str, str]] = {}
    for axis, table in axes:
        parents = list(accumulate(axis.split("."), "{}.{}".format))
        outer = next(((parent, seen[parent]) for parent in parents if parent in seen), None)
        if other := outer or around.get(axis):
            raise SpecError(f"{table}.{axis}", f"{plain(other[0])} in {other[1]} sets that too")
        seen[axis] = table
        around |= dict.fromkeys(parents, (axis, table))


def _is_within(name: str, other: str) -> bool:
    return f"{name}.".startswith(f"{other}.")


def _spec(base: Mapping[str, Any], settings: Settings) -> Spec:
    """Return the base with the values of a point."""
    fields = dict(base)
    try:
        for axis, (value, _) in settings.items():
            field, *path = axis.split(".")
            fields[field] = _put(axis, _whole(fields, field), path, value) if path else value
        return Spec.parse(fields)
    except SpecError as error:
        by = [a for a in settings if _is_within(error.field, a) or _is_within(a, error.field)]
        entry = f"{settings[by[0]].table}.{error.field}" if by else error.field
        some = islice(settings.items(), MAX_SETTINGS)
        at = plain(
            ", ".join(f"{axis} = {quoted(setting.value)}" for axis, setting in some), MAX_SETTINGS
        )
        raise SpecError(entry, error.problem + (f" (at {at})" if at else "")) from None


def _whole(fields: Mapping[str, Any], field: str) -> Any:
    """Return the value that contains an axis; a name in the base is replaced by its full value."""
    if field not in FIELDS:
        return {}
    given = {field: fields[field]} if field in fields else {}
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
    if isinstance(whole, list | tuple) and INDEX.fullmatch(key) and int(key) < len(whole):
        index = int(key)
        return [*whole[:index], _put(axis, whole[index], rest, value), *whole[index + 1 :]]
    problem = f"there is no {quoted(key)} in {quoted(whole)} to set: add it to the base spec"
    raise SpecError(axis, problem)


def _names(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a short file name for each point: `ticks1-6`, `machines10-internal7`."""
    labels = _labels(dict.fromkeys(axis for values in points for axis in values))
    long = ["-".join(_named(labels[a], v) for a, v in values.items()) for values in points]
    # Some file systems ignore case.
    count = Counter(name.lower() for name in long)
    numbered = [f"{name[:MAX_NAME] or BASE}-{number}" for number, name in enumerate(long, 1)]
    names = [
        name or BASE if len(name) <= MAX_NAME and count[name.lower()] == 1 else other
        for name, other in zip(long, numbered, strict=True)
    ]
    # A name may be equal to another name with its number.
    return names if len({name.lower() for name in names}) == len(names) else numbered


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
