"""What is packed for the page, and unpacked the way the page does it."""

import base64
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.report.encoding import Column, pack
from analysis.report.payload import CLAIMED, ENDS, copies, payload
from example_runs import EXAMPLE_RUNS, write_example
from histories import World, worlds

INTEGERS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)


def unpack(heads: list[dict[str, Any]], text: str) -> dict[str, list[int | None]]:
    """Decode as assets/page/encoding.js does, without its limit of 53 bits."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    columns, start = {}, 0
    for head in heads:
        length = head["length"]
        mask = np.ones(length, np.uint8)
        if head["nulls"]:
            mask = data[start : start + length]
            start += length
        planes = data[start : start + length * head["bytes"]].reshape(head["bytes"], length)
        start += planes.size
        values = np.zeros(length, np.uint64)
        for plane, row in enumerate(planes):
            values |= row.astype(np.uint64) << np.uint64(8 * plane)
        signed = (values >> np.uint64(1)).view(np.int64) ^ -(values & np.uint64(1)).view(np.int64)
        for _ in range(head["order"]):
            signed = np.cumsum(signed)
        columns[head["name"]] = [int(v) if k else None for v, k in zip(signed, mask, strict=True)]
    assert start == len(data)
    return columns


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.tuples(st.lists(INTEGERS), st.integers(0, 2))))
def test_columns_come_out_as_they_went_in(given: dict[str, tuple[list[int | None], int]]) -> None:
    columns = {
        name: Column(pl.Series(values, dtype=pl.Int64), order)
        for name, (values, order) in given.items()
    }
    assert unpack(*pack(columns)) == {name: values for name, (values, _) in given.items()}


@pytest.mark.parametrize("example", EXAMPLE_RUNS)
def test_events_come_out_as_the_log_has_them(example: str, tmp_path: Path) -> None:
    run = load(write_example(example, tmp_path))
    packed = payload(evaluate(run))
    columns = unpack(packed.head["columns"], packed.body)
    assert [packed.head["kinds"][k] for k in columns["kind"] if k is not None] == list(
        run.events["kind"]
    )
    for name in ("index", "tick", "due_ns", "queue", "line"):
        assert columns[name] == run.events[name].to_list()
    at_ns = [
        (due or 0) + (late or 0)
        for due, late in zip(columns["due_ns"], columns["late_ns"], strict=True)
    ]
    assert at_ns == run.events["at_ns"].to_list()
    assert columns["clock lamport"] == run.events["clock_lamport"].to_list()
    if "clock vector 0" in columns:
        vectors = zip(*(columns[f"clock vector {n}"] for n in range(3)), strict=True)
        assert [list(vector) for vector in vectors] == run.events["clock_vector"].to_list()


@settings(deadline=None)
@given(worlds(kills=True))
def test_every_copy_is_there_once(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    run = load(world.write(tmp_path_factory.mktemp("run")))
    assert_accounted(run)


@pytest.mark.parametrize("example", EXAMPLE_RUNS)
def test_every_copy_in_an_example_is_there_once(example: str, tmp_path: Path) -> None:
    run = load(write_example(example, tmp_path))
    assert_accounted(run)
    assert run.events.height > 300


def assert_accounted(run: Run) -> None:
    """The messages by end are the account, and a receive belongs to at most one of them."""
    seen = Evidence(run)
    sent = copies(seen)
    ends = Counter(sent["end"])
    if len(run.logged) == len(run.machines):
        counts = vars(account(seen))
        assert ends.pop(CLAIMED, 0) == 0
        accounted = [end for end in ENDS if end != CLAIMED]
        assert {end: ends[end] for end in accounted} == {end: counts[end] for end in accounted}
    receives = sent["receive"].drop_nulls()
    assert receives.n_unique() == len(receives)
    received = run.events.filter(pl.col("kind") == "receive").height
    assert len(receives) == received
    at_ns = run.events["at_ns"]
    assert (sent["arrived_ns"] - at_ns.gather(sent["send"]) >= 0).all()


def test_a_receive_that_is_counted_nowhere_is_still_there(tmp_path: Path) -> None:
    directory = write_example("fault_free", tmp_path)
    log = directory / "vm1.jsonl"
    lines = log.read_text().splitlines()
    received = next(line for line in lines if '"kind":"receive"' in line)
    log.write_text("\n".join([*lines[:-1], received, lines[-1]]) + "\n")
    ends = Counter(copies(Evidence(load(directory)))["end"])
    assert ends[CLAIMED] == 1
