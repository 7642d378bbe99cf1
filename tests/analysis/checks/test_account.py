"""What the account and the checks state about logs that leave things open."""

from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from analysis.evaluation import Verdict, evaluate
from analysis.logs.finding import load
from analysis.text.verdict import explain_account, print_verdict
from by_hand import receive, run_of, send

FORMAT = r"""
expression = '^(?<time>[\d.]+) (?<kind>\w+)( (to|from) (?<peer>.+?))? clock=(?<clock>\d+)$'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "format.toml").write_text(FORMAT)
    return tmp_path


def judged(folder: Path, logs: Mapping[str, str]) -> tuple[Verdict, list[str]]:
    """The verdict on logs, and the lines that are printed of it."""
    for machine, text in logs.items():
        (folder / "logs").mkdir(exist_ok=True)
        (folder / "logs" / f"{machine}.log").write_text(text)
    run = load(folder / "logs", str(folder / "format.toml"))
    found, out = evaluate(run).verdict, StringIO()
    print_verdict(run, found, Console(file=out, width=200))
    return found, [line.strip() for line in out.getvalue().splitlines()]


def test_sends_that_name_no_receiver_are_no_part_of_the_equation(folder: Path) -> None:
    logs = {
        "m1": "1 send clock=1\n2 send clock=2\n3 send clock=3\n",
        "m2": "1 internal clock=1\n1.5 receive clock=2\n",
        "m3": "1 receive clock=2\n",
    }
    found, lines = judged(folder, logs)
    assert found.account
    assert (found.account.sent, found.account.received) == (0, 0)
    assert (found.account.unnamed_sends, found.account.unnamed_received) == (3, 2)
    assert "3 sends to receivers that no log names; 2 received, of which 2 are matched" in lines


def test_a_receive_that_is_open_is_still_a_receive(folder: Path) -> None:
    logs = {
        "m1": "1 send to m2 clock=1\n2 send to m2 clock=2\n",
        "m2": "".join(f"{n} internal clock={n}\n" for n in (1, 2, 3))
        + "4 receive clock=4\n5 receive clock=5\n",
    }
    found, lines = judged(folder, logs)
    # Whichever message each receive is of, the clocks are right.
    assert found.state == "holds"
    assert found.account
    assert (found.account.sent, found.account.open, found.account.undelivered) == (2, 2, 0)
    assert found.account.unmatched_receives == 0
    equation = "2 messages sent = 2 received (of 2 of them the send is open)"
    assert equation in lines


def test_of_more_messages_than_open_receives_the_rest_is_undelivered(folder: Path) -> None:
    logs = {
        "m1": "".join(f"{n} send to m2 clock={n}\n" for n in (1, 2, 3)),
        "m2": "".join(f"{n} internal clock={n}\n" for n in (1, 2, 3, 4)) + "5 receive clock=5\n",
    }
    found, _ = judged(folder, logs)
    assert found.account
    assert (found.account.sent, found.account.open, found.account.undelivered) == (3, 1, 2)


def test_what_was_looked_at_in_no_case_does_not_hold(folder: Path) -> None:
    logs = {
        "m0": "10.0 internal clock=1\n11.0 internal clock=2\n",
        "m1": "10.2 receive from m7 clock=9\n11.2 receive from m8 clock=20\n",
    }
    found, lines = judged(folder, logs)
    assert found.state == "inconclusive"
    assert set(found.holding) == {"time_runs_back"}
    assert "time_runs_back: holds (4 of 4 events)" in lines
    for check in ("clock_rule", "clock_condition", "receive_without_send"):
        assert f"not checked: {check} (0 of 2 receives)" in lines
    assert "2 receives without a known send" in lines
    for machine in ("m7", "m8"):
        reason = f"there is no log of {machine}: 1 receive of its messages"
        assert f"could not be checked: {reason}" in lines
    # Which events are concurrent is not known.
    assert found.claims == ()


def test_nothing_is_matched_by_clock_values_where_a_log_is_missing(folder: Path) -> None:
    logs = {
        "a": "6 internal clock=1\n7 internal clock=2\n8 internal clock=3\n9.5 internal clock=4\n"
        "10.0 send clock=5\n",
        "b": "8.0 internal clock=1\n8.5 internal clock=2\n9.0 receive clock=6\n"
        "9.5 internal clock=7\n9.6 receive clock=20\n",
    }
    found, _ = judged(folder, logs)
    assert found.state == "inconclusive"
    assert set(found.unchecked) == {
        "1 receive without a send in these logs: a log is missing",
        "1 receive with several possible sends, left open",
    }
    assert found.account
    assert (found.account.received, found.account.unnamed_received) == (0, 0)


def test_messages_to_a_machine_without_a_log_are_a_term_and_a_reason(folder: Path) -> None:
    logs = {
        "a": "10.0 send to b clock=1\n10.5 send to c clock=2\n",
        "b": "10.2 receive from a clock=2\n",
    }
    found, lines = judged(folder, logs)
    assert found.account
    assert (found.account.unlogged, found.account.undelivered) == (1, 0)
    assert "2 messages sent = 1 received + 1 sent to machines without a log" in lines
    assert found.unchecked == ("there is no log of c: 1 message to it",)


def test_the_account_of_any_of_these_is_one_line(folder: Path) -> None:
    found, _ = judged(folder, {"a": "10.0 internal clock=1\n"})
    assert found.account
    assert explain_account(found.account) == "0 messages sent = 0 received"


def test_second_copies_are_no_further_messages(tmp_path: Path) -> None:
    twice = replace(send(1, 1, "b"), duplicated=("b",))
    received = [receive(at_ns, at_ns + 1, "a", 0) for at_ns in (5, 6)]
    faults = [{"kind": "duplication", "probability": 1}]
    run = run_of(tmp_path, {"a": [twice], "b": received}, faults=faults)
    found = evaluate(run).verdict
    assert found.account
    assert explain_account(found.account) == "1 message sent + 1 duplicate = 2 received"
