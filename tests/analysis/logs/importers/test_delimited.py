"""`time|clock|kind|queue|peer`, in the ways of several labs, with what is found out and said."""

from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.history.causality import causality
from analysis.history.run import InputError, Run, schema_of
from analysis.logs.finding import load
from analysis.logs.importers.rows import KIND_WORDS, kind_of
from analysis.text.verdict import headline
from histories import World
from others import Delimited, stamped_before
from unruly import closure, unruly

WORLD = unruly(4, machines=3, acts=150)


def run_of(directory: Path, world: World = WORLD, way: Delimited | None = None) -> Run:
    return load((way or Delimited()).write(world, directory))


def said(run: Run, words: str) -> bool:
    return any(words in convention for convention in run.conventions)


@pytest.mark.parametrize(
    "way",
    [
        Delimited(),
        Delimited(delimiter=","),
        Delimited(delimiter="\t", header="time\tclock\tkind\tqueue\tpeer"),
        Delimited(delimiter=" ; ", header="Timestamp;Logical Clock;Event;Queue Length;Peer"),
        Delimited(once_per_receiver=True),
        Delimited(queue_before=True),
    ],
)
def test_whatever_the_way_the_history_is_the_same(tmp_path: Path, way: Delimited) -> None:
    run = run_of(tmp_path, way=way)
    assert (run.format, run.machines) == ("delimited", WORLD.spec.machines)
    told = [
        (machine, e.index, e.kind, e.at_ns, e.queue, e.clock["lamport"], list(e.to) or None)
        for machine, events in WORLD.events.items()
        for e in events
    ]
    first_ns = min(at_ns for _, _, _, at_ns, *_ in told)
    names = ["machine", "index", "kind", "at_ns", "queue", "clock_lamport", "to"]
    assert run.events.select(names).rows() == [
        (*name, at_ns - first_ns, *rest) for *name, at_ns, queue, clock, to in told
        for rest in [(queue, clock, to)]
    ]  # fmt: skip
    assert run.events.schema == schema_of(["lamport"])
    known, truth = causality(run), closure(WORLD)
    assert all((known.past(row) == truth[:, row].nonzero()[0]).all() for row in range(len(truth)))
    found = evaluate(run).verdict
    assert (found.violations, found.unchecked, found.offsets) == ((), (), ())
    assert found.account
    assert found.account.received == run.events.filter(kind="receive").height
    assert headline(found).startswith("holds: nothing violated; 7 of 16 checks cannot be made")


def test_what_is_inferred_is_marked_so(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    received = run.events.filter(kind="receive")
    assert {*received["inferred"]} == {"order on its channel"}
    assert run.events.filter(kind="send")["inferred"].null_count() > 0
    assert said(
        run, f"{received.height} of {received.height} receives are matched to their sends by"
    )


def test_a_send_that_is_logged_once_per_receiver_is_one_event(tmp_path: Path) -> None:
    run = run_of(tmp_path, way=Delimited(once_per_receiver=True))
    several = [e for events in WORLD.events.values() for e in events if len(e.to) > 1]
    lines = sum(len(event.to) for event in several)
    assert said(run, f"once per receiver, with one clock: {lines} lines are {len(several)} events")


def test_a_queue_that_is_counted_before_the_receive_is_found_out(tmp_path: Path) -> None:
    before = run_of(tmp_path, way=Delimited(queue_before=True))
    assert said(before, "the queue is counted before each receive: the shortest is 1")
    after = run_of(tmp_path, way=Delimited())
    assert said(after, "the queue is counted after each receive: some are 0")


def test_stamps_from_before_the_increment_are_found_out_and_named(tmp_path: Path) -> None:
    world = unruly(11, machines=3, acts=400)
    run = run_of(tmp_path, world, Delimited(clocks=stamped_before))
    assert run.stamp_lag == 1
    found = evaluate(run).verdict
    assert {violation.check for violation in found.violations} == {"clock_condition"}
    (cause,) = found.causes
    same = len(found.violations)
    assert cause.startswith(f"{same} receives read the same as the send: a receive takes")
    assert "or messages carry the clock from before the send advances it" in cause
    known, truth = causality(run), closure(world)
    assert all((known.past(row) == truth[:, row].nonzero()[0]).all() for row in range(len(truth)))


def test_without_peers_the_clock_values_tell_something_and_the_rest_is_left_open(
    tmp_path: Path,
) -> None:
    run = run_of(tmp_path, way=Delimited(without_peers=True))
    events = run.events.filter(kind="receive")
    truth = {
        (m, e.index): (e.sender, e.cause)
        for m, all_ in WORLD.events.items()
        for e in all_
        if e.kind == "receive"
    }
    counts = dict(events["inferred"].value_counts().iter_rows())
    assert counts["clock values"] > 0
    assert counts["any of several sends fits"] > 0
    for machine, index, sender, cause, how in events.select(
        "machine", "index", "sender", "cause", "inferred"
    ).iter_rows():
        if how == "clock values":
            assert (sender, cause) == truth[machine, index]
        else:
            assert (sender, cause) == (None, None)
    found = evaluate(run).verdict
    assert found.state == "holds"
    open_ = counts["any of several sends fits"]
    assert said(run, f"{open_} of {events.height} receives fit several sends, and stay unmatched")


def test_the_log_of_a_machine_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    Delimited().write(WORLD, tmp_path)
    (tmp_path / "vm2.log").unlink()
    run = load(tmp_path)
    assert run.machines == ("vm1", "vm3")
    waiting = run.events.filter(kind="receive", sender="vm2").height
    sent = run.events["to"].explode().eq("vm2").sum()
    assert evaluate(run).verdict.unchecked == (
        f"there is no log of vm2: {waiting} receives of its messages, {sent} messages to it",
    )


def test_several_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    Delimited().write(WORLD, tmp_path)
    log = tmp_path / "vm2.log"
    lines = log.read_text().count("\n")
    log.write_text(log.read_text() * 8)
    with pytest.raises(InputError, match=rf"vm2.log:{lines + 1}: the clock of vm2 starts again"):
        load(tmp_path)


def test_one_clock_that_falls_is_no_second_run(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "".join(f"{n}|{clock}|internal|0|\n" for n, clock in enumerate([1, 2, 3, 1, 5, 6]))
    )
    found = evaluate(load(tmp_path)).verdict
    checks = {violation.check for violation in found.violations}
    assert checks == {"clock_rule", "clock_condition"}


TIMES: list[tuple[list[str], list[float], str]] = [
    (["1741160378.5", "1741160379.25"], [0, 0.75], "times are read as seconds, by their size"),
    (["1741160378", "1741160379"], [0, 1], "times have a resolution of whole seconds"),
    (["1741160378123", "1741160378125"], [0, 0.002], "times are read as milliseconds"),
    (["1741160378123456", "1741160378123457"], [0, 1e-6], "times are read as microseconds"),
    (["1741160378123456789", "1741160378123456790"], [0, 1e-9], "times are read as nanoseconds"),
    (
        ["2025-03-05 02:39:38,691", "2025-03-05 02:39:39"],
        [0, 0.309],
        "times have a resolution of milliseconds",
    ),
    (
        ["2025-03-05T02:39:38Z", "2025-03-05T02:39:40Z"],
        [0, 2],
        "times have a resolution of whole seconds",
    ),
    (["23:59:58", "00:00:01"], [0, 3], "only the time of day; it wraps around and is continued"),
    (["59:58.5", "00:01.0"], [0, 2.5], "only the minutes and seconds of an hour; it wraps around"),
    (["", ""], [], "events have no times"),
]


@pytest.mark.parametrize(("texts", "seconds", "says"), TIMES)
def test_times_are_read_as_they_look(
    tmp_path: Path, texts: list[str], seconds: list[float], says: str
) -> None:
    rows = (f"{text}|{n}|internal|0|\n" for n, text in enumerate(texts, 1))
    (tmp_path / "a.log").write_text("".join(rows))
    run = load(tmp_path)
    assert run.events["at_ns"].drop_nulls().to_list() == [round(s * 1e9) for s in seconds]
    assert said(run, says)
    assert evaluate(run).verdict.violations == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2.0|x|internal|0|", "the clock cannot be 'x'"),
        ("2.0||internal|0|", "the clock cannot be ''"),
        ("2.0|2|lunch|0|", "'lunch' is no kind of event that is known"),
        ("2.0|2|internal|many|", "the queue cannot be 'many'"),
        ("noon|2|internal|0|", "the time cannot be 'noon'"),
        ("hello", "there are too few columns"),
    ],
)
def test_damage_is_listed_and_everything_else_kept(tmp_path: Path, line: str, reason: str) -> None:
    text = f"1.0|1|internal|0|\n{line}\n3.0|3|internal|0|\n\n"
    (tmp_path / "a.log").write_text(text)
    run = load(tmp_path)
    assert run.damage == (("a.log", 2, reason),)
    assert run.events["clock_lamport"].to_list() == [1, 3]
    assert f"a.log:2 could not be used: {reason}" in evaluate(run).verdict.unchecked


def test_a_torn_last_line_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("1.0|1|internal|0|\n2.0|2|inter")
    run = load(tmp_path)
    (torn,) = run.damage
    assert torn.line == 2
    assert torn.reason == "torn last line: 'inter' is no kind of event that is known"
    assert evaluate(run).verdict.unchecked == ()


def test_who_is_called_by_a_number_is_known_by_it(tmp_path: Path) -> None:
    (tmp_path / "machine_1.log").write_text("1.0|1|SEND|0|2\n2.0|2|broadcast|0|all\n")
    (tmp_path / "machine_2.log").write_text("1.5|2|RECV|1|1\n2.5|3|RECV|0|1\n")
    (tmp_path / "machine_3.log").write_text("2.5|3|RECV|0|machine_1\n")
    run = load(tmp_path)
    assert said(run, "2 is taken for machine_2, by its number")
    assert run.events["to"].to_list()[:2] == [["machine_2"], ["machine_2", "machine_3"]]
    assert run.events.filter(kind="receive")["cause"].to_list() == [0, 1, 1]
    assert evaluate(run).verdict.violations == ()


def test_a_file_of_all_machines_is_a_run_by_itself(tmp_path: Path) -> None:
    log = tmp_path / "all.csv"
    log.write_text(
        "machine,kind,clock,sender,receivers,stamp\n"
        "p,send,4,,q r,\np,internal,5,,,\nq,receive,5,p,,4\nr,receive,6,p,,4\n"
    )
    run = load(log)
    assert run.machines == ("p", "q", "r")
    assert run.events.filter(kind="receive").select("machine", "sender", "cause").rows() == [
        ("q", "p", 0),
        ("r", "p", 0),
    ]
    assert [violation.check for violation in evaluate(run).verdict.violations] == ["clock_rule"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a|b|c\n",
        "name,kind,size\nx,file,7\n",
        "point,run,clock_rate_per_s\na,b,1\n",
        "# Readme | of | nothing\n",
        "1|2|3|4\n",
    ],
)
def test_other_tables_are_no_logs(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match="is no run: "):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("not sending", None),
        ("no message received", None),
        ("not sending, internal", "internal"),
        ("no message: internal", "internal"),
        ("not idle but sending", "send"),
    ],
)
def test_a_negated_word_names_no_kind_of_event(text: str, kind: str | None) -> None:
    assert kind_of(text, KIND_WORDS) == kind
