"""Text logs of the first vklocks, written for these tests, with every figure worked out by hand."""

from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluation import evaluate
from analysis.history import kernels
from analysis.history.run import InputError, Run
from analysis.logs.finding import load
from analysis.logs.importers import vklocks_bytes
from analysis.metrics.machine import MACHINE_METRICS, per_machine
from analysis.metrics.run import per_run
from examples import HALF
from others import write_as_the_first_vklocks
from unruly import unruly

# Numba compiles for seconds, in each worker that asks it to.
pytestmark = pytest.mark.xdist_group("numba, text logs")
ALPHA = """\
2025-01-01 10:00:00,000 INFO: Machine alpha initialized with tick rate 2 ticks per second
2025-01-01 10:00:00,001 INFO: gRPC server started on port 6001
2025-01-01 10:00:00,100 INFO: Internal event: updated logical clock to 1, system_time=1735725600
2025-01-01 10:00:00,600 INFO: Sent message to localhost:6002: sent_clock=2, system_time=1735725600
2025-01-01 10:00:00,601 INFO: Sent event to localhost:6002: updated logical clock to 2, system_time=1735725600
2025-01-01 10:00:01,100 INFO: Sent message to localhost:6002: sent_clock=3, system_time=1735725601
2025-01-01 10:00:01,101 INFO: Sent message to localhost:6003: sent_clock=3, system_time=1735725601
2025-01-01 10:00:01,102 INFO: Broadcast sent: updated logical clock to 3, system_time=1735725601
"""  # noqa: E501 (the lines of a log are as long as they are)
BETA = """\
2025-01-01 10:00:00,010 INFO: Machine beta initialized with tick rate 1 ticks per second
2025-01-01 10:00:00,011 INFO: gRPC server started on port 6002
2025-01-01 10:00:00,050 INFO: Internal event: updated logical clock to 1, system_time=1735725600
2025-01-01 10:00:00,650 INFO: Received message from alpha: received_clock=2, system_time=1735725600
2025-01-01 10:00:01,050 INFO: Processed received message: updated logical clock to 3, system_time=1735725601, queue_length=0
2025-01-01 10:00:01,150 INFO: Received message from alpha: received_clock=3, system_time=1735725601
2025-01-01 10:00:01,160 INFO: Received message from gamma: received_clock=9, system_time=1735725601
2025-01-01 10:00:02,050 INFO: Processed received message: updated logical clock to 4, system_time=1735725602, queue_length=1
2025-01-01 10:00:03,050 INFO: Processed received message: updated logical clock to 10, system_time=1735725603, queue_length=0
2025-01-01 10:00:03,100 INFO: Received message from alpha: received_clock=8, system_time=1735725603
"""  # noqa: E501 (the lines of a log are as long as they are)
LAST = "2025-01-01 10:00:04,000 INFO: Internal event: updated logical clock to 11, system_time=1\n"
ERROR = (
    "2025-01-01 10:00:03,200 ERROR: Error sending to b:1: <_InactiveRpcError\n\tstatus = 14\n>\n"
)
MS = 1_000_000


def run_of(directory: Path, **logs: str | bytes) -> Run:
    directory.mkdir(exist_ok=True)
    for name, log in logs.items():
        text = log if isinstance(log, bytes) else log.encode()
        (directory / f"{name}_log.txt").write_bytes(text)
    return load(directory)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(tmp_path / "old", alpha=ALPHA, beta=BETA)


#: What every metric says of alpha and beta; the clock of beta jumps by 2, 1 and 6.
BY_HAND = {
    "tick_rate_hz": [2, 1],
    "ticks_done": [3, 4],
    "ticks_missed": [None, None],
    "events": [3, 4],
    "internal": [1, 1],
    "send": [2, 0],
    "receive": [0, 3],
    "final_clock": [3, 10],
    "jump_mean": [1.0, 3.0],
    "jump_min": [1, 1],
    "jump_max": [1, 6],
    "jump_sd": [0.0, sqrt(7)],
    "jump_over_1_share": [0.0, 2 / 3],
    "queue_mean_on_receive": [None, 1 / 3],
    # The queue of other events is not in the logs.
    "queue_mean_on_tick": [None, None],
    "queue_peak": [None, 1],
    "queue_left": [0, 1],
    "messages_out": [3, 0],
    "messages_in": [0, 4],
}


@pytest.mark.parametrize("metric", BY_HAND)
def test_a_metric_by_hand(run: Run, metric: str) -> None:
    assert metric in MACHINE_METRICS
    assert per_machine(run)[metric].to_list() == pytest.approx(BY_HAND[metric])


def test_spreads_by_hand(run: Run) -> None:
    # From 50 ms on the clocks read 1 and 1, from 551 2 and 1, from 1000 2 and 3, at 1052 3 and 3.
    spreads = per_run(run)
    assert spreads["final_spread"] == 7
    assert spreads["skew_mean"] == pytest.approx((1 * 449 + 1 * 52) / 1002)
    assert (spreads["skew_max"], spreads["skew_end"]) == (1, 0)


def test_a_run_is_what_its_logs_say(run: Run) -> None:
    assert (run.name, run.format, run.main) == ("old", "vklocks", "lamport")
    assert run.machines == run.logged == ("alpha", "beta")
    assert (run.starts, run.stops, run.damage) == ({}, {}, ())
    # Times count from the first event of all.
    assert run.events.select("machine", "index", "kind", "at_ns", "line").rows() == [
        ("alpha", 0, "internal", 50 * MS, 3),
        ("alpha", 1, "send", 551 * MS, 5),
        ("alpha", 2, "send", 1052 * MS, 8),
        ("beta", 0, "internal", 0 * MS, 3),
        ("beta", 1, "receive", 1000 * MS, 5),
        ("beta", 2, "receive", 2000 * MS, 8),
        ("beta", 3, "receive", 3000 * MS, 9),
    ]


def test_peers_are_named_by_the_port_that_they_listen_at(run: Run) -> None:
    to = run.events.filter(kind="send")["to"].to_list()
    # Nobody says that they listen at 6003.
    assert to == [["beta"], ["beta", "localhost:6003"]]


def test_messages_are_received_in_the_order_in_which_they_arrived(run: Run) -> None:
    receives = run.events.filter(kind="receive").select("sender", "arrived_ns", "queue", "cause")
    assert receives.rows() == [
        ("alpha", 600 * MS, 0, 1),
        ("alpha", 1100 * MS, 1, 2),
        ("gamma", 1110 * MS, 0, None),
    ]


def test_a_port_of_two_machines_names_neither(tmp_path: Path) -> None:
    """On two computers both can have it."""
    alpha = ALPHA.replace("started on port 6001", "started on port 6002")
    run = run_of(tmp_path, alpha=alpha, beta=BETA)
    to = run.events.filter(kind="send")["to"].to_list()
    assert to == [["localhost:6002"], ["localhost:6002", "localhost:6003"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello\n", "not a line of this format"),
        ("\n", "not a line of this format"),
        (LAST.replace("Internal", "Lunch"), "an event of no known kind: Lunch event"),
        (LAST.replace("clock to 11", "clock to eleven"), "not a line of this format"),
        (LAST.replace("clock to 11", f"clock to {2**63}"), "not a line of this format"),
        (LAST.replace("2025-01-01", "2025-13-45"), "the time cannot be 2025-13-45 10:00:04,000"),
        (LAST.replace("2025-01-01", "2925-01-01"), "the time cannot be 2925-01-01 10:00:04,000"),
        (LAST.replace("2025-01-01", "0001-01-01"), "the time cannot be 0001-01-01 10:00:04,000"),
        (LAST.replace("10:00:04", "25:00:04"), "the time cannot be 2025-01-01 25:00:04,000"),
        (LAST[:-12], "torn last line: not a line of this format"),
        (ERROR, "an error of the program: Error sending to b:1"),
    ],
)
def test_damage_is_listed_and_everything_else_kept(tmp_path: Path, line: str, reason: str) -> None:
    run = run_of(tmp_path, beta=BETA + line)
    assert run.damage == (("beta_log.txt", 11, reason),)
    assert run.events["main"].to_list() == [1, 3, 4, 10]


def test_after_damage_in_the_middle_reading_goes_on(tmp_path: Path) -> None:
    run = run_of(tmp_path, beta=BETA.encode() + b"\xff\xfe\x00\n" + LAST.encode())
    assert [damage.line for damage in run.damage] == [11]
    assert run.events["main"].to_list() == [1, 3, 4, 10, 11]


def test_the_lines_below_an_error_belong_to_it_until_the_next_line_of_the_log(
    tmp_path: Path,
) -> None:
    run = run_of(tmp_path, beta=BETA + ERROR + LAST + "what is this?\n")
    assert [damage.line for damage in run.damage] == [11, 15]
    assert run.events["main"].to_list() == [1, 3, 4, 10, 11]


def test_a_receive_of_which_no_arrival_was_logged_has_no_sender(tmp_path: Path) -> None:
    log = "".join(line for line in BETA.splitlines(keepends=True) if "from alpha" not in line)
    run = run_of(tmp_path, beta=log)
    # The one arrival that is there comes before the second receive.
    assert run.events["sender"].to_list() == [None, None, "gamma", None]
    assert run.events["arrived_ns"].null_count() == 3
    assert run.queue_left == {"beta": 0}


def test_without_the_line_that_names_it_a_machine_is_called_like_its_file(tmp_path: Path) -> None:
    run = run_of(tmp_path, m2=LAST, m10=LAST, beta=BETA)
    assert run.machines == ("beta", "m2_log", "m10_log")
    assert run.tick_rates_hz == {"beta": 1}
    assert per_machine(run)["tick_rate_hz"].to_list() == [1, None, None]


def test_other_files_beside_the_logs_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Machine gamma initialized with tick rate 2\n")
    (tmp_path / "graph.png").write_bytes(bytes(range(256)))
    (tmp_path / ".old_log.txt").write_text(ALPHA)
    (tmp_path / "empty_log.txt").write_text("")
    assert run_of(tmp_path, beta=BETA).machines == ("beta",)


def test_ends_of_lines_do_not_matter(tmp_path: Path, run: Run) -> None:
    logs = {"alpha": ALPHA, "beta": BETA}
    again = run_of(tmp_path, **{name: log.replace("\n", "\r\n") for name, log in logs.items()})
    assert again.damage == ()
    assert again.events.drop("run").equals(run.events.drop("run"))


@pytest.mark.parametrize(
    ("logs", "says"),
    [
        ({"beta": BETA * 2}, "beta_log.txt:11: the machine begins a second time: the logs of"),
        ({"beta": BETA, "copy": BETA}, "holds more than one log of beta: keep one"),
    ],
)
def test_what_is_not_one_run_is_refused(tmp_path: Path, logs: dict[str, str], says: str) -> None:
    with pytest.raises(InputError) as error:
        run_of(tmp_path, **logs)
    assert says in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_tick_rate_beyond_64_bits_is_damage(tmp_path: Path) -> None:
    run = run_of(tmp_path, beta=BETA.replace("tick rate 1", f"tick rate {2**63}"))
    assert run.damage == (("beta_log.txt", 1, "not a line of this format"),)
    assert per_machine(run)["tick_rate_hz"].to_list() == [None]


#: All but the lines with which a machine begins: a second one of those is refused.
lines = st.sampled_from([*ALPHA.splitlines()[1:], *BETA.splitlines()[1:], "\tstatus = 14"])
texts = st.text("0123456789:-, abcINFO²٣\t\x00", max_size=12)


@HALF
@given(line=lines, at=st.integers(0, 120), length=st.integers(0, 12), instead=texts)
def test_whatever_is_in_a_line_the_others_are_read(
    tmp_path_factory: pytest.TempPathFactory, line: str, at: int, length: int, instead: str
) -> None:
    spoilt = f"{line[:at]}{instead}{line[at + length :]}\n"
    run = run_of(tmp_path_factory.mktemp("any"), beta=BETA + spoilt + LAST)
    assert run.events["main"].to_list()[:4] == [1, 3, 4, 10]
    assert run.events["main"].to_list()[-1] == 11
    assert run.events.height in (5, 6)
    per_machine(run)
    per_run(run)


@HALF
@given(
    seed=st.integers(0, 2**32),
    machines=st.integers(2, 4),
    fifo=st.booleans(),
    loss=st.sampled_from([0, 0.3]),
)
def test_every_message_of_a_history_is_matched(
    tmp_path_factory: pytest.TempPathFactory, seed: int, machines: int, fifo: bool, loss: float
) -> None:
    world = unruly(seed, machines, acts=150, fifo=fifo, loss=loss)
    run = load(write_as_the_first_vklocks(world, tmp_path_factory.mktemp("old")))
    assert run.damage == ()
    names = ["machine", "index", "kind", "clock_lamport", "sender", "cause", "to"]
    assert run.events.select(names).rows() == [
        (m, e.index, e.kind, e.clock["lamport"], *cause, list(e.to) or None)
        for m, events in world.events.items()
        for e in events
        for cause in [(e.sender, e.cause) if e.kind == "receive" else (None, None)]
    ]
    found = evaluate(run).verdict
    assert (found.violations, found.unchecked, found.offsets) == ((), (), ())
    assert found.account
    assert found.account.inbox == sum(len(machine.inbox) for machine in world.machines.values())
    assert found.account.received == run.events.filter(kind="receive").height
    assert {*run.events["inferred"].drop_nulls()} <= {"stamp on its channel"}


def test_a_message_that_could_not_be_sent_is_one_to_an_unlogged_machine(
    tmp_path: Path,
) -> None:
    failed = (
        "2025-01-01 10:00:01,101 ERROR: Error sending message to localhost:6003: <_InactiveRpc\n"
        "\tstatus = StatusCode.UNAVAILABLE\n>\n"
    )
    sent = next(line for line in ALPHA.splitlines(keepends=True) if "6003: sent" in line)
    run = run_of(tmp_path, alpha=ALPHA.replace(sent, failed), beta=BETA)
    assert run.damage == ()
    assert run.events.filter(kind="send")["to"].to_list()[1] == ["beta", "localhost:6003"]
    account = evaluate(run).verdict.account
    assert account
    assert (account.sent, account.received, account.unlogged) == (3, 2, 1)


def test_what_its_logs_tell_is_found_out_and_said(run: Run) -> None:
    assert run.conventions == (
        "system_time has whole seconds, so times are those of the lines",
        "the queue is counted after each receive: defined by the format",
        "times have a resolution of milliseconds",
        "2 of 3 receives are matched to their sends by stamp on its channel",
        "1 of 3 receives fit no send in these logs: beta_log.txt:9",
    )
    found = evaluate(run).verdict
    # The clock of a message that alpha never sent is in the inbox, and gamma has no log.
    assert set(found.unchecked) == {
        "there is no log of gamma: 1 receive of its messages",
        "there is no log of localhost:6003: 1 message to it",
    }
    assert [violation.check for violation in found.violations] == []


def test_a_message_that_fits_no_send_is_a_violation(tmp_path: Path) -> None:
    beta = BETA.replace("from alpha: received_clock=2", "from alpha: received_clock=7")
    found = evaluate(run_of(tmp_path, alpha=ALPHA, beta=beta)).verdict
    (violation,) = found.violations
    assert (violation.check, violation.machine, violation.index) == (
        "receive_without_send",
        "beta",
        1,
    )
    assert violation.because == "received a message of alpha, which sent it none that fits"


def test_sends_that_are_dated_when_their_messages_have_left_are_no_offset(tmp_path: Path) -> None:
    early = {"alpha": ALPHA, "beta": BETA.replace("00:00,650", "00:00,590")}
    found = evaluate(run_of(tmp_path / "one way", **early)).verdict
    # Only one way: the wall clock of beta may be behind.
    (offset,) = found.offsets
    assert (offset.sender, offset.receiver, offset.least_ns) == ("alpha", "beta", 11 * MS)
    sent = "2025-01-01 10:00:03,300 INFO: Sent message to localhost:6001: sent_clock=11, x\n"
    event = (
        "2025-01-01 10:00:03,310 INFO: Broadcast sent: updated logical clock to 11, system_time=1\n"
    )
    got = "2025-01-01 10:00:03,305 INFO: Received message from beta: received_clock=11, x\n"
    taken = (
        "2025-01-01 10:00:03,400 INFO: Processed received message: updated logical clock to 12,"
        " system_time=1, queue_length=0\n"
    )
    both = {"alpha": early["alpha"] + got + taken, "beta": early["beta"] + sent + event}
    found = evaluate(run_of(tmp_path / "both ways", **both)).verdict
    assert found.offsets == ()
    assert dict(found.unknown)["clock_offset"].startswith("messages arrive up to 11 ms before")


def both_ways(directory: Path) -> tuple[Run, Run]:
    """The run as a small log is read, and as a big one is where Numba is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "COMPILE_FROM", 0)
        big = load(directory)
    return load(directory), big


def same(one: Run, other: Run) -> bool:
    frames = ("scan", "events")
    facts, others = (
        {k: v for k, v in vars(run).items() if k not in frames} for run in (one, other)
    )
    return facts == others and one.events.equals(other.events)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), ends=st.sampled_from(["\n", "\r\n"]))
def test_byte_by_byte_a_log_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, ends: str
) -> None:
    directory = tmp_path_factory.mktemp("old")
    write_as_the_first_vklocks(unruly(seed, 3, acts=60, loss=0.2), directory)
    for log in directory.iterdir():
        log.write_bytes(log.read_bytes().replace(b"\n", ends.encode()))
    assert same(*both_ways(directory))


@HALF
@given(data=st.data())
def test_byte_by_byte_whatever_is_in_a_log_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    spoilt = []
    for line in [*BETA.splitlines(), *ERROR.splitlines(), *ALPHA.splitlines()[1:]]:
        if data.draw(st.integers(0, 3)) == 0:
            at, length = data.draw(st.integers(0, 110)), data.draw(st.integers(0, 9))
            line = line[:at] + data.draw(texts) + line[at + length :]
        spoilt.append(line)
    end = data.draw(st.sampled_from(["", "\n", "\n\n", "\nx"]))
    directory = tmp_path_factory.mktemp("any")
    (directory / "beta_log.txt").write_bytes("\n".join(spoilt).encode() + end.encode())
    try:
        small, big = both_ways(directory)
    except InputError:
        return
    assert same(small, big)


#: Times on both sides of every border that a calendar and a clock have.
dates = st.builds(
    "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}".format,
    st.sampled_from([1969, 1970, 1999, 2000, 2024, 2025, 2100, 2262, 9999]),
    st.integers(0, 13),
    st.sampled_from([0, 1, 28, 29, 30, 31, 32]),
    st.sampled_from([0, 23, 24]),
    st.sampled_from([0, 59, 60]),
    st.sampled_from([0, 59, 60, 61]),
    st.integers(0, 999),
)


@HALF
@given(times=st.lists(dates, max_size=20))
def test_byte_by_byte_times_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, times: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("times")
    now = "2025-01-01 10:00:04,000"
    lines = (LAST.replace(now, time).replace("11", str(n)) for n, time in enumerate(times, 12))
    (directory / "beta_log.txt").write_text("".join([LAST, *lines]))
    assert same(*both_ways(directory))


def test_only_lines_of_another_form_are_left_to_the_expressions(tmp_path: Path) -> None:
    write_as_the_first_vklocks(unruly(3, 3, acts=200), tmp_path)
    for log in tmp_path.iterdir():
        text = log.read_bytes() + ERROR.encode() + b"torn"
        scanned = vklocks_bytes.scan(text)
        lines = text.splitlines(keepends=True)
        assert len(scanned.odd) == 6
        assert scanned.rest(text) == b"".join(lines[n] for n in scanned.odd)
