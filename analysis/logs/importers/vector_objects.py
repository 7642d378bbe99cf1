"""JSON objects with a vector clock each, as the tracing library of a Go course writes them.

The objects are in any order and layout: one per line, or all in one array. Their fields are found
by content: the clock is an object of counts, and the host a text that is one of its keys; without
such a text, the host is the name of the file.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analysis.history.run import TORN, Damage, InputError, Run
from analysis.logs import texts
from analysis.logs.limits import MAX_REASON_CHARACTERS
from analysis.logs.vectors.events import HostEvent, clock_of
from analysis.logs.vectors.objects import Found, objects
from analysis.logs.vectors.runs import Execution, runs_of
from vm.quoting import escaped, plain

NAME = "vector-objects"
#: The names of the time of an event, in lower case.
TIMES = ("timestamp", "time", "ts", "at", "@timestamp", "date")
Path_ = tuple[str, ...]


def knows(head: str) -> bool:
    """Return whether a file with this beginning is a log of this format."""
    found = [one.value for one in objects(head) if one.value] if "{" in head else []
    return _fields(found) is not None


def load(path: Path, files: Sequence[Path]) -> list[Run]:
    """Load the run of the objects in a file, or in the files of a directory together."""
    one, notes = Execution(), list[str]()
    for file in files:
        try:
            notes += _read(file, one)
        except InputError as error:
            raise InputError(f"{file}: {error}") from None
    return runs_of(path, NAME, {"1": one}, notes)


def _read(file: Path, one: Execution) -> list[str]:
    text, encoding = texts.read(file)
    found = list(objects(text))
    fields = _fields([each.value for each in found if each.value])
    name, last = escaped(file.name), 0 if text.endswith("\n") else text.count("\n") + 1
    if fields is None:
        raise InputError("its objects hold no vector clock")
    clock, host = fields
    for each in found:
        if each.value:
            one.add(_event(each, clock, host, file))
        elif each.line == last:
            one.add(Damage(name, each.line, f"{TORN}: this is no object"))
        elif each.text.startswith("{"):
            reason = plain(f"this is no object: {each.text}", MAX_REASON_CHARACTERS)
            one.add(Damage(name, each.line, reason))
        else:
            one.pass_over(each.text)
    of_host = f", the host is {'.'.join(host)}" if host else ""
    return [*encoding, f"in {name}, the clock is {'.'.join(clock)}{of_host}"]


def _event(found: Found, clock: Path_, host: Path_, file: Path) -> HostEvent | Damage:
    name = _at(found.value, host) if host else texts.stem(file)
    value = _at(found.value, clock)
    entries = clock_of(value, str(name), json.dumps(value, ensure_ascii=False))
    if isinstance(entries, str):
        reason = plain(entries, MAX_REASON_CHARACTERS)
        return Damage(escaped(file.name), found.line, reason)
    times = {key.lower(): value for key, value in found.value.items()}
    time = next((times[key] for key in TIMES if isinstance(times.get(key), str | int | float)), "")
    return HostEvent(str(name), entries, found.text, str(time), escaped(file.name), found.line)


def _fields(found: Sequence[dict[str, Any]]) -> tuple[Path_, Path_] | None:
    """Return the paths of the clock and the host that most objects have; None without a clock.

    The path of the host is empty if no text names it.
    """
    pairs, clocks = Counter[tuple[Path_, Path_]](), Counter[Path_]()
    for one in found:
        values = dict(_paths(one))
        for clock, value in values.items():
            if isinstance(value, dict) and value and _counts(value.values()):
                clocks[clock] += 1
                pairs.update((clock, host) for host, name in values.items() if _is_in(name, value))
    most = pairs.most_common(1) or [
        ((path, ()), n) for path, n in clocks.most_common(1) if _grows(found, path)
    ]
    return most[0][0] if most and 2 * most[0][1] >= len(found) else None


def _grows(found: Sequence[dict[str, Any]], path: Path_) -> bool:
    """Return whether an entry of the objects at a path is another one each time."""
    clocks = [clock for one in found if isinstance(clock := _at(one, path), dict)]
    return len(clocks) > 1 and any(
        len({clock.get(name) for clock in clocks}) == len(clocks) for name in clocks[0]
    )


def _is_in(name: Any, clock: dict[str, Any]) -> bool:
    return isinstance(name, str) and name in clock


def _counts(values: Iterable[Any]) -> bool:
    return all(type(n) is int or (type(n) is float and n.is_integer()) for n in values)


def _paths(value: dict[str, Any]) -> Iterable[tuple[Path_, Any]]:
    """Yield the fields of an object, and those of objects in it, with their paths."""
    for key, inner in value.items():
        yield (key,), inner
        if isinstance(inner, dict):
            yield from (((key, below), at) for below, at in inner.items())


def _at(value: Any, path: Path_) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
