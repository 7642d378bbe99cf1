"""The JSON Schema of experiment files for editors, made from the fields of a spec.

It checks one value at a time; whether a file's values fit together is checked when it is read.
"""

from typing import Any

from orchestrator.experiments.experiment import MAX_RUNS
from orchestrator.experiments.points import NO_AXES
from vm.spec import FIELDS, Spec

DRAFT = "http://json-schema.org/draft-07/schema#"


def experiment_schema() -> dict[str, Any]:
    """Return the schema as plain JSON values."""
    axes = [name for name in FIELDS if name not in NO_AXES]
    return {
        "$schema": DRAFT,
        "title": "An experiment of vklocks",
        "definitions": {name: field.schema for name, field in FIELDS.items()},
        "type": "object",
        "properties": {
            **{name: _field(name) for name in FIELDS},
            "repeat": {
                "description": "how many runs there are of each point, with one seed more each",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_RUNS,
                "default": 1,
            },
            "grid": _lists("axes of which every combination is a point", axes),
            "zip": _lists("axes that go in parallel: equally many values each", axes),
            "list": {
                "description": "points, each by its values",
                "type": "array",
                "items": _table({name: _reference(name) for name in axes}, {}),
                "minItems": 1,
            },
        },
        "additionalProperties": False,
    }


def _field(name: str) -> dict[str, Any]:
    default = Spec().plain()[name]
    known = {} if default is None else {"default": default}
    # Draft 7 ignores the keywords beside a reference.
    return {"description": FIELDS[name].text, **known, "allOf": [_reference(name)]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _lists(text: str, axes: list[str]) -> dict[str, Any]:
    """Return the schema of a table of axes, with a list of values each."""
    some = {"type": "array", "minItems": 1}
    values = {name: some | {"items": _reference(name)} for name in axes}
    return {"description": text, **_table(values, some)}


def _table(axes: dict[str, Any], inside: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a table of axes; `inside` is that of a path into a field."""
    return {
        "type": "object",
        "properties": axes,
        "patternProperties": {rf"^({'|'.join(axes)})(\..+)$": inside},
        "additionalProperties": False,
    }
