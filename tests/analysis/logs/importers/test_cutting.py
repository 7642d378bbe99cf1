"""Events are the same, whether their lines are searched one by one or in columns."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.description.description import Description, Template
from analysis.logs.expressions import Expression
from analysis.logs.importers.cutting import EXAMPLES, SAMPLED_LINES, Cutter
from analysis.logs.importers.rows import Reader

TEMPLATES = (
    Template(r"^(?<time>\S+) LOCAL (?<clock>\d+)$", kind="internal"),
    Template(r"^(?<time>\S+) SND( to (?<receivers>\S+))? (?<clock>\d+)", "send", "*"),
    Template(r"(?<machine>\w+)?: (?<kind>\w+) (?<clock>\d+)( at (?<peer>\w*))?"),
    Template(r"got (?<stamp>\d+) from (?<sender>\w+), now (?<clock>\d+), (?<queue>\d+) left"),
)
numbers = st.integers(0, 30).map(str)
names = st.sampled_from(["p", "q1", "é", "x→y", "²", ""])
lines = st.one_of(
    st.builds("{} LOCAL {}".format, numbers, numbers),
    st.builds("{} SND to {} {}".format, numbers, names, numbers),
    st.builds("{} SND {}{}".format, numbers, numbers, names),
    st.builds("{}: RCV {} at {}".format, names, numbers, names),
    st.builds("{}: SND {}".format, names, numbers),
    st.builds("got {} from {}, now {}, {} left".format, numbers, names, numbers, numbers),
    st.builds("up {} {}".format, names, names),
    st.sampled_from(["", " ", "\t", "\x1c", "LOCAL é", "1 LOCAL x", "1 LOCAL 2\x0b"]),
)


def cut(given_: Description, texts: list[str]) -> dict[str, Any]:
    """All that is kept of the lines in some files."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"m{n}.log" for n in range(len(texts))]
        reader, cutter = Reader(given_), Cutter(given_)
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
            cutter.cut(file, reader)
    parts = {
        label: (part.table.rows(), part.leftover.left, part.leftover._events, part.has_rows)
        for label, part in reader.parts.items()
    }
    return {
        "parts": parts,
        "kept": (reader.torn, reader.notes),
        "counts": (cutter.counts, cutter.examples),
    }


def one_by_one(given_: Description, texts: list[str]) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Expression, "is_shared", False)
        return cut(given_, texts)


@given(
    several=st.lists(st.lists(lines, max_size=9), min_size=1, max_size=3),
    chosen=st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=4, unique=True),
    ignore=st.sampled_from([(), ("^up",)]),
    delimiter=st.sampled_from(["", "", "^up p"]),
    end=st.sampled_from(["", "\n"]),
)
def test_columns_hold_what_single_lines_hold(
    several: list[list[str]],
    chosen: list[Template],
    ignore: tuple[str, ...],
    delimiter: str,
    end: str,
) -> None:
    assert all(Expression(one.expression).is_shared for one in chosen)
    given_ = Description(lines=tuple(chosen), ignore=ignore, delimiter=delimiter)
    texts = ["\n".join(some) + end for some in several]
    assert cut(given_, texts) == one_by_one(given_, texts)


def test_the_first_lines_are_examples() -> None:
    given_ = Description(lines=TEMPLATES)
    texts = ["".join(f"{n} LOCAL {n}{' ' * (n % 2)}\n" for n in range(SAMPLED_LINES + 9))]
    found = cut(given_, texts)
    assert found == one_by_one(given_, texts)
    counts, examples = found["counts"]
    assert counts == [(SAMPLED_LINES + 10) // 2, 0, 0, 0]
    assert [row.line for row in examples[0]] == [1, 3, 5][:EXAMPLES]
