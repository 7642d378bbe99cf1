from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.backends.docker.bridges import address, bridges, segments
from vm.faults import Partition

MACHINES = tuple(f"vm{n}" for n in range(1, 7))


def partition(*groups: tuple[str, ...]) -> Partition:
    return Partition(at_ns=0, until_ns=1, groups=groups)


@st.composite
def partitions(draw: st.DrawFn) -> list[Partition]:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        sides = [draw(st.integers(0, 2)) for _ in MACHINES]
        groups = (
            tuple(m for m, s in zip(MACHINES, sides, strict=True) if s == n) for n in range(3)
        )
        found.append(partition(*filter(None, groups)))
    return found


@given(cuts=partitions())
def test_a_name_leads_over_exactly_one_network(cuts: list[Partition]) -> None:
    networks = bridges(MACHINES, cuts)
    for machine, peer in permutations(MACHINES, 2):
        name = address(networks, machine, peer)
        (bridge,) = (
            w for w in networks if machine in w.machines and name in map(w.name_of, w.machines)
        )
        for cut in cuts:
            assert bridge.is_cut_by(cut) == cut.separates(machine, peer)


@given(cuts=partitions(), data=st.data())
def test_pulled_plugs_separate_whom_the_partitions_separate_and_nobody_else(
    cuts: list[Partition], data: st.DataObject
) -> None:
    active = [cut for cut in cuts if data.draw(st.booleans())]
    networks = bridges(MACHINES, cuts)
    plugged = {
        w: {m for m in w.machines if not (any(map(w.is_cut_by, active)) and m in w.unplugged)}
        for w in networks
    }
    for one, other in combinations(MACHINES, 2):
        separated = any(cut.separates(one, other) for cut in active)
        assert any({one, other} <= members for members in plugged.values()) != separated


def test_a_run_without_partitions_has_one_network() -> None:
    (bridge,) = bridges(MACHINES, [])
    assert bridge.machines == MACHINES
    assert address([bridge], "vm1", "vm2") == "vm2"
    (alone,) = bridges(("vm1",), [])
    assert alone.machines == ("vm1",)


def test_one_machine_cut_off_takes_only_its_own_plug_out() -> None:
    cut = partition(("vm1",), ("vm2", "vm3"))
    assert segments(("vm1", "vm2", "vm3"), [cut]) == (("vm1",), ("vm2", "vm3"))
    own, between = bridges(("vm1", "vm2", "vm3"), [cut])
    assert own.machines == ("vm2", "vm3")
    assert not own.is_cut_by(cut)
    assert between.machines == ("vm1", "vm2", "vm3")
    assert between.is_cut_by(cut)
    assert between.unplugged == ("vm1",)
