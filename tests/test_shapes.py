"""The grammar of shapes: its files say what its truth says, and mistakes are where they belong."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import count, islice

import pytest

from shapes.making import Made, made
from shapes.mistakes import MISTAKES
from shapes.writing import numbers


def of_layout(layout: str) -> Iterator[Made]:
    """Yield shapes of one trial that standard parsers can read."""
    for seed in count():
        one = made(seed)
        shape = one.shape
        is_odd = shape.extra["nested data"] or shape.extra["an array"] or shape.trials > 1
        if shape.layout == layout and not is_odd and not shape.one_file:
            yield one


def clocks_of(one: Made) -> list[list[int]]:
    """Return the clocks that each log must show: of each event, or of each copy of a multicast."""
    shape = one.shape
    return [
        [
            numbers(shape, step)["clock"]
            for step in log
            for _ in (step.to if shape.multicast == "lines" and step.to else [()])
        ]
        for log in one.labs[0].logs
    ]


def shown(one: Made, records: list[dict[str, str]]) -> list[int]:
    """Return the clocks in records, without those that are no events."""
    clocks = [int(float(record[one.shape.keys["clock"]])) for record in records]
    first, last = one.shape.extra["an opening record"], one.shape.extra["a closing record"]
    return clocks[first : len(clocks) - last]


def test_objects_show_the_clocks_of_the_truth() -> None:
    for one in islice(of_layout("json"), 15):
        for machine, clocks in enumerate(clocks_of(one)):
            if machine != one.shape.missing:
                lines = one.files[one.shape.files[machine]].decode().splitlines()
                assert shown(one, [json.loads(line) for line in lines]) == clocks, one.seed


def test_tables_show_the_clocks_of_the_truth() -> None:
    tables = (one for one in of_layout("csv") if one.shape.extra["header"])
    for one in islice(tables, 15):
        for machine, clocks in enumerate(clocks_of(one)):
            if machine != one.shape.missing:
                text = one.files[one.shape.files[machine]].decode()
                rows = csv.DictReader(io.StringIO(text), delimiter=one.shape.separator)
                assert shown(one, list(rows)) == clocks, one.seed


def test_a_seed_gives_the_same_files_again() -> None:
    assert made(7).files == made(7).files
    assert made(7).files != made(8).files


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_planted_in_the_log_of_its_culprits(mistake: str) -> None:
    for seed in range(5):
        one = made(seed, mistake)
        assert one.planted
        lab = one.labs[0]
        wrong = {machine for _, machine in lab.broken(one.shape.initial)}
        lines = {step.machine for step in lab.steps() if step.shown}
        assert wrong | lines <= one.planted.culprits, seed
        assert bool(one.planted.checks) == bool(one.planted.culprits)


def test_a_lab_without_a_mistake_breaks_no_rule_unless_stamps_lag() -> None:
    for seed in range(30):
        one = made(seed)
        broken = {check for lab in one.labs for check, _ in lab.broken(one.shape.initial)}
        assert broken <= ({"clock_condition"} if one.shape.lag else set()), seed
