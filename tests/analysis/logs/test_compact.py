"""Lines in exactly the form of `vm.log` are read at once, and only as decoding reads them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.history.kernels import as_written
from analysis.logs import compact, reading
from analysis.logs.bulk import read_events
from analysis.logs.compact import COMPILED_LINES, MAX_ENDS, other_bytes, read_compact, scanned
from unruly import unruly
from vm.log import encode
from vm.records import Event, Start
from vm.spec import Spec

#: What can be of importance in a line: signs, digits, spaces of all kinds, and longer texts.
PIECES = [
    *'{}[]:,"\\+-.0123456789eE_ \t\r\n\0\x0b\ufeff',
    "null",
    "true",
    "1e3",
    '"vm1"',
    '"to":[]',
]
PIECES += [',"lost":["vm2"]', '"index":0,', "}\n", "\r\n", str(2**63), str(2**64 + 7)]


def log(seed: int, machines: int = 3, acts: int = 60) -> tuple[Start, list[str]]:
    """The start record of a log, and the lines of its events."""
    world = unruly(seed, machines, acts, loss=0.3, duplication=0.3)
    start, *others = world.log("vm1")
    assert isinstance(start, Start)
    return start, [encode(record) for record in others if isinstance(record, Event)]


def block_of(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def decoded(block: bytes, start: Start) -> pl.DataFrame | None:
    """The events in the lines one by one; None if one of them is not exactly an event."""
    one = reading.Reading(Path("vm1.jsonl"))
    one.take(0, start)
    reading._read_lines(one, 1, block)
    one.flush()
    events = one.scan.collect()
    return None if one.damage or events.height < block.count(b"\n") else events


def is_read_alike(block: bytes, start: Start) -> bool:
    """Check that the lines are read as they are one by one; return whether they are read."""
    lines = block.count(b"\n")
    found = read_compact(block, lines, start)
    by_bytes = scanned(block, lines, start, as_written)
    if by_bytes is not None:
        assert found is not None
        assert by_bytes.equals(found)
    if found is None:
        return False
    # Only numbers of 19 digits are left to the readers of text.
    assert by_bytes is not None or re.search(rb"[0-9]{19}", block)
    events, expected = read_events(block, lines, start), decoded(block, start)
    assert events is not None
    assert expected is not None
    assert found.height == lines
    assert events.equals(expected.select(events.columns))
    return True


@pytest.mark.parametrize("machines", [1, 2, 3, 12])
@pytest.mark.parametrize("clocks", [("lamport",), ("vector",), ("vector", "lamport")])
def test_logs_of_every_form_are_read(machines: int, clocks: tuple[str, ...]) -> None:
    start, lines = log(machines, machines, acts=40 * machines)
    start = replace(start, spec=replace(start.spec, clocks=clocks))
    events = [json.loads(line) for line in lines]
    for event in events:
        event["clock"] = {clock: event["clock"][clock] for clock in clocks}
    compact = [json.dumps(event, separators=(",", ":")) for event in events]
    assert is_read_alike(block_of(compact), start)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("vm01", "vm02", "a:01"), ("7", "07", "8_.-")])
def test_machines_can_have_any_names(names: tuple[str, ...]) -> None:
    start, lines = log(3)
    changed = {"machines": [*names], "tick_rates_hz": {}, "faults": []}
    spec = Spec.parse(start.spec.plain() | changed)
    block = block_of([line for line in lines if '"lost"' not in line]).decode()
    for old, new in zip(start.spec.machines, names, strict=True):
        block = block.replace(f'"{old}"', f'"{new}"')
    assert is_read_alike(block.encode(), replace(start, machine=names[0], spec=spec))


@given(data=st.data())
def test_no_changed_line_is_read_otherwise(data: st.DataObject) -> None:
    start, lines = log(5)
    low = data.draw(st.integers(0, len(lines) - 1))
    text = block_of(lines[low : low + data.draw(st.integers(1, 4))]).decode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        end = min(len(text), at + data.draw(st.integers(0, 2)))
        text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[end:]
    is_read_alike(text.encode(), start)


@given(seed=st.integers(0, 10**6))
def test_what_one_line_lacks_no_other_line_makes_up_for(seed: int) -> None:
    random = Random(seed)
    start, lines = log(5)
    chosen = random.sample(lines, 3)
    for n in random.sample(range(3), 2):
        at = random.randrange(len(chosen[n]))
        moved, chosen[n] = chosen[n][at], chosen[n][:at] + chosen[n][at + 1 :]
        other = random.randrange(3)
        to = random.randrange(len(chosen[other]))
        chosen[other] = chosen[other][:to] + moved + chosen[other][to:]
    is_read_alike(block_of(chosen), start)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"queue":0', '"queue":+0'),
        ('"queue":0', '"queue":-0'),
        ('"queue":0', '"queue":00'),
        ('"queue":0', '"queue": 0'),
        ('"queue":0', '"queue":0 '),
        ('"queue":0', '"queue":0.0'),
        ('"queue":0', f'"queue":{2**63}'),
        ('"queue":0', '"queue":'),
        ('"queue":0', '"queue":null'),
        ('"tick":1,', '"tick":1,"tick":1,'),
        ('"vector":[1,', '"vector":[1,,'),
        ('"vector":[1,', '"vector":[01,'),
        ('"vector":[1,', '"vector":[ 1,'),
        ('"vector":[1,', f'"vector":[{2**63 - 2},'),
        ('"to":["vm2"]', '"to":["vm2"],"more":1'),
        ("\n", "\n\n"),
        ("]}}\n", "]}} \n"),
        ("]}}\n", "]}}\r\n"),
        ("]}}\n", "]}},\n"),
        ("]}}\n", ']}},"to":["vm2"]}\n'),
        ("]}}\n", ']},"to":["vm2"]}\n'),
        ('"cause":', '"cause":0'),
        ('"kind":"internal"', '"kind":"stop"'),
    ],
)
def test_another_form_is_left_to_the_other_readers(old: str, new: str) -> None:
    start, lines = log(5)
    block = block_of(lines)
    assert is_read_alike(block, start)
    assert old.encode() in block
    changed = block.replace(old.encode(), new.encode(), 1)
    assert read_compact(changed, changed.count(b"\n"), start) is None


def test_sends_with_too_many_ends_are_left_to_the_other_readers() -> None:
    start, lines = log(5)
    send = next(line for line in lines if '"send"' in line)
    some = [send.partition('"to"')[0] + f'"to":["m{n}"]}}' for n in range(MAX_ENDS + 1)]
    assert is_read_alike(block_of(some[1:]), start)
    assert not is_read_alike(block_of(some), start)


@given(text=st.lists(st.sampled_from([":", ",", "[", "0", "1", "x"]), max_size=30).map("".join))
def test_zeros_before_a_number_count_as_other_bytes(text: str) -> None:
    padded = f"{{{text}}}"
    zeros = sum(
        padded[n - 1] in ":,[" and padded[n] == "0" and padded[n + 1].isdigit()
        for n in range(1, len(padded) - 1)
    )
    others = sum(not character.isdigit() for character in padded)
    assert other_bytes(padded.encode()) == others + zeros


def test_many_lines_are_scanned_by_compiled_loops() -> None:
    start, lines = log(5)
    block = block_of(lines) * (COMPILED_LINES // len(lines) + 1)
    count = block.count(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "has_compiler", lambda: False)
        expected = read_compact(block, count, start)
    assert expected is not None
    found = read_compact(block, count, start)
    assert found is not None
    assert found.equals(expected)
    assert read_compact(block.replace(b'"queue":0', b'"queue":-0', 1), count, start) is None
