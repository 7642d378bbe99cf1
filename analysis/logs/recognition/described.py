"""The description of recognised logs: what a person would have written to have them read."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from analysis.logs.description.description import (
    EVERYONE,
    SEPARATORS,
    Alias,
    Description,
    Template,
)
from analysis.logs.recognition.candidates import Roles, texts
from analysis.logs.recognition.expressions import WHOLE, expression
from analysis.logs.recognition.mined.vectors import PATTERN
from analysis.logs.recognition.names import ALL_OTHERS, NO_NAMES, Naming
from analysis.logs.recognition.recognise import Recognised
from analysis.logs.texts import stem

#: What the receivers of a line are called whose words name a neighbour, by the steps to it.
NEIGHBOURS = {1: "next", -1: "previous"}
#: More different words at a place may be followed by others.
MAX_FEW = 8


def description(found: Recognised) -> Description:
    """Return the description by which recognised logs are read."""
    return Description(
        lines=tuple(
            _template(found, shape, found.reading.roles[shape])
            for shape in sorted(found.reading.roles, key=lambda shape: _order(found, shape))
        ),
        separators=(*SEPARATORS, *_separators(found)),
        machines=_aliases(found),
        vector=found.vectors,
    )


def _order(found: Recognised, shape: int) -> tuple[int, int, int]:
    """Return the place of the expression of a shape: those that fit more lines come later.

    A record may begin as a shorter one, and a literal word is one of the names in its place.
    """
    one = found.logs.sample.shapes[shape]
    return -sum(part.text == "\n" for part in one.key), len(one.slots), shape


def _separators(found: Recognised) -> list[str]:
    """Return what else stands between the names of lists."""
    shapes = [found.logs.sample.shapes[shape] for shape in found.reading.roles]
    between = {parts for shape in shapes for parts in shape.separators if parts}
    texts_ = {" ".join(parts) for parts in between} | {
        part.element[0].text
        for shape in shapes
        for part in shape.key
        if part.is_list and () in shape.separators and part.element[0].kind == "word"
    }
    spaced = {f" {text} " if text[-1].isalpha() else text for text in texts_}
    return sorted(spaced - {*SEPARATORS})


def _template(found: Recognised, shape: int, roles: Roles) -> Template:
    one = found.logs.sample.shapes[shape]
    receivers = EVERYONE if roles.to_all else NEIGHBOURS.get(roles.steps, "")
    examples = {
        slot: str(found.logs.sample.values(shape, slot)[0]) for slot in range(len(one.slots))
    }
    groups = dict(_groups(found, shape, roles))
    text = expression(one, groups, examples, dict(_few(found, shape, groups)))
    if found.vectors:
        text = text.replace(f"(?<clock>{WHOLE})", f"(?<clock>{PATTERN})")
    return Template(text, roles.kind, receivers)


def _few(
    found: Recognised, shape: int, groups: Mapping[int, str]
) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield the slots of words without a role, with all that is there: a name may be a kind."""
    one = found.logs.sample.shapes[shape]
    for slot, at in enumerate(one.slots):
        if one.key[at].kind == "name" and not one.key[at].is_list and slot not in groups:
            values = frozenset(map(str, found.logs.sample.values(shape, slot)))
            if len(values) <= MAX_FEW:
                yield slot, values


def _groups(found: Recognised, shape: int, roles: Roles) -> Iterator[tuple[int, str]]:
    """Yield the slots that an event needs, with the names of their groups."""
    for name in ("clock", "time", "queue", "stamp"):
        slot = getattr(roles, name)
        if slot is not None:
            yield slot, name
    if "" in found.files.values():
        yield found.logs.own[shape], "machine"
    if roles.peer is not None:
        if roles.kind == "send" and found.reading.receivers:
            yield roles.peer, "receivers"
        if roles.kind == "receive" and found.reading.senders:
            yield roles.peer, "sender"


def _aliases(found: Recognised) -> dict[str, Alias]:
    """Return what the names of files and of peers stand for, where they are no machine's name."""
    reading = found.reading
    own: dict[str, dict[str, tuple[str, ...]]] = {machine: {} for machine in reading.machines}
    peers = set(_peers(found))
    # What each machine does not use in the sample, it may use later.
    peers |= {
        (naming, machine, text)
        for naming, _, text in peers
        for machine in reading.machines
        if naming.kind != "name"
    }
    foreign = sorted({text for naming, machine, text in peers if _is_foreign(found, naming, text)})
    for naming, machine, text in peers:
        to = naming.machine(text, machine, reading.machines)
        if to:
            own[machine][text] = (*to, *(foreign if text.lower() in ALL_OTHERS else ()))
    if foreign and any(roles.to_all for roles in reading.roles.values()):
        for machine in reading.machines:
            others = [other for other in reading.machines if other != machine]
            own[machine][EVERYONE] = (*others, *foreign)
    for roles in reading.roles.values():
        for at, machine in enumerate(reading.machines if roles.steps else ()):
            neighbour = reading.machines[(at + roles.steps) % len(reading.machines)]
            own[machine][NEIGHBOURS[roles.steps]] = (neighbour,)
    stems = {stem(Path(file)): machine for file, machine in found.files.items()}
    files: dict[str, Alias] = {name: (one,) for name, one in stems.items() if one and name != one}
    return files | _shared(own)


def _is_foreign(found: Recognised, naming: Naming, text: str) -> bool:
    """Return whether a peer is a machine without a log."""
    machines = found.reading.machines
    return text.lower() not in NO_NAMES and not any(
        naming.machine(text, own, machines) for own in machines
    )


def _peers(found: Recognised) -> Iterator[tuple[Naming, str, str]]:
    reading = found.reading
    for machine, entries in found.logs.entries.items():
        for entry in entries:
            roles = reading.roles.get(entry.shape)
            naming = {"send": reading.receivers, "receive": reading.senders}.get(
                roles.kind if roles else "internal"
            )
            if roles and roles.peer is not None and naming:
                yield from ((naming, machine, text) for text in texts(entry.values[roles.peer]))


def _shared(own: Mapping[str, Mapping[str, tuple[str, ...]]]) -> dict[str, Alias]:
    """Return the aliases in one table if all machines use them alike, or else by machine."""
    together: dict[str, tuple[str, ...]] = {}
    for table in own.values():
        for text, to in table.items():
            if together.setdefault(text, to) != to:
                tables = ((machine, _without_names(table)) for machine, table in own.items())
                return {machine: table for machine, table in tables if table}
    return {**_without_names(together)}


def _without_names(table: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the aliases without the names that stand for themselves."""
    return {text: to for text, to in table.items() if to != (text,)}
