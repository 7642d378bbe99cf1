"""The JSON Schema of experiment files for editors, made from the fields of a spec.

It checks each value separately; the consistency of values is checked when the file is read.
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
                "description": "number of runs per point; each uses the next seed",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_RUNS,
                "default": 1,
            },
            "grid": _lists("axes; every combination of their values is a point", axes),
            "zip": _lists("axes in parallel, with equally many values each", axes),
            "list": {
                "description": "points, each given by its values",
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
    # Draft 7 ignores keywords beside a reference, so it goes into allOf.
    return {"description": FIELDS[name].text, **known, "allOf": [_reference(name)]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _lists(text: str, axes: list[str]) -> dict[str, Any]:
    """Return the schema of a table of axes with a list of values per axis."""
    some = {"type": "array", "minItems": 1}
    values = {name: some | {"items": _reference(name)} for name in axes}
    return {"description": text, **_table(values, some)}


def _table(axes: dict[str, Any], inside: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a table of axes; `inside` is the schema of a path into a field."""
    return {
        "type": "object",
        "properties": axes,
        "patternProperties": {rf"^({'|'.join(axes)})(\..+)$": inside},
        "additionalProperties": False,
    }
