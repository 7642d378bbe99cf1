"""What is written for other programs, against the rules of those programs."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analysis.evaluation import evaluate
from analysis.exports import EXPORTS, export
from analysis.history.causality import causality
from analysis.history.run import InputError, Run, schema_of
from analysis.logs.finding import load
from by_hand import internal, receive, send
from by_hand import run_of as run_of_logs
from histories import World
from loading import run_of
from orchestrator.cli import main
from others import Delimited, write_as_the_first_vklocks
from unruly import unruly

worlds = st.builds(
    unruly,
    seed=st.integers(0, 2**32),
    machines=st.integers(1, 5),
    acts=st.sampled_from([2, 20, 200]),
    loss=st.sampled_from([0, 0.3]),
    duplication=st.sampled_from([0, 0.3]),
    fifo=st.booleans(),
)


@pytest.fixture
def run() -> Run:
    return run_of(unruly(8, machines=3, acts=200, loss=0.2, duplication=0.2, fifo=False))


def test_the_command_offers_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", ".", "--to", "nothing"]) == 2
    assert f"there is no 'nothing'; there are {', '.join(EXPORTS)}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert ", ".join(EXPORTS) in " ".join(capsys.readouterr().out.split())


def test_a_file_is_named_by_the_run_and_says_what_it_is(run: Run, tmp_path: Path) -> None:
    names = {to: export(run, to, tmp_path).name for to in EXPORTS}
    assert names == {
        "shiviz": f"{run.name}.shiviz.log",
        "perfetto": f"{run.name}.perfetto.json",
        "csv": f"{run.name}.csv",
        "parquet": f"{run.name}.parquet",
    }


class ShiViz:
    """A file as ShiViz takes it in, one method per rule of its own parser and model.

    js/model/parser.js, vectorTimestamp.js and modelGraph.js of DistributedClocks/shiviz.
    """

    def __init__(self, text: str) -> None:
        self.expression, self.delimiter, self.log = text.split("\n", 2)
        # Its page puts the expression of a file between these.
        pattern = re.sub(r"\(\?<(\w+)>", r"(?P<\1>", f"^{self.expression}$")
        self.matches = list(re.compile(pattern, re.MULTILINE | re.ASCII).finditer(self.log))
        self.events = [(match["host"], json.loads(match["clock"])) for match in self.matches]

    def the_expression_has_the_groups(self) -> bool:
        return all(f"(?<{group}>" in self.expression for group in ("host", "clock", "event"))

    def there_is_no_delimiter(self) -> bool:
        return self.delimiter.strip() == ""

    def every_line_is_an_event(self) -> bool:
        lines = self.log.removesuffix("\n").split("\n")
        return [match[0] for match in self.matches] == lines

    def every_event_has_a_text(self) -> bool:
        return all(match["event"].strip() for match in self.matches)

    def clocks_are_objects_of_numbers(self) -> bool:
        return all(type(n) is int and n > 0 for _, clock in self.events for n in clock.values())

    def clocks_have_their_own_host(self) -> bool:
        return all(host in clock for host, clock in self.events)

    def own_entries_count_from_one(self) -> bool:
        own = defaultdict[str, list[int]](list)
        for host, clock in self.events:
            own[host].append(clock[host])
        return all(sorted(counts) == list(range(1, len(counts) + 1)) for counts in own.values())

    def every_entry_has_its_event(self) -> bool:
        count = Counter(host for host, _ in self.events)
        return all(n <= count[host] for _, clock in self.events for host, n in clock.items())

    def clocks_are_what_their_parents_make_them(self) -> bool:
        """The check that the model has for the clocks as a whole, and for circles."""
        at = {(host, clock[host]): clock for host, clock in self.events}
        for (host, own), clock in at.items():
            merged = Counter({host: own})
            for other, n in clock.items():
                parent = (host, own - 1) if other == host else (other, n)
                merged |= Counter(at.get(parent, {}))
            if merged != Counter(clock):
                return False
        return True


RULES = [name for name in vars(ShiViz) if not name.startswith("_")]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None)
@given(world=worlds)
def test_a_file_for_shiviz_fulfils_its_rules(
    tmp_path_factory: pytest.TempPathFactory, rule: str, world: World
) -> None:
    run = run_of(world)
    if run.events.is_empty():
        return
    text = export(run, "shiviz", tmp_path_factory.mktemp("shiviz")).read_text()
    assert getattr(ShiViz(text), rule)()
    assert len(ShiViz(text).events) == run.events.height


@pytest.mark.parametrize(
    ("rule", "spoilt"),
    [
        ("the_expression_has_the_groups", ("(?<clock>", "(?<klock>")),
        ("there_is_no_delimiter", ("\n\n", "\n===\n")),
        ("every_line_is_an_event", ("vm1 {", "vm1 [")),
        ("clocks_are_objects_of_numbers", ('"vm1": 1}', '"vm1": "1"}')),
        ("clocks_have_their_own_host", ('{"vm1": 1}', '{"vm2": 1}')),
        ("own_entries_count_from_one", ('"vm1": 2', '"vm1": 1')),
        ("every_entry_has_its_event", ('"vm1": 2', '"vm1": 2000')),
        (
            "clocks_are_what_their_parents_make_them",
            ('"vm1": 6, "vm2": 3, "vm3": 7', '"vm1": 6, "vm2": 3'),
        ),
    ],
)
def test_the_rules_can_be_broken(
    run: Run, tmp_path: Path, rule: str, spoilt: tuple[str, str]
) -> None:
    text = export(run, "shiviz", tmp_path).read_text()
    assert spoilt[0] in text
    shiviz = ShiViz(text)
    assert getattr(shiviz, rule)()
    broken = text.replace(*spoilt, 1)
    shiviz.expression, shiviz.delimiter, shiviz.log = broken.split("\n", 2)
    with suppress(IndexError):
        shiviz = ShiViz(broken)
    assert not getattr(shiviz, rule)()


def test_machines_with_spaces_in_their_names_have_none_for_shiviz(tmp_path: Path) -> None:
    (tmp_path / "node a.log").write_text("1|1|internal|0|\n")
    (tmp_path / "elsewhere").mkdir()
    text = export(load(tmp_path), "shiviz", tmp_path / "elsewhere").read_text()
    assert text.splitlines()[2].startswith('node_a {"node_a": 1} event 0: internal at 0.0 s')


def test_machines_stay_apart_for_shiviz(tmp_path: Path) -> None:
    for name in ("a b", "a_b", "a_b_"):
        (tmp_path / f"{name}.log").write_text("1|1|internal|0|\n")
    (tmp_path / "elsewhere").mkdir()
    text = export(load(tmp_path), "shiviz", tmp_path / "elsewhere").read_text()
    hosts = [host for host, _ in ShiViz(text).events]
    assert sorted(hosts) == ["a_b", "a_b_", "a_b__"]


def as_shiviz(world: World, directory: Path) -> Path:
    export(run_of(world), "shiviz", directory)
    return directory


@pytest.mark.parametrize(
    "logged_as", [World.write, Delimited().write, write_as_the_first_vklocks, as_shiviz]
)
def test_what_was_exported_is_not_read_with_the_logs_beside_it(
    logged_as: Callable[[World, Path], Path], tmp_path: Path
) -> None:
    logged_as(unruly(3, machines=3, acts=60), tmp_path)
    run = load(tmp_path)
    for to in EXPORTS:
        before = sorted(tmp_path.iterdir())
        with suppress(InputError):
            export(run, to, tmp_path)
            before.append(tmp_path / f"{run.name}{EXPORTS[to].suffix}")
        assert sorted(tmp_path.iterdir()) == sorted(before)
        assert_frame_equal(load(tmp_path).events, run.events)
    assert (tmp_path / f"{run.name}.csv").exists()


def in_a_circle() -> Run:
    world = unruly(6, machines=2, acts=80)
    receive = next(e for e in world.events["vm1"] if e.kind == "receive")
    send = next(e for e in world.events["vm1"] if e.kind == "send" and e.index > receive.index)
    receive.sender, receive.cause = "vm1", send.index
    return run_of(world)


def test_a_history_that_cannot_have_happened_is_not_drawn(tmp_path: Path) -> None:
    run = in_a_circle()
    assert "causal_cycle" in {violation.check for violation in evaluate(run).verdict.violations}
    with pytest.raises(InputError, match="form a causal cycle, which ShiViz cannot draw"):
        export(run, "shiviz", tmp_path)
    assert export(run, "perfetto", tmp_path).exists()


def trace_of(run: Run, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The events of a trace by their phase."""
    trace = json.loads(export(run, "perfetto", folder).read_text())
    phases = defaultdict[str, list[dict[str, Any]]](list)
    for event in trace["traceEvents"]:
        phases[event["ph"]].append(event)
    return phases


def test_a_trace_has_a_slice_for_every_event(run: Run, tmp_path: Path) -> None:
    slices = trace_of(run, tmp_path)["X"]
    events = run.events.select("kind", "at_ns", "index").rows()
    assert [(s["name"], round(s["ts"] * 1000), s["args"]["index"]) for s in slices] == events
    for one, following in pairwise(slices):
        if one["pid"] == following["pid"]:
            assert one["ts"] + one["dur"] <= following["ts"] + 1e-6
    assert all(s["dur"] > 0 for s in slices)


def test_a_trace_has_an_arrow_for_every_message(run: Run, tmp_path: Path) -> None:
    phases, known = trace_of(run, tmp_path), causality(run)
    at = run.events["at_ns"].to_list()
    ends = list(zip(phases["s"], phases["f"], strict=True))
    arrows = [
        (start["pid"], round(start["ts"] * 1000), end["pid"], round(end["ts"] * 1000))
        for start, end in ends
    ]
    messages = [
        (known.machine[send] + 1, at[send], known.machine[row] + 1, at[row])
        for row, send in enumerate(known.send)
        if send >= 0
    ]
    assert arrows == messages
    assert all(start["id"] == end["id"] for start, end in ends)
    assert len({start["id"] for start in phases["s"]}) == len(arrows)
    assert all(end["bp"] == "e" for end in phases["f"])
    # A flow is bound to the slice that its instant is in.
    slices = {(s["pid"], s["ts"]) for s in phases["X"]}
    assert {(f["pid"], f["ts"]) for f in [*phases["s"], *phases["f"]]} <= slices


def test_arrows_lead_to_their_own_slices_at_equal_instants(tmp_path: Path) -> None:
    logs = {
        "vm1": [internal(5, 1), receive(5, 4, "vm2", 1), receive(5, 5, "vm2", 2), internal(6, 6)],
        "vm2": [internal(5, 1), send(5, 2, "vm1"), send(5, 3, "vm1"), internal(5, 4)],
    }
    phases = trace_of(run_of_logs(tmp_path, logs), tmp_path)
    for phase, kind in (("s", "send"), ("f", "receive")):
        for flow, index in zip(phases[phase], (1, 2), strict=True):
            bound = [
                (one["name"], one["args"]["index"])
                for one in phases["X"]
                if one["pid"] == flow["pid"] and one["ts"] <= flow["ts"] < one["ts"] + one["dur"]
            ]
            assert bound == [(kind, index)]
    for start, end in zip(phases["s"], phases["f"], strict=True):
        assert start["ts"] < end["ts"]


def test_a_trace_shows_waiting_queues_and_losses(run: Run, tmp_path: Path) -> None:
    phases = trace_of(run, tmp_path)
    received = run.events.filter(kind="receive")
    waits = [
        (round(begin["ts"] * 1000), round(end["ts"] * 1000))
        for begin, end in zip(phases["b"], phases["e"], strict=True)
    ]
    assert waits == received.select("arrived_ns", "at_ns").rows()
    assert [c["args"]["messages"] for c in phases["C"]] == run.events["queue"].to_list()
    assert len(phases["i"]) == run.events["lost"].list.len().sum()
    names = {e["args"]["name"] for e in phases["M"] if e["name"] == "process_name"}
    assert names == {*run.machines}


def test_without_times_a_trace_goes_by_causal_depth(run: Run, tmp_path: Path) -> None:
    again = load(export(run, "shiviz", tmp_path))
    slices = trace_of(again, tmp_path)["X"]
    assert [s["ts"] for s in slices] == [1000.0 * depth for depth in causality(again).depth]


def test_tables_are_the_events_table(run: Run, tmp_path: Path) -> None:
    assert pl.read_parquet(export(run, "parquet", tmp_path)).equals(run.events)
    read = pl.read_csv(export(run, "csv", tmp_path), infer_schema=False)
    assert read.columns == list(schema_of(run.clocks))
    for name, type_ in schema_of(run.clocks).items():
        if isinstance(type_, pl.List):
            words = run.events[name].cast(pl.List(pl.String)).list.join(" ")
        else:
            words = run.events[name].cast(pl.String)
        assert read[name].fill_null("").to_list() == words.fill_null("").to_list(), name
