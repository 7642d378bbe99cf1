"""The folder of an experiment, which holds the runs of one experiment only.

`experiment.toml` is a copy of the file; `experiment.json` holds everything the runs depend on: the
points with their specs, and the command's options. The same experiment may continue in the folder,
any other is refused.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator import owner
from orchestrator.experiments.experiment import Experiment, ExperimentError
from vm import files
from vm.quoting import escaped, plain

#: The most differences that an error lists, and the most characters of each value.
MAX_CHANGES = 5
MAX_TEXT = 60


def resolved(experiment: Experiment, backend: str, logs: bool | str) -> dict[str, Any]:
    """Return everything the runs depend on. Each point's spec has the seed of the first run.

    `logs` is the URL of the store that gets the logs, or whether they are kept.
    """
    return {
        "backend": backend,
        "logs": logs,
        "repeat": experiment.repeat,
        "points": {
            point.name: {"values": dict(point.values), "spec": point.spec.plain()}
            for point in experiment.points
        },
    }


def claim(folder: Path, text: str, ours: Mapping[str, Any]) -> None:
    """Create the folder of an experiment, or check that it belongs to this experiment.

    ExperimentError lists the differences; OSError if the folder cannot be written.
    """
    if not folder.exists() or not any(folder.iterdir()):
        with files.whole_directory(folder.parent, folder.name, owner.tag()) as partial:
            files.write_json(partial / files.EXPERIMENT, ours)
            files.write_text(partial / files.EXPERIMENT_COPY, text)
            files.rename_to_free(partial, [folder])
    theirs = files.read_json(folder / files.EXPERIMENT)
    if theirs is None or set(theirs) != set(ours) or not _has_points(theirs):
        raise ExperimentError(
            f"{folder} holds no readable {files.EXPERIMENT}, so its runs are unknown: move it"
            " away, or give another --out"
        )
    if differences := list(changes(theirs, ours)):
        more = len(differences) - MAX_CHANGES
        raise ExperimentError(
            f"{folder} holds another experiment of this name: "
            + "; ".join(differences[:MAX_CHANGES] + ([f"and {more} more"] if more > 0 else []))
            + f". Undo that, rename the file, move {folder} away, or give another --out"
        )


def _has_points(read: Mapping[str, Any]) -> bool:
    """Return whether the points have the structure that `changes` relies on."""
    points = read["points"]
    return isinstance(points, dict) and all(
        isinstance(point, dict)
        and isinstance(point.get("values"), dict)
        and isinstance(point.get("spec"), dict)
        for point in points.values()
    )


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the differences of two resolved experiments as `name old -> new`."""
    if old == new:
        return
    for name in ("backend", "logs", "repeat"):
        yield from _differences(name, old[name], new[name])
    before, after = _axes(old), _axes(new)
    yield from _differences("", before, after)
    points = old["points"], new["points"]
    if before == after:
        yield from _differences("points", *map(list, points))
    both = [name for name in points[0] if name in points[1]]
    yield from dict.fromkeys(
        difference
        for name in both
        for difference in _differences("", *(side[name]["spec"] for side in points))
    )


def _axes(experiment: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the distinct values of every axis, in order."""
    axes: dict[str, list[Any]] = {}
    for point in experiment["points"].values():
        for axis, value in point["values"].items():
            values = axes.setdefault(axis, [])
            if value not in values:
                values.append(value)
    return axes


def _differences(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            yield from _differences(f"{name}.{key}" if name else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and _alike(old, new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{name}.{number}", one, other)
    elif old != new:
        yield f"{plain(name)} {_text(old)} -> {_text(new)}"


def _alike(old: list[Any], new: list[Any]) -> bool:
    """Return whether two lists hold equally many tables, which are compared one by one."""
    return len(old) == len(new) and all(isinstance(entry, dict) for entry in old + new)


def _text(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return escaped(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}...")
