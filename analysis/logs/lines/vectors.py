"""Vector clocks in the texts of rows: lists in the order of the machines, or objects by name."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.history.run import MAX_INT64, InputError
from analysis.logs.lines.names import Directory
from vm.spec import natural_order

ENCLOSED = re.compile(r"\s*[\[({<].*[\])}>]\s*", re.DOTALL)
#: Keys without quotes, as many programs print mappings: {p1: 1, p2: 0} or map[p1:1 p2:0].
PAIR = re.compile(r"['\"]?([^\s'\",:=\[\]{}()]+)['\"]?\s*[:=]\s*(\d{1,18})")
PLACE = re.compile(r"\d{1,18}")
MAX_PLACES = 500

Vector = Mapping[str, int] | Sequence[int]


def are_vectors(clocks: pl.Series, is_given: bool) -> bool:
    """Return whether most clocks are lists or objects; without brackets only `is_given` says so."""
    some = [text for text in clocks.head(1000) if text]
    found = sum(bool(ENCLOSED.fullmatch(text)) or is_given for text in some)
    return 2 * found > len(some)


def vector_of(text: str) -> Vector | None:
    """Return a vector as it is written, None if it is none."""
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError):
        pairs = PAIR.findall(text)
        rest = PLACE.findall(text) if re.fullmatch(r"[\s\d,;|\[\](){}<>]*", text) else []
        read = {name: int(number) for name, number in pairs} or [int(n) for n in rest]
    if isinstance(read, int) and not isinstance(read, bool):
        read = [read]
    numbers = [*read.values()] if isinstance(read, dict) else read
    if not isinstance(numbers, list) or not 0 < len(numbers) <= MAX_PLACES:
        return None
    fits = all(type(n) is int and 0 <= n <= MAX_INT64 // MAX_PLACES for n in numbers)
    return read if fits else None


def parsed(
    events: pl.DataFrame, directory: Directory, order: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...], list[str]]:
    """Parse the column `vector`; also return the machines of the places, and notes.

    The places are those of the machines with a log, then those of others that vectors name. The
    column `clock` becomes the own component, and `stamp` of a receive that of its sender.
    InputError if the places of a list are not known.
    """
    read = [vector_of(text) for text in events["vector"]]
    logged = events["machine"].unique(maintain_order=True).to_list()
    longest = max((len(one) for one in read if not isinstance(one, Mapping) and one), default=0)
    in_order, notes = [*order] or logged, list[str]()
    if longest > len(in_order):
        raise InputError(
            f"vector: the clocks have {longest} places, and there are {len(in_order)} machines:"
            ' name the machine of each place, as in vector = ["m1", "m2"]'
        )
    if longest and not order:
        notes.append(f"the places of a vector are those of {', '.join(logged)}, in this order")
    named = {key for vector in read if isinstance(vector, Mapping) for key in vector}
    names = {key: (*directory.receivers("", key), key)[0] for key in named}
    others = {*names.values()} | ({*order} if longest else set())
    places = (*logged, *sorted(others - {*logged}, key=natural_order))
    place = {machine: n for n, machine in enumerate(places)}
    vectors = [_in_order(one or (), place, names, in_order) for one in read]
    senders = zip(events["machine"], events["sender"], vectors, strict=True)
    parsed_events = events.with_columns(
        vector=pl.Series(vectors, dtype=pl.List(pl.Int64)),
        clock=pl.Series([one[place[m]] for m, one in zip(events["machine"], vectors, strict=True)]),
        stamp=pl.Series(
            [one[place[sender]] if sender in place else None for _, sender, one in senders],
            dtype=pl.Int64,
        ),
    )
    return parsed_events, places, notes


def _in_order(
    vector: Vector, place: Mapping[str, int], names: Mapping[str, str], order: Sequence[str]
) -> list[int]:
    """Return the components by place; a component that is not written is 0."""
    found = [0] * len(place)
    if isinstance(vector, Mapping):
        for key, number in vector.items():
            found[place[names[key]]] = number
    else:
        for machine, number in zip(order, vector, strict=False):
            found[place[machine]] = number
    return found
