"""Layouts: the lines of a record, from its fields."""

import csv
import io
import json
from typing import Any

from shapes.shape import PORTS, UNNAMED, Shape


class Layout:
    """Writes the fields of records as lines, in the layout of a shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows = 0

    def record(self, values: dict[str, Any]) -> list[str]:
        """Return the lines of a record."""
        shape = self.shape
        if shape.layout == "json":
            return [self._json(values)]
        if shape.layout == "csv":
            return [self._row(values, shape.blank)]
        if shape.layout == "records":
            return self._several(values)
        return [self._line(values)]

    def header(self) -> str:
        """Return the first line of a table, and count its rows from 0."""
        self.rows = 0
        names = [self.shape.keys[name] for name in self._columns()]
        return self._separated(["", *names] if self.shape.extra["row numbers"] else names)

    def _listed(self, value: Any) -> Any:
        """Return a list of names as text."""
        if not isinstance(value, list):
            return value
        before, between, after = self.shape.listing
        alone = len(value) == 1 and not before
        return value[0] if alone else before + between.join(value) + after

    def _line(self, values: dict[str, Any]) -> str:
        """Return a line of text: values with what stands around them."""
        shape = self.shape
        texts = {name: self._listed(value) for name, value in values.items()}
        front = ""
        if shape.time == "logging":
            front = shape.front.format(texts.pop("time"))
        elif shape.time == "root":
            front = shape.front
        if shape.layout == "pairs":
            return front + shape.separator.join(
                f"{shape.keys[n]}={text}" for n, text in texts.items()
            )
        if shape.layout == "labelled":
            glue = ": " if ":" not in shape.separator else " "
            return front + shape.separator.join(
                f"{shape.keys[n]}{glue}{text}" for n, text in texts.items()
            )
        parts, verb = list[str](), ""
        for name, text in texts.items():
            part = shape.labels[name].format(text)
            if name in ("to", "sender") and verb:
                # The peer belongs to its verb: `sent to 2`.
                parts[-1] += f" {part}"
            else:
                parts.append(part)
            verb = part if name == "kind" else ""
        if shape.extra["two times"]:
            parts.append(f"(wall {texts.get('time', '')})")
        return front + shape.separator.join(parts) + "." * shape.extra["full stop"]

    def _several(self, values: dict[str, Any]) -> list[str]:
        """Return a record of several lines: its kind, and a line for each other field."""
        texts = {name: self._listed(value) for name, value in values.items()}
        first = self.shape.labels["kind"].format(texts.pop("kind", "event"))
        rest = [f"{self.shape.keys[name]}: {text}" for name, text in texts.items()]
        return [first, *rest, *([""] if self.shape.blank else [])]

    def _json(self, values: dict[str, Any]) -> str:
        shape, given = self.shape, dict[str, Any]()
        for name, value in values.items():
            text = value if shape.extra["lists as lists"] else self._listed(value)
            numbers = isinstance(text, int) and shape.extra["numbers as text"]
            given[shape.keys[name]] = str(text) if numbers else self._number(name, text)
        if shape.extra["a field in place of absent ones"]:
            given = {shape.keys[n]: given.get(shape.keys[n]) for n in self._columns()}
        if shape.extra["nested data"]:
            kind = {k: v for k, v in given.items() if k == shape.keys["kind"]}
            given = kind | {"data": {k: v for k, v in given.items() if k not in kind}}
        return json.dumps(given, ensure_ascii=False) + ("," if shape.extra["an array"] else "")

    def _number(self, name: str, value: Any) -> Any:
        """Times are numbers in JSON, if they look so."""
        if name == "time" and self.shape.time in ("epoch", "since start"):
            return float(value)
        whole = name == "time" and self.shape.time in ("epoch ms", "epoch ns", "seconds")
        return int(value) if whole else value

    def _columns(self) -> list[str]:
        """Return the columns of a table, each with its own name."""
        shape = self.shape
        there = {
            *("kind", "clock"),
            *(["time"] if shape.time else []),
            *(["me"] if shape.me else []),
            *(["old"] if shape.extra["both clocks"] else []),
            *(["queue"] if shape.queue else []),
            *([shape.distractor] if shape.distractor else []),
            *(["stamp"] if shape.stamp else []),
            *(["to"] if shape.receivers != UNNAMED else []),
            *(["sender"] if shape.sender or (shape.receivers == PORTS and shape.lag) else []),
        }
        if shape.mute:
            there.remove("kind")
        same = "to" in there and "sender" in there and shape.extra["peers in one column"]
        return [name for name in shape.order if name in there and not (same and name == "sender")]

    def _row(self, values: dict[str, Any], blank: str) -> str:
        shape, row = self.shape, []
        if shape.extra["row numbers"]:
            row = [str(self.rows)]
            self.rows += 1
        columns = self._columns()
        if "sender" not in columns and "to" in columns and "sender" in values:
            values = values | {"to": values["sender"]}
        for name in columns:
            value = self._listed(values.get(name, blank))
            row.append(
                f"{value}.0" if shape.extra["floats"] and isinstance(value, int) else str(value)
            )
        return self._separated(row)

    def _separated(self, row: list[str]) -> str:
        out, shape = io.StringIO(), self.shape
        how = csv.QUOTE_ALL if shape.extra["quotes"] else csv.QUOTE_MINIMAL
        csv.writer(out, delimiter=shape.separator, quoting=how, lineterminator="").writerow(row)
        return out.getvalue()
