"""Many lines at once are read as each is by itself, and once read they are kept."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import evaluate
from analysis.history.run import Run, schema_of
from analysis.logs import cache, reading
from analysis.logs.bulk import read_events
from analysis.logs.finding import load
from analysis.logs.limits import MAX_DAMAGE
from damage import RECORDS
from damage.events import stop_the_clocks
from damage.files import drop_a_field, garble_a_line, write, write_a_number_as_something_else
from damage.picking import Logs
from unruly import unruly
from vm.log import encode
from vm.records import Event, Recovery, Start

FILES = (garble_a_line, drop_a_field, write_a_number_as_something_else)


def everything(run: Run) -> dict[str, Any]:
    """All that was read, as values that can be compared."""
    facts = {k: v for k, v in vars(run).items() if k not in ("scan", "is_big", "events")}
    return facts | {"events": run.scan.collect().to_dicts()}


def read_in_parts(path: Path, block_bytes: int, few_lines: int) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK_BYTES", block_bytes)
        patch.setattr(reading, "FEW_LINES", few_lines)
        return everything(load(path))


@pytest.mark.parametrize("seed", range(settings().max_examples // 2))
def test_however_it_is_read_a_log_says_the_same(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    world = unruly(seed, machines=random.randint(1, 4), acts=150, loss=0.2, duplication=0.2)
    logs: Logs = {machine: world.log(machine) for machine in world.spec.machines}
    if seed % 3:
        random.choice(list(RECORDS))(random, logs)
    write(tmp_path, logs)
    if seed % 2:
        random.choice(FILES)(random, tmp_path)
    one_by_one = read_in_parts(tmp_path, 1 << 20, few_lines=10**9)
    for block_bytes in (1, 200, 3000, 1 << 20):
        for few_lines in (1, 8):
            assert read_in_parts(tmp_path, block_bytes, few_lines) == one_by_one


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n \n", "\n{", "\n?\n"])
def test_whatever_it_ends_with(tmp_path: Path, end: str) -> None:
    world = unruly(1, machines=2, acts=40)
    write(tmp_path, {machine: world.log(machine) for machine in world.spec.machines})
    log = tmp_path / "vm1.jsonl"
    log.write_text(log.read_text().rstrip("\n") + end)
    one_by_one = read_in_parts(tmp_path, 1 << 20, few_lines=10**9)
    for block_bytes in (1, 100, 1000, 1 << 20):
        assert read_in_parts(tmp_path, block_bytes, few_lines=1) == one_by_one


START = unruly(1, machines=3, acts=1).log("vm1")[0]
PLAIN: list[dict[str, Any]] = [
    json.loads(encode(record))
    for record in unruly(5, machines=3, acts=60, loss=0.3, duplication=0.3).log("vm1")
    if isinstance(record, Event)
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.integers()
    | st.sampled_from(["", "vm1", "vm3", "vm9", "1", '"', "\\", "\ud800", "send", "internal"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["lamport", "vector", "kind", "x"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@given(data=st.data())
def test_polars_takes_nothing_that_decoding_would_take_otherwise(data: st.DataObject) -> None:
    plain = [dict(event) for event in PLAIN[: data.draw(st.integers(1, 5))]]
    event = plain[data.draw(st.integers(0, len(plain) - 1))]
    field = data.draw(st.sampled_from([*event, "to", "lost", "extra"]))
    event[field] = data.draw(values)
    lines = [json.dumps(one) for one in plain]
    if data.draw(st.booleans()):
        # The first of two equal keys counts here, the last one there.
        lines[0] = lines[0][:-1] + f", {json.dumps(field)}: {json.dumps(event[field])}}}"
    assert isinstance(START, Start)
    block = "".join(f"{line}\n" for line in lines).encode()
    if (events := read_events(block, block.count(b"\n"), START)) is not None:
        assert events.equals(decoded(block, START).select(events.columns))


def decoded(block: bytes, start: Start) -> pl.DataFrame:
    one = reading.Reading(Path("vm1.jsonl"))
    one.take(0, start)
    reading._read_lines(one, 1, block)
    one.flush()
    assert not one.damage
    return one.scan.collect()


def test_plain_lines_are_left_to_polars() -> None:
    assert isinstance(START, Start)
    block = "".join(f"{json.dumps(event)}\n" for event in PLAIN).encode()
    events = read_events(block, block.count(b"\n"), START)
    assert events is not None
    assert events.equals(decoded(block, START).select(events.columns))


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As if every log were big; the folder of their caches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "KEEP_FROM_BYTES", 0)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        yield cache.folder()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    world = unruly(2, machines=3, acts=200, loss=0.2, duplication=0.2)
    logs: Logs = {machine: world.log(machine) for machine in world.spec.machines}
    logs["vm2"].insert(5, Recovery(at_ns=1, events=4))
    assert stop_the_clocks(Random(1), logs)
    write(tmp_path, logs)
    with (tmp_path / "vm3.jsonl").open("a") as log:
        log.write("?\n")
    return tmp_path


def test_what_was_read_is_kept_in_the_users_folder(directory: Path, kept: Path) -> None:
    logs = {path.name for path in directory.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "KEEP_FROM_BYTES", 1 << 40)
        small = load(directory)
    fresh, again = load(directory), load(directory)
    assert not small.is_big
    assert fresh.is_big
    assert again.is_big
    assert {path.name for path in directory.iterdir()} == logs
    assert len([*kept.iterdir()]) == len(small.machines)
    assert everything(small) == everything(fresh) == everything(again)
    assert again.events.schema == pl.Schema(schema_of(small.clocks))
    assert evaluate(small).verdict == evaluate(again).verdict
    assert {"clock_rule", "clock_condition"} <= {
        v.check for v in evaluate(again).verdict.violations
    }


def test_a_log_that_has_changed_is_read_anew(directory: Path, kept: Path) -> None:
    before = everything(load(directory))
    log = directory / "vm1.jsonl"
    status = log.stat()
    log.write_text(log.read_text().replace('"queue":0', '"queue":7'))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert log.stat().st_size == status.st_size
    after = everything(load(directory))
    assert before != after == everything(load(directory))


def in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


def not_parquet(path: Path) -> None:
    path.write_text("not Parquet")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def of_somebody_else(path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(path)


@pytest.mark.parametrize("spoil", [in_its_place, not_parquet, cut, of_somebody_else, Path.unlink])
def test_without_a_usable_cache_the_log_is_read(
    directory: Path, kept: Path, spoil: Callable[[Path], None]
) -> None:
    before = everything(load(directory))
    spoil(min(kept.iterdir()))
    assert everything(load(directory)) == before
    partial = [path.name for path in kept.iterdir() if path.name.endswith(str(os.getpid()))]
    assert partial == []


def test_the_logs_that_are_compared_have_something_of_everything(directory: Path) -> None:
    run = load(directory)
    assert run.events.height > 80
    assert run.events["lost"].list.len().sum() > 0
    assert run.events["duplicated"].list.len().sum() > 0
    assert run.damage
    assert run.recoveries["vm2"]


def test_a_cache_beside_a_log_is_not_read(directory: Path, kept: Path) -> None:
    before = everything(load(directory))
    (trap,) = [path for path in kept.iterdir() if path == min(kept.iterdir())]
    trap.rename(directory / ".vm1.jsonl.parquet")
    log = directory / "vm1.jsonl"
    log.write_text(log.read_text().replace('"queue":0', '"queue":7'))
    assert everything(load(directory)) != before


def test_of_equal_content_each_log_has_its_own_name(directory: Path, kept: Path) -> None:
    load(directory)
    (directory / "vm1.jsonl").rename(directory / "first.jsonl")
    assert load(directory).files["vm1"] == "first.jsonl"
    assert {*load(directory).events.filter(machine="vm1")["file"]} == {"first.jsonl"}


def test_the_caches_that_were_used_longest_ago_are_removed(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "KEEP_BYTES", 25)
        for number in range(4):
            (tmp_path / f"{number}.parquet").write_bytes(b"x" * 10)
            os.utime(tmp_path / f"{number}.parquet", (number, number))
        cache.forget_oldest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.parquet", "3.parquet"]


def test_a_log_with_a_line_that_is_too_long_is_read_up_to_it(directory: Path) -> None:
    log = directory / "vm1.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:9], b"x" * 3_000_000, b"\n", *lines[9:]]))
    found = reading.read(log)
    assert [(one.line, one.reason) for one in found.damage] == [
        (10, "the log is read no further: this line has more than 1,048,576 bytes")
    ]
    assert found.scan.collect()["line"].to_list() == list(range(2, 10))


def test_a_log_of_unusable_lines_is_read_no_further(directory: Path) -> None:
    log = directory / "vm1.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0] + b"?\n" * 50_000)
    found = reading.read(log)
    assert len(found.damage) == MAX_DAMAGE + 1
    assert found.damage[-1].reason == "the log is read no further: 500 lines could not be used"
