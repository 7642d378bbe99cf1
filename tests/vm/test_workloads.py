from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.workloads import WORKLOADS, Workload

PEERS = ("vm2", "vm3", "vm4")
every_workload = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)


@every_workload
def test_idle_ticks_come_as_often_as_their_weights_say(workload: Workload) -> None:
    random = Random("fixed")
    drawn = Counter(len(workload.receivers(PEERS, random)) for _ in range(10_000))
    total = workload.one + workload.all + workload.internal
    expected = {1: workload.one, 3: workload.all, 0: workload.internal}
    for receivers, weight in expected.items():
        # Three standard deviations of a binomial are at most 150.
        assert abs(drawn[receivers] - 10_000 * weight / total) < 150


@every_workload
def test_the_one_peer_is_chosen_uniformly(workload: Workload) -> None:
    random = Random("fixed")
    ticks = [workload.receivers(PEERS, random) for _ in range(20_000)]
    drawn = Counter(to[0] for to in ticks if len(to) == 1)
    assert set(drawn) == set(PEERS)
    assert max(drawn.values()) < 1.1 * min(drawn.values())


@every_workload
def test_alone_there_is_nobody_to_send_to(workload: Workload) -> None:
    assert {workload.receivers((), Random(n)) for n in range(100)} == {()}


@given(
    workload=st.builds(Workload, *[st.integers(0, 5)] * 2, internal=st.integers(1, 5)),
    peers=st.lists(st.text(), unique=True, max_size=4),
    seed=st.integers(),
)
def test_receivers_are_one_peer_or_all_or_none(
    workload: Workload, peers: list[str], seed: int
) -> None:
    to = workload.receivers(peers, Random(seed))
    assert to == () or to == tuple(peers) or (len(to) == 1 and to[0] in peers)


def test_a_weight_of_nothing_never_happens() -> None:
    random = Random(1)
    only_all = Workload(one=0, all=1, internal=0)
    assert {only_all.receivers(PEERS, random) for _ in range(100)} == {PEERS}
    never_all = Workload(one=1, all=0, internal=1)
    assert {len(never_all.receivers(PEERS, random)) for _ in range(100)} == {0, 1}


def test_the_assignments_dice() -> None:
    """1 or 2 of ten: one peer; 3: all; the others internal. Tight: 1-3 one, 4-6 all."""
    assert WORKLOADS["assignment"] == Workload(one=2, all=1, internal=7)
    assert WORKLOADS["tight"] == Workload(one=3, all=3, internal=4)


def test_the_draws_of_a_seed_stay_what_they_are() -> None:
    random = Random("7/vm1/workload")
    lengths = [len(WORKLOADS["tight"].receivers(PEERS, random)) for _ in range(20)]
    assert lengths == [1, 0, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0, 1, 0]
