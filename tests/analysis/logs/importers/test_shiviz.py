"""Logs with vector clocks in JSON: ShiViz's own layout, GoVector's, and any expression."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import evaluate
from analysis.exports import export
from analysis.history.causality import causality
from analysis.history.run import InputError, Run
from analysis.logs.finding import load, source_of
from loading import run_of
from unruly import unruly

Events = list[tuple[str, dict[str, int], str]]
Layout = Callable[[str, str, str], str]

# A client asks a server, which asks another one; the client hears of both at once.
EVENTS: Events = [
    ("client", {"client": 1}, "ask"),
    ("client", {"client": 2, "server": 4, "other": 2}, "get"),
    ("server", {"client": 1, "server": 1}, "asked"),
    ("server", {"client": 1, "server": 2}, "ask the other"),
    ("server", {"client": 1, "server": 3, "other": 2}, "answered"),
    ("server", {"client": 1, "server": 4, "other": 2}, "answer"),
    ("other", {"other": 1, "client": 1, "server": 2}, "asked"),
    ("other", {"other": 2, "client": 1, "server": 2}, "answer"),
]
CAUSES = {
    ("client", 1): ("server", 3),
    ("server", 0): ("client", 0),
    ("server", 2): ("other", 1),
    ("other", 0): ("server", 1),
}


def shiviz(host: str, clock: str, event: str) -> str:
    return f"{event}\n{host} {clock}\n"


def govector(host: str, clock: str, event: str) -> str:
    return f"{host} {clock}\n{event}\n"


def one_line(host: str, clock: str, event: str) -> str:
    return f"{host} {clock} {event}\n"


def clock_last(host: str, clock: str, event: str) -> str:
    return f'{host} "{event}" {clock}\n'


def of_its_own(host: str, clock: str, event: str) -> str:
    return f"[{event}] by {host} at {clock};\n"


OWN_EXPRESSION = r"\[(?<event>.*)\] by (?<host>\w+) at (?<clock>\{.*\});"
LAYOUTS: dict[Layout, str] = {
    shiviz: "",
    govector: "",
    one_line: "",
    clock_last: "",
    of_its_own: f"{OWN_EXPRESSION}\n\n",
}


def text_of(layout: Layout = one_line, events: Events = EVENTS) -> str:
    return "".join(layout(host, json.dumps(clock), event) for host, clock, event in events)


def loaded(directory: Path, text: str, name: str = "a.log") -> Run:
    (directory / name).write_text(text)
    return load(directory / name)


def causes(run: Run) -> dict[tuple[str, int], tuple[str, int]]:
    received = run.events.filter(kind="receive").select("machine", "index", "sender", "cause")
    return {(m, index): (sender, cause) for m, index, sender, cause in received.iter_rows()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(tmp_path: Path, layout: Layout) -> None:
    run = loaded(tmp_path, LAYOUTS[layout] + text_of(layout))
    assert (run.format, run.main) == ("shiviz", "vector")
    assert run.machines == ("client", "other", "server")
    assert causes(run) == CAUSES
    assert run.events.filter(machine="server")["kind"].to_list() == [
        "receive",
        "send",
        "receive",
        "send",
    ]
    assert {*run.events["inferred"].drop_nulls()} == {"vector clocks"}
    found = evaluate(run).verdict
    assert (found.violations, found.unchecked) == ((), ())
    unknown = dict(found.unknown)
    assert unknown["clock_condition"].startswith("the messages were inferred from the vector")


def test_where_an_event_is_in_the_file_does_not_matter(tmp_path: Path) -> None:
    run = loaded(tmp_path, text_of(one_line, EVENTS[::-1]))
    assert causes(run) == CAUSES
    assert run.events.filter(machine="client")["line"].to_list() == [8, 7]


def test_govectors_logs_of_one_host_each_are_one_run(tmp_path: Path) -> None:
    for host in ("client", "server", "other"):
        own = [event for event in EVENTS if event[0] == host]
        (tmp_path / f"{host}-Log.txt").write_text(text_of(govector, own))
    run = load(tmp_path)
    assert causes(run) == CAUSES
    assert run.files["server"] == "server-Log.txt"


def test_a_host_without_a_log_is_missing(tmp_path: Path) -> None:
    run = loaded(tmp_path, text_of(one_line, [event for event in EVENTS if event[0] != "other"]))
    assert (run.machines, run.missing) == (("client", "server", "other"), ("other",))
    assert causes(run)["server", 2] == ("other", None)
    found = evaluate(run).verdict
    assert found.unchecked == ("there is no log of other: 1 receive of its messages",)


def test_news_of_several_that_no_one_message_brought_came_by_several(tmp_path: Path) -> None:
    events = [("p", {"p": 1}, "x"), ("q", {"q": 1}, "x"), ("r", {"p": 1, "q": 1, "r": 1}, "both")]
    run = loaded(tmp_path, text_of(one_line, events))
    assert "1 event received several messages at once, 2 together" in run.conventions
    found = evaluate(run).verdict
    assert (found.violations, found.unchecked) == ((), ())
    assert found.account
    assert (found.account.sent, found.account.received) == (2, 2)
    known = causality(run)
    assert known.vector_time(known.row("r", 0)).tolist() == [1, 1, 1]
    assert known.depth.tolist() == [1, 1, 2]


def test_an_event_that_receives_and_sends_is_both(tmp_path: Path) -> None:
    clocks = {"p": {"p": 1}, "q": {"p": 1, "q": 1}, "r": {"p": 1, "q": 1, "r": 1}}
    events = [(host, clock, "x") for host, clock in clocks.items()]
    run = loaded(tmp_path, text_of(shiviz, events))
    assert causes(run) == {("q", 0): ("p", 0), ("r", 0): ("q", 0)}
    assert run.events.filter(machine="q")["to"].to_list() == [["r"]]
    assert evaluate(run).verdict.violations == ()


@pytest.mark.parametrize(
    ("events", "check"),
    [
        # The clock is not advanced: by an event, or by a receive.
        ([("p", {"p": 1}, "x"), ("p", {"p": 1}, "y")], "clock_rule"),
        ([("q", {"q": 1}, "x"), ("p", {"p": 1}, "x"), ("p", {"p": 1, "q": 1}, "y")], "clock_rule"),
        # A message is merged in part.
        (
            [
                ("p", {"p": 1}, "x"),
                ("q", {"p": 1, "q": 1}, "x"),
                ("q", {"p": 1, "q": 2}, "x"),
                ("r", {"r": 1}, "x"),
                ("r", {"r": 2, "q": 2}, "x"),
            ],
            "clock_rule",
        ),
        # Knowledge is lost.
        (
            [("p", {"p": 1}, "x"), ("q", {"p": 1, "q": 1}, "x"), ("q", {"q": 2}, "x")],
            "clock_condition",
        ),
    ],
)
def test_what_no_vector_clock_does_is_violated(tmp_path: Path, events: Events, check: str) -> None:
    found = evaluate(loaded(tmp_path, text_of(one_line, events))).verdict
    assert check in {violation.check for violation in found.violations}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), fifo=st.booleans(), loss=st.sampled_from([0, 0.3]))
def test_what_was_exported_comes_back_with_the_same_causality(
    tmp_path_factory: pytest.TempPathFactory, seed: int, fifo: bool, loss: float
) -> None:
    run = run_of(unruly(seed, machines=4, acts=150, fifo=fifo, loss=loss))
    if run.events.is_empty():
        return
    again = load(export(run, "shiviz", tmp_path_factory.mktemp("export")))
    before, after = causality(run), causality(again)
    logged = [machine for machine in run.machines if machine in again.machines]
    assert [before.name(row) for row in range(len(before))] == [
        after.name(row) for row in range(len(after))
    ]
    order = [run.machines.index(machine) for machine in logged]
    for row in range(len(before)):
        assert before.vector_time(row)[order].tolist() == after.vector_time(row).tolist()
    assert evaluate(again).verdict.violations == ()


def test_several_executions_are_several_runs(tmp_path: Path) -> None:
    header = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)" + "\n=== (?<trace>.*) ===\n"
    text = f"{header}=== calm ===\n{text_of()}=== stormy ===\n{text_of(events=EVENTS[:1])}"
    (tmp_path / "all.log").write_text(text)
    calm, stormy = source_of(tmp_path / "all.log").load()
    assert (calm.name, stormy.name) == ("all.log#calm", "all.log#stormy")
    assert (calm.events.height, stormy.events.height) == (8, 1)
    assert stormy.events["line"].to_list() == [13]
    assert calm.damage == ()
    with pytest.raises(InputError, match="holds 2 executions, not one"):
        load(tmp_path / "all.log")


def test_a_line_without_an_event_belongs_to_its_execution_alone(tmp_path: Path) -> None:
    header = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)" + "\n=== (?<trace>.*) ===\n"
    executions = [f"=== {name} ===\n{name}?\n{text_of()}" for name in ("calm", "stormy")]
    text = f"{header}before?\n{''.join(executions)}=== empty ===\nno?\n"
    (tmp_path / "all.log").write_text(text)
    calm, stormy = source_of(tmp_path / "all.log").load()
    assert (calm.damage, stormy.damage) == ((), ())
    assert [note[-7:] for note in calm.conventions[:3]] == [": calm?", "before?", "nt: no?"]
    assert stormy.conventions[0] == "1 line describes no event: stormy?"


def test_executions_without_a_name_are_numbered(tmp_path: Path) -> None:
    text = r"(?<host>\S+) (?<clock>.*) (?<event>\w+)" + f"\n--+\n{text_of()}---\n{text_of()}"
    (tmp_path / "all.log").write_text(text)
    runs = source_of(tmp_path / "all.log").load()
    assert [run.name for run in runs] == [
        "all.log#1",
        "all.log#2",
    ]


def test_executions_that_were_appended_are_several_runs(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(text_of() * 2)
    first, second = source_of(tmp_path / "a.log").load()
    assert (first.name, second.name) == ("a.log#1", "a.log#2")
    assert first.events.drop("run", "line").equals(second.events.drop("run", "line"))
    assert second.events["line"].min() == 9
    assert "every host begins again: 2 executions were appended" in second.conventions


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('client {"client":', "the expression finds no event here"),
        ("client {client:2} x", "the clock is not JSON: {client:2}"),
        ('client {"server":2} x', "the clock has no entry of its own host, client"),
        ('client {"client":"2"} x', "the clock does not give a number for every host:"),
        ('client {"client":-2} x', "a number of the clock cannot be:"),
        ('client {"client":9999999999999999999} x', "a number of the clock cannot be:"),
    ],
)
def test_damage_is_listed_and_everything_else_kept(tmp_path: Path, line: str, reason: str) -> None:
    run = loaded(tmp_path, f"{text_of(events=EVENTS[:1])}\n{line}\n{text_of(events=EVENTS[2:3])}")
    (damage,) = run.damage
    assert (damage.file, damage.line) == ("a.log", 3)
    assert damage.reason.startswith(reason)
    assert run.events.height == 2


def test_a_torn_last_line_is_told_apart(tmp_path: Path) -> None:
    run = loaded(tmp_path, text_of()[:-15])
    (damage,) = run.damage
    assert (damage.line, damage.is_torn) == (8, True)


def test_tsvizs_timestamps_are_times(tmp_path: Path) -> None:
    header = r"(?<timestamp>\d+) (?<host>\w+) (?<clock>{.*}) (?<event>.*)" + "\n\n"
    lines = (f'{1456966522871394964 + 3 * n} a {{"a":{n}}} x\n' for n in (1, 2))
    run = loaded(tmp_path, header + "".join(lines))
    assert run.events["at_ns"].to_list() == [0, 3]


NOT_AN_EXPRESSION = "(?<host>(?<clock>(?<event>\n\nx"


@pytest.mark.parametrize("text", ["", "{}", "a {} x\n", 'a {"b":1} x\n', "hello\nworld {1}\n"])
def test_other_files_are_no_logs(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="is a file"):
        loaded(tmp_path, text)


def test_a_first_line_that_is_no_expression_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"a\.log: its first lines are no expressions for events: "
    ):
        loaded(tmp_path, NOT_AN_EXPRESSION)


def test_a_log_without_an_event_is_no_run(tmp_path: Path) -> None:
    """Its delimiter matches everywhere, so that no execution has an event."""
    header = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)" + "\n(?<trace>)\n"
    (tmp_path / "a.log").write_text(header + 'h {"h":1} e\nh {"h":2} e\n')
    with pytest.raises(InputError, match=r"no event could be read: no line describes one"):
        load(tmp_path)


def test_a_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    header = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)" + "\n\n"
    odd = r'h {"h":2,"\ud800":1} e'
    (tmp_path / "a.log").write_text(header + f'h {{"h":1}} e\n{odd}\n')
    (damage,) = load(tmp_path).damage
    assert (damage.line, damage.reason) == (4, rf"a name in the clock is not text: {odd[2:-2]}")
