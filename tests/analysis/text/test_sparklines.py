"""Lines over time: what each character stands for, and that they fit."""

from io import BytesIO, TextIOWrapper
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from analysis.logs.finding import load
from analysis.metrics.machine import per_machine
from analysis.text.sparklines import ASCII, BLOCKS, print_sparklines, sparklines
from example_runs import write_example


def readings(values: dict[str, list[tuple[int, int]]]) -> pl.DataFrame:
    rows = [(machine, *pair) for machine, pairs in values.items() for pair in pairs]
    return pl.DataFrame(rows, schema=["machine", "at_ns", "value"], orient="row")


def test_a_character_is_the_highest_value_of_its_interval() -> None:
    frame = readings({"a": [(0, 0), (4, 8), (5, 1), (19, 4)], "b": [(10, 2)]})
    assert list(sparklines(frame, 5, 4)) == [("a", "█▂ ▅"), ("b", "  ▃ ")]


def test_where_all_is_zero_the_line_lies_low() -> None:
    assert list(sparklines(readings({"a": [(0, 0), (9, 0)]}), 5, 2)) == [("a", "▁▁")]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_machine_has_its_lines_within_the_width(
    width: int, encoding: str, tmp_path: Path
) -> None:
    run = load(write_example("fault_free", tmp_path))
    file = TextIOWrapper(BytesIO(), encoding=encoding)
    print_sparklines(run, Console(file=file, width=width))
    file.seek(0)
    lines = file.read().splitlines()
    blocks = BLOCKS if encoding == "utf-8" else ASCII
    drawn = [line for line in lines if line.startswith("vm")]
    assert [line.split()[0] for line in drawn] == ["vm1", "vm2", "vm3"] * 2
    assert set("".join(line[3:] for line in drawn)) <= set(f"{blocks} ")
    assert all(len(line) <= width for line in drawn)
    peaks = per_machine(run).select(pl.col("queue_peak").max(), pl.col("jump_max").max()).row(0)
    said = " ".join(" ".join(lines).split())
    assert f"messages left in the inbox, up to {peaks[0]}" in said
    assert f"jump of the clock, up to {peaks[1]}" in said
    assert blocks[-1] in said
