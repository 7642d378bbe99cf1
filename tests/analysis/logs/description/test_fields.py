"""The fields of a description: files that are read back as written, and errors with a remedy."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.history.run import InputError
from analysis.logs.description import fields
from analysis.logs.description.description import PARTS, Description, Template
from vm.fields import SpecError

VALIDATOR = jsonschema.Draft7Validator(fields.schema())
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(tuple)
WHEN = st.sampled_from(["before", "after"])
KINDS = st.sampled_from(["internal", "send", "receive"])
PLAIN = st.text("abc .:'\"\n\té", max_size=8).map(lambda text: text.replace(".", "\\."))


@st.composite
def templates(draw: st.DrawFn) -> Template:
    kind = draw(st.sampled_from(["", "internal", "send", "receive"]))
    parts = [
        "clock",
        *(["kind"] if not kind else []),
        *draw(st.sets(st.sampled_from([*PARTS][2:]))),
    ]
    between = [draw(PLAIN) for _ in parts]
    groups = (f"{text}(?<{part}>\\S+)" for text, part in zip(between, parts, strict=True))
    return Template("".join(groups), kind, draw(st.just("") | WORDS))


PATHS = st.sampled_from(["$.clock", "$.clock.lamport", "$['a key'][0]", "$.to[1].name"])
COLUMNS = (st.sampled_from(["a", "b c", "é"]), st.integers(1, 30))
ALIASES = st.dictionaries(WORDS, NAMES | st.dictionaries(WORDS, NAMES, max_size=2), max_size=3)


def _tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    needed = {"clock": values, "kind": values}
    return st.fixed_dictionaries(needed, optional=dict.fromkeys([*PARTS][2:], values))


LAYOUTS = st.one_of(
    st.lists(templates(), min_size=1, max_size=3).map(lambda lines: {"lines": tuple(lines)}),
    _tables(PATHS).map(lambda paths: {"paths": paths}),
    *(_tables(column).map(lambda columns: {"columns": columns}) for column in COLUMNS),
)
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from([",", ";", "|", "\t", "'"]),
        "files": WORDS,
        "ignore": st.lists(st.sampled_from([r"^up \w+", "bye", "'"]), max_size=2).map(tuple),
        "delimiter": st.sampled_from(["^---", r"^--- part (?<trace>.*) ---$"]),
        "time": st.sampled_from(["s", "ms", "%H:%M:%S.%f"]),
        "initial": st.integers(0, 9),
        "clock": st.dictionaries(KINDS, WHEN),
        "stamp": WHEN,
        "queue": WHEN,
        "vector": NAMES,
        "separators": NAMES,
        "kinds": st.dictionaries(KINDS, NAMES),
        "machines": ALIASES,
    },
)
DESCRIPTIONS = st.builds(lambda layout, rest: Description(**layout, **rest), LAYOUTS, OTHERS)


@given(description=DESCRIPTIONS)
@settings(max_examples=200)
def test_a_written_description_is_read_back_equal(description: Description) -> None:
    text = description.to_toml()
    plain = tomllib.loads(text)
    assert fields.parse(plain) == description
    assert VALIDATOR.is_valid(plain), text


def test_a_written_description_explains_its_fields() -> None:
    one = Description(lines=(Template("(?<clock>.) (?<kind>.)"),), stamp="before")
    text = one.to_toml()
    assert "# when a message is stamped: before or after its send" in text
    assert "# fields that are not given, and so inferred or by default: " in text


def test_the_schema_is_one_and_describes_every_field() -> None:
    jsonschema.Draft7Validator.check_schema(fields.schema())
    assert all(one["description"] for one in fields.schema()["properties"].values())


X = "(?<clock>.) (?<kind>.)"
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"expresion": X}, "expresion: there is no such field; did you mean expression?"),
    ({}, "expression: it is needed, with the groups clock and kind"),
    ({"expression": "(?<clock>.)"}, "expression: the group kind is needed"),
    ({"expression": [X, "(?<clok>.)"]}, "expression.1: the group clock is needed"),
    ({"expression": X, "paths": {}}, "paths: there is expression already: give one of them"),
    ({"lines": [{"expression": X, "kind": "sent"}]}, "lines.0.kind: 'sent' is neither internal"),
    ({"lines": [{"kind": "send"}]}, "lines.0.expression: it is needed"),
    ({"lines": [{"expression": X, "kinds": ""}]}, "lines.0.kinds: there is no such key; did you"),
    ({"lines": []}, "lines: [] is not a list of tables, each [[lines]]"),
    ({"paths": {"clock": "clock", "kind": "$.k"}}, "paths.clock: 'clock' is not a path like"),
    ({"paths": {"clock": "$.c"}}, "paths: the key kind is needed"),
    ({"columns": {"clock": 1, "kind": "k"}}, "columns: columns are given by name or by place, not"),
    ({"columns": {"clock": 0, "kind": 1}}, "columns.clock: 0 is outside 1.."),
    ({"expression": X, "separator": ", "}, "separator: ', ' is not one character"),
    ({"expression": X, "ignore": "up"}, "ignore: 'up' is not a list of regular expressions: write"),
    ({"expression": X, "ignore": ["("]}, "ignore.0: "),
    ({"expression": X, "delimiter": "(?<run>.)"}, "delimiter: there is no group 'run'"),
    ({"expression": X, "initial": -1}, "initial: -1 is outside 0.."),
    ({"expression": X, "clock": "during"}, "clock: 'during' is neither before nor after"),
    ({"expression": X, "clock": {"sent": "after"}}, "clock.sent: there is no such key; did you"),
    ({"expression": X, "stamp": ["after"]}, "stamp: ['after'] is neither before nor after"),
    ({"expression": X, "vector": "m1"}, "vector: 'm1' is not a list of machines: write ['m1']"),
    ({"expression": X, "machines": {"5001": 1}}, "machines.5001: 1 is neither a machine, nor *"),
    ({"expression": X, "machines": ["m1"]}, "machines: ['m1'] is not a table"),
]


@pytest.mark.parametrize(("plain", "says"), BROKEN, ids=str)
def test_a_wrong_field_is_named_with_the_remedy(plain: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as error:
        fields.parse(plain)
    assert str(error.value).startswith(says)


#: A schema knows neither the groups of an expression nor whether it is one.
BEYOND = ("group", "columns are given", "ignore.0")


@pytest.mark.parametrize(
    "plain", [one for one, says in BROKEN if not any(part in says for part in BEYOND)], ids=str
)
def test_the_schema_refuses_wrong_values_too(plain: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(plain)


def test_settings_replace_fields_and_keys_of_tables() -> None:
    given_ = {"expression": X, "stamp": "after", "kinds": {"send": ["out"]}}
    found = fields.overridden(given_, {"stamp": "before", "kinds.receive": ["in"], "initial": 1})
    assert found == given_ | {
        "stamp": "before",
        "kinds": {"send": ["out"], "receive": ["in"]},
        "initial": 1,
    }
    with pytest.raises(SpecError, match=r"stamp: 'after' is not a table, so stamp.send cannot be"):
        fields.overridden(given_, {"stamp.send": "before"})


def test_a_file_that_is_no_description_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    for text, says in (("[", "is not TOML"), ("stamp = 'before'", "expression: it is needed")):
        path.write_text(text)
        with pytest.raises(InputError, match=f"lab.toml.*{says}"):
            fields.read(path)
