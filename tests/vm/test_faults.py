"""How faults are read: what they become inside, and what is refused."""

import json
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given

from specs import specs
from vm.faults import (
    FAULTS,
    Crash,
    Delay,
    Duplication,
    Fault,
    Loss,
    Partition,
    Pause,
    Restart,
)
from vm.schedule import SECOND_NS
from vm.spec import Spec, SpecError

ALL = ("vm1", "vm2", "vm3")
END_NS = 60 * SECOND_NS


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"kind": "loss", "probability": 0.1}, Loss(0, END_NS, ALL, ALL, 0.1)),
        (
            {"kind": "loss", "probability": 1, "at_s": 5, "senders": ["vm2"], "receivers": ["vm1"]},
            Loss(5 * SECOND_NS, END_NS, ("vm2",), ("vm1",), 1),
        ),
        (
            {"kind": "duplication", "probability": 0.5, "until_s": 0.25},
            Duplication(0, SECOND_NS // 4, ALL, ALL, 0.5),
        ),
        (
            {"kind": "delay", "extra_s": 0.01, "jitter_s": 0.3},
            Delay(0, END_NS, ALL, ALL, 10_000_000, 300_000_000),
        ),
        ({"kind": "delay"}, Delay(0, END_NS, ALL, ALL, 0, 0)),
        (
            {"kind": "partition", "groups": [["vm2"]], "at_s": 1, "until_s": 2},
            Partition(SECOND_NS, 2 * SECOND_NS, (("vm2",), ("vm1", "vm3"))),
        ),
        (
            {"kind": "partition", "groups": [["vm1"], ["vm3", "vm2"]]},
            Partition(0, END_NS, (("vm1",), ("vm3", "vm2"))),
        ),
        ({"kind": "pause", "machine": "vm1", "at_s": 59}, Pause(59 * SECOND_NS, END_NS, "vm1")),
        ({"kind": "crash", "machine": "vm1", "at_s": 3}, Crash(3 * SECOND_NS, "vm1")),
        (
            {"kind": "restart", "machine": "vm1", "at_s": 3, "until_s": 4.5},
            Restart(3 * SECOND_NS, 4_500_000_000, "vm1"),
        ),
    ],
)
def test_a_table_is_read_as_the_fault_of_its_kind(table: dict[str, Any], fault: Fault) -> None:
    assert Spec.parse({"faults": [table]}).faults == (fault,)


@given(spec=specs())
def test_faults_and_latency_survive_json(spec: Spec) -> None:
    assert Spec.parse(json.loads(json.dumps(spec.plain()))) == spec


LOSS = {"kind": "loss", "probability": 0.5}
PAUSE = {"kind": "pause", "machine": "vm1", "at_s": 10, "until_s": 20}
CRASH = {"kind": "crash", "machine": "vm1", "at_s": 30}


@pytest.mark.parametrize(
    ("faults", "field", "says"),
    [
        ({}, "faults", "is not a list of tables"),
        (["loss"], "faults.0", "'loss' is not a table, as in {kind = 'loss'}"),
        ([{}], "faults.0.kind", "it is not there"),
        ([{"kind": []}], "faults.0.kind", "there is no []"),
        ([LOSS, {"kind": "los"}], "faults.1.kind", "there is no 'los'; did you mean loss?"),
        (
            [LOSS | {"probabilty": 1}],
            "faults.0.probabilty",
            "loss has no such field; did you mean probability?",
        ),
        ([LOSS | {"machine": "vm1"}], "faults.0.machine", "loss has no such field; there are at_s"),
        ([{"kind": "loss"}], "faults.0.probability", "loss needs it, and it is not there"),
        ([LOSS | {"probability": 0}], "faults.0.probability", "0 is not more than 0 and at most 1"),
        ([LOSS | {"probability": 1.1}], "faults.0.probability", "1.1 is not more than 0"),
        ([LOSS | {"probability": nan}], "faults.0.probability", "nan is not more than 0"),
        ([LOSS | {"probability": True}], "faults.0.probability", "True is not a number"),
        ([LOSS | {"senders": ["vm9"]}], "faults.0.senders", "there is no machine 'vm9'; did you"),
        ([LOSS | {"receivers": "vm1"}], "faults.0.receivers", "'vm1' is not a list of names"),
        ([LOSS | {"receivers": []}], "faults.0.receivers", "at least one machine is needed"),
        ([LOSS | {"at_s": -1}], "faults.0.at_s", "-1 s is outside 0..86400"),
        ([LOSS | {"at_s": inf}], "faults.0.at_s", "inf s is outside 0..86400"),
        ([LOSS | {"at_s": "5"}], "faults.0.at_s", "'5' is not a number of seconds"),
        ([LOSS | {"at_s": 60}], "faults.0.at_s", "60 s is not within the run of 60 s"),
        ([LOSS | {"until_s": 60.5}], "faults.0.until_s", "60.5 s is not within the run of 60 s"),
        (
            [LOSS | {"at_s": 5, "until_s": 5}],
            "faults.0.until_s",
            "it must be after at_s, which is 5",
        ),
        ([{"kind": "partition"}], "faults.0.groups", "partition needs it"),
        ([{"kind": "partition", "groups": []}], "faults.0.groups", "[] is not a list of groups"),
        ([{"kind": "partition", "groups": ["vm1"]}], "faults.0.groups", "'vm1' is not a list of"),
        ([{"kind": "partition", "groups": [["vm1"], []]}], "faults.0.groups", "without machines"),
        (
            [{"kind": "partition", "groups": [["vm1"], ["vm2", "vm1"]]}],
            "faults.0.groups",
            "'vm1' is there more than once",
        ),
        ([{"kind": "partition", "groups": [list(ALL)]}], "faults.0.groups", "separates nobody"),
        ([{"kind": "partition", "groups": [["vm7"]]}], "faults.0.groups", "no machine 'vm7'"),
        ([{"kind": "pause", "machine": 3}], "faults.0.machine", "3 is not a machine's name"),
        ([{"kind": "pause", "machine": "vm4"}], "faults.0.machine", "there is no machine 'vm4'"),
        ([CRASH | {"until_s": 40}], "faults.0.until_s", "crash has no such field"),
        ([PAUSE | {"kind": "restart", "until_s": 60}], "faults.0.until_s", "60 s is not within"),
        (
            [{"kind": "restart", "machine": "vm1", "at_s": 3}],
            "faults.0.until_s",
            "restart needs it",
        ),
        (
            [PAUSE, PAUSE | {"at_s": 19, "until_s": 25}],
            "faults.1.at_s",
            "vm1 is down at that time already",
        ),
        (
            [PAUSE, PAUSE | {"kind": "restart", "at_s": 5, "until_s": 11}],
            "faults.1.at_s",
            "vm1 is down",
        ),
        ([CRASH, PAUSE | {"until_s": 31}], "faults.1.at_s", "vm1 is down at that time already"),
        ([CRASH, CRASH | {"at_s": 40}], "faults.1.at_s", "nothing can follow the crash of vm1"),
        ([PAUSE | {"at_s": 40, "until_s": 50}, CRASH], "faults.1.at_s", "nothing can follow"),
    ],
)
def test_an_impossible_fault_is_refused_and_named(faults: Any, field: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({"faults": faults})
    assert error.value.field == field
    assert says in error.value.problem


def test_what_touches_does_not_overlap_and_other_machines_are_other_machines() -> None:
    tables = [PAUSE, PAUSE | {"at_s": 20, "until_s": 30}, CRASH, CRASH | {"machine": "vm2"}]
    assert len(Spec.parse({"faults": tables}).faults) == 4


def test_every_kind_is_written_as_it_is_read() -> None:
    assert list(FAULTS) == [
        "loss",
        "duplication",
        "delay",
        "partition",
        "pause",
        "crash",
        "restart",
    ]


def test_a_partition_separates_its_groups_and_nobody_else() -> None:
    cut = Partition(0, 1, (("vm1", "vm2"), ("vm3",)))
    assert cut.separates("vm1", "vm3")
    assert cut.separates("vm3", "vm2")
    assert not cut.separates("vm1", "vm2")
