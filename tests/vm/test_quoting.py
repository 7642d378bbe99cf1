import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.quoting import MAX_QUOTED, escaped, input_problem, plain, quoted


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [{"a": value}]
    return value


@pytest.mark.parametrize(
    "value", [[6, 1], {"kind": "loss"}, "it's", 2.5, True, None, [], {}, [[1]]]
)
def test_a_short_value_is_quoted_as_its_literal(value: Any) -> None:
    assert quoted(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("\x1b[2J\r\n\x9b\u202e\udc80", r"'\x1b[2J\r\n\x9b\u202e\udc80'"),
        ("x" * 10**6, "'" + "x" * 78 + "…"),
        (range(10**9), "range(0, 1000000000)"),
        ([1] * 10**6, "[" + "1, " * 26 + "…"),
        (nested(10**5), "[{'a': " * 11 + "[{…"),
        ({"x" * 10**6: 1}, "{'" + "x" * 77 + "…"),
        (16**5000, "an integer of 20001 bits"),
    ],
    ids=lambda value: "",
)
def test_a_value_is_quoted_on_one_short_line(value: Any, says: str) -> None:
    assert quoted(value) == says


def test_a_name_is_written_without_quotes() -> None:
    assert plain("vm1") == "vm1"
    assert plain("a\nb\x00") == r"a\nb\x00"
    assert plain("x" * 81) == "x" * 79 + "…"
    assert plain("\x1b" * 2, most=6) == r"\x1b\…"


@given(st.recursive(st.text() | st.binary() | st.integers() | st.floats(), st.lists))
def test_whatever_is_quoted_is_printable_and_short(value: Any) -> None:
    assert quoted(value).isprintable()
    assert len(quoted(value)) <= MAX_QUOTED
    assert escaped(str(value)).isprintable()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a":1', "not JSON: it ends too early"),
        (b'{"a":', "not JSON: it ends too early"),
        (b" \n", "not JSON: it is empty"),
        (b'{"a":1,}', "not JSON: '}' at character 8 is out of place"),
        (b'{"a" 1}', "not JSON: '1' at character 6 is out of place"),
        (b'{"a":1}{"a":2}', "not JSON: '{' at character 8 is out of place"),
        (b'{"a":"b}', "not JSON: the text from character 6 on has no closing quote"),
        (b'{\n"a":\x1b}', "not JSON: '\\x1b' at line 2, character 5 is out of place"),
        (b"9" * 5000, "not JSON: a number has too many digits"),
        (b"[" * 100_000, "not JSON: it is nested too deeply"),
        (b'{"a":"\xe9"}', "not text in UTF-8: byte 7 is 0xe9"),
    ],
    ids=lambda value: "",
)
def test_a_text_that_is_no_json_is_refused_in_plain_english(text: bytes, says: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        json.loads(text.decode())
    assert input_problem(caught.value) == says


@given(st.binary())
def test_no_reason_is_a_message_of_python(text: bytes) -> None:
    with suppress(ValueError):
        json.loads(text.decode())
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        json.loads(text.decode())
    problem = input_problem(caught.value)
    assert problem.startswith(("not JSON: ", "not text in UTF-8: byte "))
    assert problem.isprintable()
