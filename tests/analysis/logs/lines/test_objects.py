"""JSON objects over several lines."""

import json

from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.lines.objects import on_one_line

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x85\u2028\u2029"))
VALUES = st.recursive(
    st.integers() | TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), min_size=1, max_size=5)


def numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.split("\n"), 1))


@given(OBJECTS, st.sampled_from([1, 2, "\t"]))
def test_an_indented_array_reads_as_one_object_a_line(
    objects: list[dict[str, object]], indent: int | str
) -> None:
    found = list(on_one_line(numbered(json.dumps(objects, indent=indent))))
    assert json.loads("\n".join(text for _, text in found)) == objects
    assert len(found) == len(objects)


@given(OBJECTS.map(lambda some: [{"first": 1}, *some]))
def test_objects_one_behind_the_other_read_as_one_a_line(objects: list[dict[str, object]]) -> None:
    text = "\n".join(json.dumps(one, indent=2) for one in objects)
    found = list(on_one_line(numbered(text)))
    assert [json.loads(text) for _, text in found] == objects
    lines = text.split("\n")
    assert all(lines[number - 1] == "{" for number, _ in found)


def test_an_array_in_an_object_has_the_objects() -> None:
    text = json.dumps({"machine": 1, "events": [{"a": 1}, {"a": [2, 3]}]}, indent=2)
    found = list(on_one_line(numbered(text)))
    assert [line for line in found if '"a"' in line[1]] == [
        (4, '{"a": 1},'),
        (7, '{"a": [2, 3]}]'),
    ]


def test_other_lines_stay_as_they_are() -> None:
    for text in ("a {\nb\n}", '{"a": 1}\n{"a": 2}', "{\n  no object\n}\nc", "", "[\n1,\n2\n]"):
        kept = "".join(line for _, line in on_one_line(numbered(text)))
        assert kept.replace(" ", "") == text.replace("\n", "").replace(" ", "")


@given(OBJECTS)
def test_an_array_on_one_line_reads_as_one_object_a_line(objects: list[dict[str, object]]) -> None:
    found = list(on_one_line(numbered(json.dumps(objects))))
    assert json.loads("\n".join(text for _, text in found)) == objects
    assert [number for number, _ in found] == [1] * len(objects)
