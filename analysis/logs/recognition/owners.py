"""The values in lines that name the machine of their log."""

from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.logs.recognition.candidates import MACHINE_WORDS
from analysis.logs.recognition.names import PART, RATE_WORDS
from analysis.logs.recognition.sample import Sample

#: The share of lines with a value in the column of the machine's name.
MIN_SHARE = 0.8


def own_slots(sample: Sample) -> dict[int, int]:
    """Return the slots of columns whose value is the same in each file, and differs between."""
    every = sum(
        one.count
        for one in sample.shapes
        if any(one.key[at].kind in ("whole", "decimal") for at in one.slots)
    )
    slots: dict[str, dict[int, int]] = {}
    found: dict[int, int] = {}
    for shape, one in enumerate(sample.shapes):
        for slot, at in enumerate(one.slots):
            is_rate = sample.name(shape, slot) in RATE_WORDS
            if one.key[at].kind in ("whole", "name") and not (one.key[at].is_list or is_rate):
                slots.setdefault(sample.column(shape, slot), {})[shape] = slot
                # The words around may differ from shape to shape, and the file is called so.
                called = _constants(sample, {shape: slot})
                if called and all(
                    text.lower() in file.lower() and text.strip("0123456789")
                    for file, text in called.items()
                ):
                    found.setdefault(shape, slot)
    # A rate may be the same in each file, too: names come first.
    for some in sorted(slots.values(), key=lambda some: _is_number(sample, some)):
        lines = sum(sample.shapes[shape].count for shape in some)
        # The only peer of one of two machines is the same, too.
        called = _constants(sample, some)
        if 2 * lines > every and called and not _are_peers(called):
            found = some | found
    return _with_same(sample, found or _by_values(sample))


def _are_peers(called: Mapping[str, str]) -> bool:
    """Return whether the value in each file is part of the name of another file, not of its own."""
    return all(
        text.lower() not in file.lower()
        and any(text.lower() in other.lower() for other in called if other != file)
        for file, text in called.items()
    )


def _by_values(sample: Sample) -> dict[int, int]:
    """Return the slots with the one value that nearly all lines of a file have, whatever is
    around it; the value differs between files, and is part of the file's name if it is a number.
    """
    slots = [
        (shape, slot)
        for shape, one in enumerate(sample.shapes)
        for slot, at in enumerate(one.slots)
        if one.key[at].kind in ("whole", "name")
        and not one.key[at].is_list
        and sample.name(shape, slot) not in RATE_WORDS
    ]
    called = _commonest(sample, slots)
    if len({*called.values()}) < max(2, len(sample.mined.entries)) or _are_peers(called):
        return {}
    found: dict[int, int] = {}
    for shape, slot in slots:
        if all(
            str(entry.values[slot]) == called[file]
            for file, some in sample.mined.entries.items()
            for entry in some
            if entry.shape == shape
        ):
            found.setdefault(shape, slot)
    return found


def _commonest(sample: Sample, slots: Sequence[tuple[int, int]]) -> dict[str, str]:
    """Return the value that nearly all lines of each file have in one of the slots, if any."""
    by_shape: dict[int, list[int]] = {}
    for shape, slot in slots:
        by_shape.setdefault(shape, []).append(slot)
    found = dict[str, str]()
    for file, some in sample.mined.entries.items():
        counts: Counter[str] = Counter()
        for entry in some:
            counts.update({str(entry.values[slot]) for slot in by_shape.get(entry.shape, ())})
        parts = PART.findall(file)
        for text, lines in counts.most_common():
            if lines >= MIN_SHARE * len(some) and (not text.isdigit() or text in parts):
                found.setdefault(file, text)
    return found


def _with_same(sample: Sample, own: Mapping[int, int]) -> dict[int, int]:
    """Return the slots of machines with those of other columns that hold the same names."""
    called = names_in_lines(sample, own, 0.0)
    found = dict(own)
    for shape, one in enumerate(sample.shapes):
        for slot in range(len(one.slots)) if called and shape not in own else ():
            lines = [
                str(entry.values[slot]) == called[file]
                for file, some in sample.mined.entries.items()
                for entry in some
                if entry.shape == shape
            ]
            if lines and all(lines):
                found.setdefault(shape, slot)
    return found


def _constants(sample: Sample, slots: Mapping[int, int]) -> dict[str, str]:
    """Return the one value of slots in each file, {} unless the values of files differ."""
    by_file = {
        file: {str(e.values[slots[e.shape]]) for e in entries if e.shape in slots}
        for file, entries in sample.mined.entries.items()
    }
    values = {file: min(texts) for file, texts in by_file.items() if len(texts) == 1}
    is_constant = len(values) > 1 and not any(len(texts) > 1 for texts in by_file.values())
    return values if is_constant and len({*values.values()}) == len(values) else {}


def _is_number(sample: Sample, slots: Mapping[int, int]) -> bool:
    """Return whether a column holds plain numbers that nothing calls a machine."""
    names = {sample.name(shape, slot) for shape, slot in slots.items()}
    kinds = {sample.part(shape, slot).kind for shape, slot in slots.items()}
    return "name" not in kinds and not names & MACHINE_WORDS


def names_in_lines(
    sample: Sample, own: Mapping[int, int], least: float = MIN_SHARE
) -> dict[str, str]:
    """Return the name that most lines of each file have for its machine; {} if some have none."""
    called = {}
    usual = {n for n, one in enumerate(sample.shapes) if one.count > 2 * len(sample.mined.entries)}
    for file, some in sample.mined.entries.items():
        values = Counter(str(e.values[own[e.shape]]) for e in some if e.shape in own)
        # A short log has more lines of its start than events.
        lines = sum(entry.shape in usual or entry.shape in own for entry in some)
        if not values or values.total() < least * lines:
            return {}
        called[file] = values.most_common(1)[0][0]
    return called if len(set(called.values())) == len(called) else {}
