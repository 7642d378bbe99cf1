"""Logs of our own, whole and in every state in which a run or a person can leave them."""

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from analysis.evaluation import evaluate
from analysis.history.run import InputError, Run, scalar, schema_of
from analysis.logs.finding import load
from analysis.metrics.run import metrics_of
from analysis.text.plain import plain_metrics, plain_verdict
from analysis.text.summary import print_across, print_run
from analysis.text.verdict import print_verdict
from by_hand import (
    EPOCH_UNIX_NS,
    internal,
    loaded,
    logs_of,
    measured,
    receive,
    send,
    stop,
    violations,
    write_run,
)
from histories import World, worlds
from vm.log import encode, plain_offsets
from vm.quoting import quoted
from vm.records import Recovery, WallOffset

LOGS = {
    "vm1": [internal(10, 1), send(20, 2, "vm2"), internal(30, 3)],
    "vm2": [internal(15, 1), receive(25, 3, "vm1", 1, queue=4)],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write_run(tmp_path / "one", LOGS, tick_rates_hz={"vm1": 3, "vm2": 5})


def spoil(log: Path, line: int, text: bytes) -> None:
    """Put something else in place of a line, which counts from 1."""
    lines = log.read_bytes().splitlines(keepends=True)
    lines[line - 1] = text
    log.write_bytes(b"".join(lines))


def change(log: Path, line: int, **fields: Any) -> None:
    plain = json.loads(log.read_bytes().splitlines()[line - 1])
    spoil(log, line, json.dumps(plain | fields).encode() + b"\n")


def test_a_run_is_what_its_logs_say(directory: Path) -> None:
    run = load(directory)
    assert (run.name, run.format, run.main) == ("one", "jsonl", "lamport")
    assert run.machines == run.logged == ("vm1", "vm2")
    assert run.tick_rates_hz == {"vm1": 3, "vm2": 5}
    assert run.queue_left == {"vm1": 0, "vm2": 0}
    assert (run.missing, run.damage) == ((), ())
    assert run.events.schema == pl.Schema(schema_of(["lamport"]))
    unknown = {"arrived_ns": None, "to": None, "sender": None, "cause": None}
    common = {"run": "one", "clock_lamport": 3}
    *_, last_of_vm1, _, receipt = run.events.to_dicts()
    assert (
        last_of_vm1.items()
        >= (
            common
            | unknown
            | {
                "machine": "vm1",
                "index": 2,
                "kind": "internal",
                "tick": 2,
                "due_ns": 30,
                "at_ns": 30,
                "queue": 0,
                "main": 3,
                "file": "vm1.jsonl",
                "line": 4,
            }
        ).items()
    )
    assert (
        receipt.items()
        >= (
            common
            | unknown
            | {
                "machine": "vm2",
                "index": 1,
                "kind": "receive",
                "tick": 1,
                "due_ns": 25,
                "at_ns": 25,
                "arrived_ns": 25,
                "queue": 4,
                "main": 3,
                "sender": "vm1",
                "cause": 1,
                "file": "vm2.jsonl",
                "line": 3,
            }
        ).items()
    )


@settings(max_examples=30)
@given(world=worlds(kills=True))
def test_every_event_of_any_history_is_a_row(world: World) -> None:
    run = loaded(logs_of(world))
    assert run.main == world.spec.clocks[0]
    for machine, events in world.events.items():
        rows = run.events.filter(machine=machine).to_dicts()
        assert [row["line"] for row in rows] == [event.index + 2 for event in events]
        for row, event in zip(rows, events, strict=True):
            assert (row["kind"], row["index"]) == (event.kind, event.index)
            assert tuple(row["to"] or ()) == event.to
            assert (row["sender"] or "", row["clock_lamport"]) == (
                event.sender,
                event.clock["lamport"],
            )
            assert tuple(row["clock_vector"]) == event.clock["vector"]
            assert row["main"] == scalar(event.clock[run.main])
    assert set(run.stops) == set(world.spec.machines) - world.killed
    assert run.damage == ()


@settings(max_examples=40)
@given(world=worlds(), data=st.data())
def test_wherever_a_log_is_cut_every_whole_line_of_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, world: World, data: st.DataObject
) -> None:
    directory = world.write(tmp_path_factory.mktemp("cut"))
    log = directory / f"{data.draw(st.sampled_from(world.spec.machines))}.jsonl"
    whole = log.read_bytes()
    cut = whole[: data.draw(st.integers(whole.index(b"\n"), len(whole) - 1))]
    log.write_bytes(cut)
    run = load(directory)
    *records, last = cut.split(b"\n")
    torn = last if last not in whole.split(b"\n") else b""
    events = [line for line in [*records, last] if b'"index":' in line[:40] and line != torn]
    assert run.events.filter(machine=log.stem).height == len(events)
    assert [(damage.file, damage.line) for damage in run.damage] == (
        [(log.name, len(records) + 1)] if torn else []
    )


def test_a_torn_last_line_is_listed_and_everything_else_kept(directory: Path) -> None:
    log = directory / "vm2.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    run = load(directory)
    assert run.events.height == 5
    (torn,) = run.damage
    assert (torn.file, torn.line) == ("vm2.jsonl", 4)
    assert torn.reason.startswith("torn last line: not JSON")
    assert set(run.stops) == {"vm1"}


def test_a_whole_last_record_without_its_line_end_is_a_record(directory: Path) -> None:
    log = directory / "vm2.jsonl"
    log.write_bytes(log.read_bytes().rstrip(b"\n"))
    run = load(directory)
    assert set(run.stops) == {"vm1", "vm2"}
    assert run.damage == ()


def test_ends_of_lines_and_empty_lines_do_not_matter(directory: Path) -> None:
    log = directory / "vm2.jsonl"
    log.write_bytes(log.read_bytes().replace(b"\n", b"\r\n\r\n"))
    run = load(directory)
    assert run.damage == ()
    assert run.events.filter(machine="vm2")["line"].to_list() == [3, 5]


BEYOND = 2**63
NOTHING = {"one": 0, "all": 0, "internal": 0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"tick tock\n", "not JSON: 't' at character 1 is out of place"),
        (b"\xff\xfe\n", "not text in UTF-8: byte 1 is 0xff"),
        (b'{"kind":"internal","index":1}\n', "field 'tick' is missing"),
        (b'{"kind":"restrat"}\n', "kind 'restrat' is none of"),
        (b"[1]\n", "not a JSON object"),
    ],
)
def test_damage_in_the_middle_is_listed_and_everything_else_kept(
    directory: Path, text: bytes, reason: str
) -> None:
    spoil(directory / "vm1.jsonl", 3, text)
    run = load(directory)
    (damage,) = run.damage
    assert (damage.file, damage.line) == ("vm1.jsonl", 3)
    assert damage.reason.startswith(reason)
    assert run.events["line"].to_list() == [2, 4, 2, 3]
    assert set(run.stops) == {"vm1", "vm2"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"clock": {}}, "clock 'lamport' is missing"),
        ({"clock": {"lamport": [1, 2]}}, "clock 'lamport' reads [1, 2], which is not like 0"),
        (
            {"clock": {"lamport": "f" * 999}},
            f"clock 'lamport' reads {quoted('f' * 999)}, which is not like 0",
        ),
        ({"clock": {"lamport": 1, "vector": 5}}, "clock 'vector' is none of the run's"),
        ({"clock": {"lamport": 1, "wall": 5}}, "clock 'wall' is none of the run's"),
        ({"clock": {"lamport": BEYOND}}, "a number is beyond 64 bits"),
        ({"index": BEYOND}, "a number is beyond 64 bits"),
        ({"at_ns": -BEYOND}, "a number is beyond 64 bits"),
        ({"due_ns": 2**200}, "a number is beyond 64 bits"),
        ({"tick": BEYOND}, "a number is beyond 64 bits"),
        ({"queue": BEYOND}, "a number is beyond 64 bits"),
        ({"cause": BEYOND}, "a number is beyond 64 bits"),
        ({"arrived_ns": BEYOND}, "a number is beyond 64 bits"),
        ({"from": "\ud800"}, "field 'from' is '\\ud800', not a text"),
    ],
)
def test_an_event_that_has_no_place_in_the_table_is_damage(
    directory: Path, fields: dict[str, Any], reason: str
) -> None:
    change(directory / "vm2.jsonl", 3, **fields)
    (damage,) = load(directory).damage
    assert damage == ("vm2.jsonl", 3, reason)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        ([1, 2, 3], "clock 'vector' reads [1, 2, 3], which is not like [0, 0]"),
        (3, "clock 'vector' reads 3, which is not like [0, 0]"),
        ([BEYOND, -BEYOND], "a number is beyond 64 bits"),
        ([BEYOND - 1, BEYOND - 1], "a number is beyond 64 bits"),
    ],
)
def test_a_vector_has_a_number_for_every_machine(
    tmp_path: Path, reading: list[int] | int, reason: str
) -> None:
    logs = {"vm1": [internal(10, (1, 0)), internal(20, (2, 0))], "vm2": []}
    write_run(tmp_path, logs, clocks=["vector"])
    change(tmp_path / "vm1.jsonl", 3, clock={"vector": reading})
    assert load(tmp_path).damage == (("vm1.jsonl", 3, reason),)


@pytest.mark.parametrize(
    "fields",
    [
        {"events": BEYOND},
        {"ticks_missed": BEYOND},
        {"rejected": -BEYOND},
        {"inbox": [{"from": "vm1", "cause": BEYOND, "arrived_ns": 0}]},
        {"inbox": [{"from": "vm1", "cause": 0, "arrived_ns": BEYOND}]},
        {"undelivered": [{"to": "vm1", "index": BEYOND}]},
    ],
)
def test_so_is_the_end_of_a_log(directory: Path, fields: dict[str, Any]) -> None:
    change(directory / "vm2.jsonl", 4, **fields)
    run = load(directory)
    assert run.damage == (("vm2.jsonl", 4, "a number is beyond 64 bits"),)
    assert set(run.stops) == {"vm1"}


def test_the_returns_of_a_machine_are_known(directory: Path) -> None:
    log = directory / "vm2.jsonl"
    start, event, *rest = log.read_text().splitlines(keepends=True)
    again = [f"{encode(Recovery(at_ns=at_ns, events=1))}\n" for at_ns in (20, BEYOND)]
    log.write_text("".join([start, event, *again, *rest]))
    run = load(directory)
    assert run.recoveries["vm2"] == (Recovery(at_ns=20, events=1),)
    assert run.damage == (("vm2.jsonl", 4, "a number is beyond 64 bits"),)
    assert run.events.filter(machine="vm2")["line"].to_list() == [2, 5]


def test_nothing_comes_before_a_start_record_or_after_a_stop_record(directory: Path) -> None:
    log = directory / "vm1.jsonl"
    start, *events, end = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([events[0], start, events[1], end, events[2], end]))
    run = load(directory)
    assert run.damage == (
        ("vm1.jsonl", 1, "comes before a start record"),
        ("vm1.jsonl", 5, "comes after the stop record"),
        ("vm1.jsonl", 6, "comes after the stop record"),
    )
    assert run.events.filter(machine="vm1")["line"].to_list() == [3]


def test_a_missing_machine_is_reported(directory: Path) -> None:
    (directory / "vm1.jsonl").unlink()
    run = load(directory)
    assert (run.machines, run.missing, run.logged) == (("vm1", "vm2"), ("vm1",), ("vm2",))
    assert run.events.height == 2
    assert run.tick_rates_hz == {"vm2": 5}


def test_a_machine_that_was_killed_before_it_wrote_is_not_missing(directory: Path) -> None:
    (directory / "vm1.jsonl").write_bytes(b"")
    run = load(directory)
    assert run.missing == ()
    assert set(run.starts) == set(run.stops) == {"vm2"}


def test_a_log_is_known_by_what_it_says_and_not_by_its_name(directory: Path) -> None:
    (directory / "vm1.jsonl").rename(directory / "first of two.jsonl")
    run = load(directory)
    assert run.events["machine"].to_list() == ["vm1"] * 3 + ["vm2"] * 2
    assert run.events["file"][0] == "first of two.jsonl"


def test_rows_are_in_the_order_of_the_runs_machines(tmp_path: Path) -> None:
    names = ["vm1", "vm2", "vm10"]
    run = load(write_run(tmp_path, {name: [internal(10, 1)] for name in names}))
    assert run.events["machine"].to_list() == names


def appended(directory: Path) -> None:
    log = directory / "vm2.jsonl"
    log.write_bytes(log.read_bytes() * 2)


def of_another_run(**fields: Any) -> Callable[[Path], None]:
    return lambda directory: change(directory / "vm2.jsonl", 1, **fields)


def of_another_spec(**fields: Any) -> Callable[[Path], None]:
    def spoilt(directory: Path) -> None:
        start, *_ = (directory / "vm2.jsonl").read_bytes().splitlines()
        change(directory / "vm2.jsonl", 1, spec=json.loads(start)["spec"] | fields)

    return spoilt


def recording(recorded: dict[str, Any]) -> Callable[[Path], None]:
    def spoilt(directory: Path) -> None:
        (directory / "run.json").write_text(json.dumps(recorded))

    return spoilt


def twice(directory: Path) -> None:
    (directory / "vm2 copy.jsonl").write_bytes((directory / "vm2.jsonl").read_bytes())


def twice_and_one_without_a_start(directory: Path) -> None:
    start, *rest = (directory / "vm2.jsonl").read_bytes().splitlines(keepends=True)
    (directory / "copy of vm2.jsonl").write_bytes(b"".join([start, *rest]))
    (directory / "vm2.jsonl").write_bytes(b"".join(rest))


def without_any_start(directory: Path) -> None:
    for log in directory.glob("*.jsonl"):
        spoil(log, 1, b'{"kind":"start","format":2,"machine":"vm1"}\n')


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (appended, "vm2.jsonl:5: a second start record: the logs of several runs were appended"),
        (
            of_another_run(run="x"),
            "mixes logs of two runs: vm1.jsonl and vm2.jsonl disagree on",
        ),
        (of_another_run(epoch_unix_ns=5), "vm1.jsonl and vm2.jsonl disagree on epoch_unix_ns"),
        (of_another_spec(machines=["vm1", "vm2", "vm3"]), "disagree on machines; give each run"),
        (of_another_spec(clocks=["lamport", "vector"]), "disagree on clocks; give each run a"),
        (twice, "holds more than one log of vm2, "),
        (twice_and_one_without_a_start, "holds more than one log of vm2, "),
        (without_any_start, "holds no log with a start record: the spec of the run is unknown"),
        (of_another_spec(clocks=["lamprot"]), "there is no clock 'lamprot'; did you mean lamport?"),
        (of_another_spec(clocks=[]), "vm2.jsonl:1: spec.clocks: at least one clock is needed"),
        (of_another_run(machine="vm3"), "vm2.jsonl:1: 'vm3' is none of its own run's machines"),
        (of_another_spec(machines=["vm2", "vm2"]), "'vm2' is there more than once"),
        (of_another_spec(machines=["vm2", "a\x1b[2J"]), "'a\\x1b[2J' is not a name"),
        (
            of_another_spec(tick_rates_hz={"vm2": BEYOND}),
            f"spec.tick_rates_hz.vm2: {BEYOND} is outside",
        ),
        (of_another_spec(tick_rates_hz={"vm2": 0}), "spec.tick_rates_hz.vm2: 0 is outside"),
        (of_another_spec(duration_s=-1), "vm2.jsonl:1: spec.duration_s: -1 s is not more than 0"),
        (
            of_another_spec(workload=NOTHING),
            "vm2.jsonl:1: spec.workload: at least one weight must be",
        ),
        (of_another_spec(seed=-1), "vm2.jsonl:1: spec.seed: -1 is outside"),
        (of_another_run(format=1), "vm2.jsonl:1: format 1: vklocks 0.1 reads such logs"),
        (of_another_run(epoch_unix_ns=BEYOND), f"vm2.jsonl:1: epoch_unix_ns: {BEYOND} is outside"),
    ],
)
def test_what_is_not_one_run_is_refused(
    directory: Path, spoilt: Callable[[Path], None], says: str
) -> None:
    spoilt(directory)
    with pytest.raises(InputError) as error:
        load(directory)
    assert says in str(error.value)
    assert str(directory) in str(error.value)
    assert "\n" not in str(error.value)


APART = {"vm1": WallOffset(0, 0), "vm2": WallOffset(3 * 10**9, 200)}


def test_epochs_that_differ_by_the_measured_offset_are_one(directory: Path) -> None:
    run = load(measured(directory, APART))
    epochs = {machine: start.epoch_unix_ns for machine, start in run.starts.items()}
    assert epochs == {"vm1": EPOCH_UNIX_NS, "vm2": EPOCH_UNIX_NS + 3 * 10**9}
    recorded = {"epoch_unix_ns": EPOCH_UNIX_NS, "wall_offsets": plain_offsets(APART)}
    (directory / "run.json").write_text(json.dumps(recorded))
    assert load(directory).starts == run.starts


WRONG_EPOCHS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another epoch": (of_another_run(epoch_unix_ns=EPOCH_UNIX_NS), "on epoch_unix_ns; give"),
    "by a nanosecond": (
        of_another_run(epoch_unix_ns=EPOCH_UNIX_NS + 3 * 10**9 + 1),
        "on epoch_unix_ns; give",
    ),
    "no offsets": (of_another_run(wall_offsets=plain_offsets({})), "vm2.jsonl:1: field 'wall_o"),
    "another bound": (
        of_another_run(wall_offsets=plain_offsets(APART | {"vm1": WallOffset(0, 1)})),
        "vm1.jsonl and vm2.jsonl disagree on wall_offsets",
    ),
    "run.json with another epoch": (
        recording({"epoch_unix_ns": EPOCH_UNIX_NS + 3 * 10**9}),
        "vm1.jsonl (and 1 more) and run.json disagree on epoch_unix_ns",
    ),
    "run.json with other offsets": (
        recording({"wall_offsets": {}}),
        "vm1.jsonl (and 1 more) and run.json disagree on wall_offsets",
    ),
    "an epoch before 1970": (
        of_another_run(epoch_unix_ns=2 * 10**9),
        "vm2.jsonl:1: epoch_unix_ns: -1000000000 is outside",
    ),
}


@pytest.mark.parametrize(("spoilt", "says"), WRONG_EPOCHS.values(), ids=list(WRONG_EPOCHS))
def test_epochs_that_differ_otherwise_are_refused(
    directory: Path, spoilt: Callable[[Path], None], says: str
) -> None:
    spoilt(measured(directory, APART))
    with pytest.raises(InputError) as error:
        load(directory)
    assert says in str(error.value)


def test_a_link_in_the_place_of_a_log_is_none(directory: Path, tmp_path: Path) -> None:
    (directory / "vm2.jsonl").rename(tmp_path / "vm2.jsonl")
    (directory / "vm2.jsonl").symlink_to(tmp_path / "vm2.jsonl")
    assert load(directory).missing == ("vm2",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 5),
        ("workload", "tight"),
        ("fifo", False),
        ("duration_s", 61),
        ("latency", {"kind": "constant", "delay_s": 1}),
        ("faults", [{"kind": "loss", "probability": 0.5}]),
        ("tick_rates_hz", {"vm1": 3, "vm2": 6}),
    ],
)
def test_start_records_and_spec_json_have_to_agree(
    directory: Path, field: str, value: object
) -> None:
    start = json.loads((directory / "vm1.jsonl").read_text().splitlines()[0])
    (directory / "spec.json").write_text(json.dumps(start["spec"]))
    assert load(directory).damage == ()
    change(directory / "vm2.jsonl", 1, spec=start["spec"] | {field: value})
    with pytest.raises(InputError, match=rf"and vm2\.jsonl disagree on {field}"):
        load(directory)
    change(directory / "vm2.jsonl", 1, spec=start["spec"])
    (directory / "spec.json").write_text(json.dumps(start["spec"] | {field: value}))
    with pytest.raises(InputError, match=rf"and spec\.json disagree on {field}"):
        load(directory)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"seed":1,"seed":2}', b"\xff", b'{"sed":1}'])
def test_a_damaged_spec_json_is_damage_to_it_alone(directory: Path, text: bytes) -> None:
    (directory / "spec.json").write_bytes(text)
    (damage,) = load(directory).damage
    assert (damage.file, damage.line) == ("spec.json", 1)


numbers = st.integers(-2, 3) | st.sampled_from([2**62, BEYOND - 1, BEYOND, -BEYOND, 2**70])
texts = st.sampled_from(["vm1", "vm2", "", "\ud800", "\x1b[2J", "lamport"])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
clocks = st.dictionaries(st.sampled_from(["lamport", "vector"]), numbers | st.lists(numbers))
messages = st.fixed_dictionaries(
    {"from": texts, "to": texts, "cause": numbers, "index": numbers, "arrived_ns": numbers}
)
#: What can stand in a field: something of its kind most of the time.
likely = {"clock": clocks, "inbox": st.lists(messages), "undelivered": st.lists(messages)}


@settings(max_examples=40)
@given(world=worlds(kills=True, max_machines=2), data=st.data())
def test_whatever_is_in_a_log_there_are_metrics_and_a_verdict_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, world: World, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("any")
    for machine in world.spec.machines:
        plain = [json.loads(encode(record)) for record in world.log(machine)]
        spoilt = data.draw(st.sampled_from(plain))
        field = data.draw(st.sampled_from(sorted(spoilt)))
        spoilt[field] = data.draw(likely.get(field, numbers | texts) | values)
        (directory / f"{machine}.jsonl").write_text("".join(f"{json.dumps(p)}\n" for p in plain))
    with suppress(InputError):
        say_everything(load(directory))


def say_everything(run: Run) -> None:
    console = Console(file=StringIO())
    evaluation = evaluate(run)
    print_run(evaluation, console)
    found = evaluation.verdict
    print_verdict(run, found, console)
    print_across([metrics_of(run)] * 2, console)
    for plain in (plain_metrics([metrics_of(run)]), plain_verdict(found)):
        json.dumps(plain, allow_nan=False).encode()


@pytest.mark.parametrize("lost", ["all", "start", "first byte"])
def test_a_log_without_its_start_record_accuses_no_other_machine(tmp_path: Path, lost: str) -> None:
    run = write_run(
        tmp_path / "one",
        {
            "vm1": [send(10, 1, "vm2"), receive(60, 4, "vm2", 1)],
            "vm2": [receive(30, 2, "vm1", 0), send(40, 3, "vm1")],
        },
        {"vm2": stop(2, ticks_missed=298)},
    )
    log = run / "vm1.jsonl"
    content = log.read_bytes()
    log.write_bytes({"all": b"\xff", "start": content.partition(b"\n")[2]}.get(lost, content[1:]))
    found = evaluate(load(run)).verdict
    assert (violations(found), found.account) == ([], None)
    assert "the log of vm1 has no start record: 1 receive of its messages" in found.unchecked


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_log_is_read_in_any_form(directory: Path, encoding: str, end: str, suffix: str) -> None:
    expected = load(directory).events.drop("file")
    log = directory / "vm1.jsonl"
    content = log.read_text().replace("\n", end).encode(encoding)
    log.unlink()
    log.with_name(log.name + suffix).write_bytes(gzip.compress(content) if suffix else content)
    run = load(directory)
    assert run.events.drop("file").equals(expected)
    assert (run.damage, run.missing) == ((), ())
