"""Choices between readings: formats that claim logs, names of machines, and stamps."""

from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load, source_of
from analysis.logs.importers import delimited
from analysis.logs.own import knows
from analysis.logs.recognition.evidence.claims import UNREADABLE, doubts
from analysis.logs.recognition.evidence.score import Seen, score
from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.mined.mining import mine
from analysis.logs.recognition.mined.records import records
from analysis.logs.recognition.names import Naming
from analysis.logs.recognition.owners import own_slots
from analysis.logs.recognition.sample import Sample

#: Events of three machines: kind, clock, and receivers by number, or the sender of a message.
EVENTS: dict[int, tuple[tuple[str, int, tuple[int, ...]], ...]] = {
    1: (
        ("send", 1, (2,)),
        ("internal", 2, ()),
        ("receive", 4, (2,)),
        ("send", 5, (3,)),
        ("receive", 9, (3,)),
        ("internal", 10, ()),
        ("send", 11, (2,)),
        ("receive", 17, (2,)),
        ("send", 18, (3,)),
        ("receive", 23, (3,)),
    ),
    2: (
        ("receive", 2, (1,)),
        ("send", 3, (1,)),
        ("send", 4, (3,)),
        ("internal", 5, ()),
        ("receive", 12, (1,)),
        ("internal", 13, ()),
        ("internal", 14, ()),
        ("internal", 15, ()),
        ("send", 16, (1,)),
        ("send", 17, (3,)),
    ),
    3: (
        ("internal", 1, ()),
        ("receive", 5, (2,)),
        ("internal", 6, ()),
        ("receive", 7, (1,)),
        ("send", 8, (1,)),
        ("receive", 18, (2,)),
        ("receive", 19, (1,)),
        ("internal", 20, ()),
        ("internal", 21, ()),
        ("send", 22, (1,)),
    ),
}


def write(folder: Path, lines: dict[int, list[str]], name: str = "log{}.csv") -> Path:
    folder.mkdir()
    for machine, some in lines.items():
        (folder / name.format(machine)).write_text("\n".join(some) + "\n")
    return folder


def table(peer: str, *, of_places: bool) -> dict[int, list[str]]:
    """Return the events as tables; receivers are numbers of machines, or places among the others.

    Each event has a time of its own.
    """
    return {
        machine: [
            f"time,clock,kind,{peer}",
            *(
                f"{at / 10:.1f},{clock},{kind},{_listed(machine, kind, peers, of_places)}"
                for at, (kind, clock, peers) in enumerate(some)
            ),
        ]
        for machine, some in EVENTS.items()
    }


def _listed(machine: int, kind: str, peers: tuple[int, ...], of_places: bool) -> str:
    others = [one for one in EVENTS if one != machine]
    some = peers if kind == "send" else ()
    return " and ".join(str(others.index(one) if of_places else one) for one in some)


def accounted(run: Run) -> tuple[int, int, tuple[object, ...]]:
    verdict = evaluate(run).verdict
    account = verdict.account
    assert account
    return account.sent, account.received, verdict.violations


def test_receivers_without_a_log_make_a_claim_doubtful(tmp_path: Path) -> None:
    """Places among the others, 0 and 1, are no names of the machines 10, 20 and 30."""
    folder = write(tmp_path / "lab", table("to", of_places=True), "{}0.csv")
    assert doubts(delimited, folder, sorted(folder.iterdir())) > 0
    named = write(tmp_path / "named", table("to", of_places=False), "{}.csv")
    assert doubts(delimited, named, sorted(named.iterdir())) == 0


def test_logs_without_an_event_cannot_be_claimed(tmp_path: Path) -> None:
    folder = write(tmp_path / "lab", {1: ["time,clock,kind", "0,1,wug"]})
    assert doubts(delimited, folder, sorted(folder.iterdir())) == UNREADABLE


def test_a_claim_that_explains_everything_stays(tmp_path: Path) -> None:
    folder = write(tmp_path / "lab", table("receivers", of_places=False), "{}.csv")
    run = load(folder)
    assert run.format == "delimited"
    assert accounted(run) == (10, 10, ())


def test_objects_that_begin_with_a_kind_are_no_logs_of_ours() -> None:
    assert knows('{"kind":"start","format":2}\n')
    assert knows('{"kind":"restrat"}\n{"kind":"internal","index":0,"tick":1,"due_ns":3}\n')
    assert not knows('{"kind": "send", "clock": 3, "to": ["B"]}\n')


@pytest.mark.parametrize("me", ["host {}", "({})", "VM n{}.local"])
def test_a_name_of_the_own_machine_is_no_peer_whatever_is_around_it(
    tmp_path: Path, me: str
) -> None:
    """The words before it differ from line to line."""
    lines = {
        machine: [
            f"{kind}; {me.format(machine)}; LC={clock}; at 0.{at}"
            for at, (kind, clock, _) in enumerate(some)
        ]
        for machine, some in EVENTS.items()
    }
    run = load(write(tmp_path / "lab", lines, "n{}.local.log"))
    kinds = run.events.sort("file", "line")["kind"].to_list()
    assert kinds == [kind for some in EVENTS.values() for kind, *_ in some]
    assert not evaluate(run).verdict.violations


def test_the_only_peer_of_two_machines_is_no_name_of_their_own() -> None:
    lines = [f"{kind} P{{}} clock={n}" for n, kind in enumerate(["send to", "receive from"] * 9)]
    files = {f"P{own}.log": [line.format(3 - own) for line in lines] for own in (1, 2)}
    mined = mine({file: list(enumerate(some, 1)) for file, some in files.items()}, ())
    assert own_slots(Sample(mined)) == {}
    own = {f"P{3 - int(file[1])}.log": some for file, some in files.items()}
    mined = mine({file: list(enumerate(some, 1)) for file, some in own.items()}, ())
    assert own_slots(Sample(mined)) == {0: 0, 1: 0}


def test_files_called_by_single_letters_are_all_logs(tmp_path: Path) -> None:
    """output.C is no program beside output.A and output.B."""
    lines = {
        "ABC"[machine - 1]: [
            f"{kind} clock={clock} at 0.{at}" for at, (kind, clock, _) in enumerate(some)
        ]
        for machine, some in EVENTS.items()
    }
    folder = tmp_path / "lab"
    folder.mkdir()
    for name, some in lines.items():
        (folder / f"output.{name}").write_text("\n".join(some) + "\n")
    assert {file.name for file in source_of(folder).files} == {"output.A", "output.B", "output.C"}


def test_a_logged_stamp_speaks_for_the_clock_after_the_receive() -> None:
    sends = [Seen("send", clock) for clock in (1, 2, 9)]
    receives = [Seen("receive", stamp + 1, stamp=stamp) for stamp in (1, 2, 9)]
    after, before = (score({"A": sends, "B": receives}, way) for way in ("after", "before"))
    assert after.total > before.total


def test_a_machine_without_a_log_may_send_what_is_received() -> None:
    known = [Seen("send", 1, ("B",)), Seen("send", 2, ("B",)), Seen("send", 3, ("B",))]
    received = [Seen("receive", clock) for clock in (2, 7, 12, 19, 30)]
    one = [*known, Seen("send", 4, ("Z",))]
    assert score({"A": known, "B": received}, "after").excess == 2
    assert score({"A": one, "B": received}, "after").excess == 0


def test_steps_around_a_ring_are_fewer_than_its_machines() -> None:
    machines = ("1", "2", "3")
    assert Naming("ring", 0).machine("1", "2", machines) == ("1",)
    assert Naming("ring", 51031).machine("51977", "2", machines) == ()


def test_numbers_that_are_shifted_are_no_names() -> None:
    assert Naming("name", -1).cost == Naming("name", 7000).cost > Naming("name").cost == 0


def test_a_line_between_two_trials_is_part_of_no_record() -> None:
    record = ["kind: send", "clock: 1", "to: 2"]
    lines = [*record, *record, *record, "--- run 2 ---", *record]
    found = [text for _, text in records(list(enumerate(lines, 1)), "kind")]
    assert found == ["\n".join(record)] * 4


def test_accents_do_not_count() -> None:
    assert kinds_of(["envío"]) == kinds_of(["envio"]) == ["send"]
    assert kinds_of(["recepción"]) == ["receive"]
