"""What a machine that comes back reads in its own log, and what it makes of a spoilt one."""

from dataclasses import replace
from pathlib import Path

import pytest

from loopback import settings_of
from vm.host.recovery import read_past
from vm.host.settings import HostError, Settings
from vm.host.startup import Agreement
from vm.host.wire.frames import Membership
from vm.log import encode
from vm.machine import fresh_machine
from vm.records import Recovery, Start, Stop, WallOffset
from vm.spec import Spec

SPEC = Spec(machines=("vm1", "vm2"), duration_s=5, seed=4).resolved()
EPOCH_UNIX_NS = 1_700_000_000_000_000_000
START = Start("vm1", "test", EPOCH_UNIX_NS, SPEC.resolved())
MACHINE = fresh_machine(SPEC, "vm1")
EVENTS = tuple(MACHINE.tick(n, n * 1000, n * 1000 + 5)[0] for n in range(4))
LINES = [encode(START), *map(encode, EVENTS[:2]), encode(Recovery(1500, 2)), encode(EVENTS[2])]


def settings(folder: Path, *lines: str, end: str = "\n") -> Settings:
    """vm1's settings, and its log."""
    (folder / "vm1.jsonl").write_text("\n".join(lines) + end)
    return settings_of(SPEC, folder)[0]


def test_a_log_says_where_its_machine_was(tmp_path: Path) -> None:
    past = read_past(settings(tmp_path, *LINES))
    assert past is not None
    assert past.events == EVENTS[:3]
    assert past.agreement.spec.tick_rates_hz == SPEC.tick_rates_hz
    assert past.agreement.epoch_unix_ns == EPOCH_UNIX_NS
    assert past.agreement.membership.machines == SPEC.machines
    assert not past.has_ended


def test_the_agreement_is_that_of_the_start_whatever_the_clock_here(tmp_path: Path) -> None:
    offsets = {"vm1": WallOffset(0, 0), "vm2": WallOffset(3 * 10**9, 200)}
    agreed = Agreement(Membership("test", "vm1", SPEC.machines, SPEC.clocks), SPEC, 10**18, offsets)
    for me, here in zip(SPEC.machines, settings_of(SPEC, tmp_path), strict=True):
        mine = replace(agreed, membership=replace(agreed.membership, me=me))
        start = Start(me, "test", mine.my_epoch_unix_ns, SPEC, wall_offsets=offsets)
        (tmp_path / f"{me}.jsonl").write_text(encode(start) + "\n")
        past = read_past(here)
        assert past is not None
        assert past.agreement == mine
        assert past.agreement.frame == agreed.frame
    assert mine.my_epoch_unix_ns == 10**18 + 3 * 10**9


@pytest.mark.parametrize("length", [1, 40, len(encode(EVENTS[3]))])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, length: int) -> None:
    """The last one lacks nothing but its end."""
    told = settings(tmp_path, *LINES, encode(EVENTS[3])[:length], end="")
    past = read_past(told)
    assert past is not None
    assert past.events == EVENTS[:3]
    assert (tmp_path / "vm1.jsonl").read_text() == "\n".join(LINES) + "\n"


def test_a_machine_that_has_ended_has_nothing_left_to_do(tmp_path: Path) -> None:
    stop = encode(Stop("finished", 3, 0, 0, (), ()))
    past = read_past(settings(tmp_path, *LINES, stop))
    assert past is not None
    assert past.has_ended


NOTHING: dict[str, list[str]] = {
    "empty": [],
    "torn at once": [LINES[0][:30]],
    "another run": [encode(replace(START, run="other")), *LINES[1:]],
    "another machine": [encode(replace(START, machine="vm2")), *LINES[1:]],
    "no start": LINES[1:],
    "something else": ["lorem", "ipsum"],
}


@pytest.mark.parametrize("lines", NOTHING.values(), ids=list(NOTHING))
def test_nothing_of_this_run_is_no_past(tmp_path: Path, lines: list[str]) -> None:
    end = "" if lines == NOTHING["torn at once"] else "\n"
    assert read_past(settings(tmp_path, *lines, end=end)) is None


def test_no_log_is_no_past(tmp_path: Path) -> None:
    assert read_past(settings_of(SPEC, tmp_path)[0]) is None


def test_a_spoilt_line_is_named(tmp_path: Path) -> None:
    told = settings(tmp_path, *LINES[:2], LINES[2][:-5], *LINES[3:])
    with pytest.raises(HostError, match=r"--recover: .*vm1\.jsonl:3: not JSON"):
        read_past(told)


@pytest.mark.parametrize(
    ("field", "value"),
    [("duration_s", 6), ("clocks", ("vector",)), ("fifo", False), ("machines", ("vm1", "vm3"))],
)
def test_another_spec_under_the_same_name_is_refused(
    tmp_path: Path, field: str, value: object
) -> None:
    told = settings(tmp_path, *LINES)
    with pytest.raises(HostError, match=f"--recover: {field} was .* by the log, but is"):
        read_past(replace(told, spec=replace(told.spec, **{field: value})))


def test_another_seed_is_refused_and_none_is_taken_from_the_log(tmp_path: Path) -> None:
    told = settings(tmp_path, *LINES)
    with pytest.raises(HostError, match="--recover: seed was 4 by the log, but is 5 now"):
        read_past(replace(told, seed=5))
    past = read_past(replace(told, seed=None))
    assert past is not None
    assert past.agreement.spec.seed == 4


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"fifo":true', '"fifo":1', "spec.fifo: 1 is neither true nor false"),
        ('"format":2', '"format":1', "format 1: vklocks 0.1 reads such logs"),
    ],
)
def test_a_start_record_that_cannot_be_used_is_refused_and_kept(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    given = settings(tmp_path, LINES[0].replace(old, new), *LINES[1:])
    with pytest.raises(HostError, match=f"--recover: the log's first line: {says}"):
        read_past(given)
    assert (tmp_path / "vm1.jsonl").read_text().count("\n") == len(LINES)
