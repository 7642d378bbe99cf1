"""Regular expressions of shapes, with a group for each role."""

import re
from collections.abc import Collection, Mapping

from analysis.logs.recognition.mined.shapes import Part, Shape
from analysis.logs.recognition.mined.tokens import PATTERNS

WHOLE = r"\d+(?:\.0*)?"
NAME = r"[\w.:-]+"
#: Space within a line, and within a line of a record of several lines.
SPACE, SPACE_IN_RECORD = r"\s", r"[^\S\n]"
#: A run of digits or of letters in a time.
RUN = re.compile(r"\d+|[A-Za-z]+")


def expression(
    shape: Shape,
    groups: Mapping[int, str],
    examples: Mapping[int, str],
    few: Mapping[int, Collection[str]],
) -> str:
    """Return the expression of a shape.

    By slot, `groups` are the names of groups, `examples` are values that times look like, and
    `few` all values of words that are no names.
    """
    space = SPACE_IN_RECORD if any(part.text == "\n" for part in shape.key) else SPACE
    slots = {at: number for number, at in enumerate(shape.slots)}
    is_object = shape.key[0].text + shape.key[-1].text == "{}"
    # An object may be one of an array that has several lines.
    text = rf"^{space}*\[?{space}*" if is_object else f"^{space}*"
    for at, part in enumerate(shape.key):
        slot = slots.get(at, -1)
        text += _gap(shape.spaces[at], space) if at else ""
        if slot in few:
            text += f"(?:{'|'.join(map(_escaped, sorted(few[slot], key=len, reverse=True)))})"
        else:
            text += _part(shape, part, groups.get(slot, ""), examples.get(slot, ""), space)
    return rf"{text}{space}*[,\]]*{space}*$" if is_object else f"{text}{space}*$"


def _gap(seen: Collection[bool], space: str) -> str:
    """Return the space between two parts: as in all lines, or optional."""
    return "" if seen == {False} else f"{space}+" if seen == {True} else f"{space}*"


def _part(shape: Shape, part: Part, group: str, example: str, space: str) -> str:
    if not part.is_value:
        return {"\n": r"\n", "\t": r"\t"}.get(part.text) or _escaped(part.text)
    text = _list(shape, part, space) if part.is_list else _value(part, group, example)
    return f"(?<{group}>{text})" if group else text


def _value(part: Part, group: str, example: str) -> str:
    if group == "queue":
        # A receive of a message that was not there makes it negative.
        return f"-?{WHOLE}"
    if group in ("clock", "stamp"):
        return WHOLE
    match part.kind:
        case "time":
            return _like(example)
        case "decimal":
            return PATTERNS["decimal"] if "e" in example.lower() else r"-?\d+\.\d+"
        case "name":
            return NAME
        case "id":
            return r"[\w-]+"
    return PATTERNS["whole"]


def _like(example: str) -> str:
    """Return the expression of times that look like an example."""
    text, at = "", 0
    for run in RUN.finditer(example):
        text += _escaped(example[at : run.start()])
        text += r"\d+" if run[0].isdigit() else "[A-Za-z]+"
        at = run.end()
    return text + _escaped(example[at:])


def _list(shape: Shape, part: Part, space: str) -> str:
    """Return the expression of a list: an element, and more behind the separators found."""
    element, last = "", None
    for one in part.element:
        element += f"{space}*" if last and "mark" in (last.kind, one.kind) else ""
        element += f"{space}+" if last and "mark" not in (last.kind, one.kind) else ""
        element += _part(shape, one, "", "", space)
        last = one
    between = sorted({rf"{space}*".join(map(_escaped, some)) for some in shape.separators if some})
    spaced = [rf"{space}*(?:{'|'.join(between)}){space}*"] if between else []
    spaced += [f"{space}+"] if () in shape.separators or not between else []
    return rf"{element}(?:(?:{'|'.join(spaced)}){element})*"


def _escaped(text: str) -> str:
    """Escape what has a meaning in an expression, and no more, to keep it readable."""
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)
