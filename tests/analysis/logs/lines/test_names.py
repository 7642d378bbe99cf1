"""The machines that names in logs stand for."""

import pytest

from analysis.logs.lines.names import Directory

VMS = ("vm1", "vm2", "vm3")
RUN3 = ("run3_0", "run3_1", "run3_2")
STATIONS = ("station-A", "station-B", "station-C")


@pytest.mark.parametrize(
    ("machines", "text", "receivers"),
    [
        (VMS, "vm2", ("vm2",)),
        (VMS, "VM2", ("vm2",)),
        (VMS, "2", ("vm2",)),
        (VMS, "machine 2", ("vm2",)),
        (VMS, "machine 2 and machine 3", ("vm2", "vm3")),
        (VMS, "vm2 and vm3", ("vm2", "vm3")),
        (VMS, "vm2 vm3", ("vm2", "vm3")),
        (VMS, "[2, 3]", ("vm2", "vm3")),
        (VMS, "['vm2', 'vm3']", ("vm2", "vm3")),
        (VMS, "2;3", ("vm2", "vm3")),
        (VMS, "2+3", ("vm2", "vm3")),
        (VMS, "both", ("vm2", "vm3")),
        (VMS, "everyone", ("vm2", "vm3")),
        (VMS, "both neighbours", ("vm2", "vm3")),
        (VMS, "none", ()),
        (VMS, "[]", ()),
        (VMS, "vm7", ("vm7",)),
        (VMS, "vm2 and vm7", ("vm2", "vm7")),
        (VMS, "5001", ("5001",)),
        (RUN3, "1", ("run3_1",)),
        (RUN3, "1 and 2", ("run3_1", "run3_2")),
        (STATIONS, "B", ("station-B",)),
        (STATIONS, "b, c", ("station-B", "station-C")),
        (("and", "or"), "and", ("and",)),
        (("vm1",), "vm2", ("vm2",)),
        (("node10", "node1", "node2"), "10", ("node10",)),
        (("1678.1_machine_0", "1678.1_machine_1"), "1", ("1678.1_machine_1",)),
    ],
)
def test_receivers_are_written_in_many_ways(
    machines: tuple[str, ...], text: str, receivers: tuple[str, ...]
) -> None:
    assert Directory(machines).receivers(machines[0], text) == receivers


def test_what_was_taken_for_which_is_noted() -> None:
    directory = Directory(STATIONS)
    assert directory.sender("station-A", "B") == "station-B"
    assert directory.notes() == ["B is taken for station-B, by its name without the common part"]


def test_aliases_come_first_and_can_belong_to_one_machine() -> None:
    aliases = {"2": ("vm3",), "1": ("?",), "x": ("*",), "vm2": {"left": ("vm1",)}}
    directory = Directory(VMS, aliases)
    assert directory.receivers("vm1", "2") == ("vm3",)
    assert directory.receivers("vm1", "1") == ()
    assert directory.receivers("vm1", "x") == ("vm2", "vm3")
    assert directory.receivers("vm2", "left") == ("vm1",)
    assert directory.receivers("vm1", "left") == ("left",)
    assert Directory((), {"run3_0": ("a",), "b": ("*",)}).own("run3_0") == "a"


def test_the_separators_can_be_given() -> None:
    directory = Directory(("a,b", "c"), separators=["/"])
    assert directory.receivers("", "a,b/c") == ("a,b", "c")
