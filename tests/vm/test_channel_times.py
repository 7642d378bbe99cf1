"""When messages arrive: latency, every fault of a channel, and the order that it keeps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import specs
from vm.channel import Channel
from vm.faults import Delay, Duplication, Loss, Partition
from vm.latency import AS_IT_IS, Constant, Latency, in_virtual_time
from vm.schedule import SECOND_NS
from vm.spec import Spec

MS = 1_000_000
TWO_MS = Constant(2 * MS)


def channel(latency: Latency = TWO_MS, **fields: Any) -> Channel:
    return Channel(Spec.parse({"seed": 7, **fields}), "vm1", "vm2", latency)


def fault(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}


@st.composite
def journeys(draw: st.DrawFn) -> tuple[Spec, str, str, list[int]]:
    """A spec, one of its channels, and the instants of sends on it."""
    spec = draw(specs(kinds=frozenset({"loss", "duplication", "delay", "partition"})))
    sender, receiver = (draw(st.sampled_from(spec.machines)) for _ in range(2))
    sends_ns = draw(st.lists(st.integers(0, spec.duration_ns), max_size=30))
    return spec, sender, receiver, sorted(sends_ns)


@given(journey=journeys())
def test_what_every_copy_obeys(journey: tuple[Spec, str, str, list[int]]) -> None:
    spec, sender, receiver, sends_ns = journey
    latency = in_virtual_time(spec.latency)
    carrying = Channel(spec, sender, receiver, latency)
    copies = [carrying.copies(at_ns) for at_ns in sends_ns]
    least_ns, most_ns = latency.quantile_ns(0), latency.quantile_ns(1 - 2**-53)
    befalling = [
        f
        for f in spec.faults
        if isinstance(f, Loss | Duplication | Delay)
        and sender in f.senders
        and receiver in f.receivers
    ]
    cuts = [f for f in spec.faults if isinstance(f, Partition) and f.separates(sender, receiver)]
    for at_ns, of_one in zip(sends_ns, copies, strict=True):
        active = [f for f in befalling if f.at_ns <= at_ns < f.until_ns]
        losses = [f.probability for f in active if isinstance(f, Loss)]
        duplications = [f.probability for f in active if isinstance(f, Duplication)]
        assert of_one or losses
        assert not of_one or 1 not in losses
        assert len(of_one) < 2 or duplications
        assert len(of_one) != 1 or 1 not in duplications
        for copy in of_one:
            extra_ns = sum(f.extra_ns for f in active if isinstance(f, Delay))
            assert at_ns + extra_ns <= copy.leaves_ns <= copy.arrives_ns - least_ns
            assert not any(cut.at_ns <= copy.arrives_ns < cut.until_ns for cut in cuts)
            if not cuts and not any(isinstance(f, Delay) for f in befalling) and not spec.fifo:
                assert copy.leaves_ns == at_ns
                assert copy.arrives_ns <= at_ns + most_ns
    if spec.fifo:
        in_order = [copy for of_one in copies for copy in of_one]
        assert in_order == sorted(in_order)
        assert [c.arrives_ns for c in in_order] == sorted(c.arrives_ns for c in in_order)


@given(journey=journeys())
def test_carry_tells_when_the_copies_arrive(journey: tuple[Spec, str, str, list[int]]) -> None:
    spec, sender, receiver, sends_ns = journey
    one, other = (Channel(spec, sender, receiver, in_virtual_time(spec.latency)) for _ in range(2))
    for at_ns in sends_ns:
        assert one.carry(at_ns) == tuple(copy.arrives_ns for copy in other.copies(at_ns))


@given(journey=journeys(), partitions=st.booleans())
def test_loss_and_duplication_are_the_same_on_every_network(
    journey: tuple[Spec, str, str, list[int]], partitions: bool
) -> None:
    """So that a run in containers loses what its simulation loses, and can be recovered."""
    spec, sender, receiver, sends_ns = journey
    simulated = Channel(spec, sender, receiver, in_virtual_time(spec.latency))
    real = Channel(spec, sender, receiver, AS_IT_IS, partitions=partitions)
    for at_ns in sends_ns:
        assert len(simulated.carry(at_ns)) == len(real.carry(at_ns))


def test_a_channel_as_it_is_adds_nothing() -> None:
    assert [channel(AS_IT_IS).carry(at_ns) for at_ns in (0, 5, 5)] == [(0,), (5,), (5,)]


def test_a_message_that_is_lost_has_no_copy() -> None:
    lossy = channel(faults=[fault("loss", probability=1, at_s=1, until_s=2)])
    at_ns = [SECOND_NS - 1, SECOND_NS, 2 * SECOND_NS - 1, 2 * SECOND_NS]
    assert [len(lossy.carry(ns)) for ns in at_ns] == [1, 0, 0, 1]


def test_a_message_that_is_duplicated_has_two() -> None:
    twice = channel(faults=[fault("duplication", probability=1, at_s=1)])
    assert twice.carry(0) == (2 * MS,)
    assert twice.carry(SECOND_NS) == (SECOND_NS + 2 * MS,) * 2


@pytest.mark.parametrize("kind", ["loss", "duplication"])
def test_faults_strike_as_often_as_their_probability_says(kind: str) -> None:
    struck = channel(faults=[fault(kind, probability=0.3)])
    copies = [len(struck.carry(at_ns)) for at_ns in range(10_000)]
    # Three standard deviations are 137.
    assert abs(copies.count(0 if kind == "loss" else 2) - 3000) < 137


@pytest.mark.parametrize("kind", ["loss", "duplication"])
def test_a_fault_befalls_those_whom_it_names(kind: str) -> None:
    spec = Spec.parse(
        {"faults": [fault(kind, probability=1, senders=["vm1"], receivers=["vm2", "vm3"])]}
    )
    struck = {
        (sender, receiver)
        for sender in spec.machines
        for receiver in spec.machines
        if len(Channel(spec, sender, receiver, AS_IT_IS).carry(0)) != 1
    }
    assert struck == {("vm1", "vm2"), ("vm1", "vm3")}


def test_a_delay_holds_what_is_sent_while_it_is_active() -> None:
    slow = channel(fifo=False, faults=[fault("delay", extra_s=0.1, at_s=1, until_s=2)])
    assert slow.copies(SECOND_NS) == ((SECOND_NS + 100 * MS, SECOND_NS + 102 * MS),)
    assert slow.copies(2 * SECOND_NS) == ((2 * SECOND_NS, 2 * SECOND_NS + 2 * MS),)


def test_delays_add_up_and_jitter_is_uniform() -> None:
    slow = channel(
        fifo=False, faults=[fault("delay", extra_s=0.1), fault("delay", extra_s=0.2, jitter_s=0.01)]
    )
    extra_ms = [slow.carry(0)[0] / MS - 302 for _ in range(2000)]
    assert 0 <= min(extra_ms) < 0.05
    assert 9.95 < max(extra_ms) <= 10
    assert sum(extra_ms) / 2000 == pytest.approx(5, abs=0.2)


def test_a_delay_reorders_a_channel_that_is_not_fifo_and_never_one_that_is() -> None:
    ending = [fault("delay", extra_s=0.1, until_s=1)]
    sends_ns = (SECOND_NS - 1, SECOND_NS)
    loose, strict = (channel(fifo=fifo, faults=ending) for fifo in (False, True))
    late_ns = SECOND_NS - 1 + 102 * MS
    assert [loose.carry(at_ns) for at_ns in sends_ns] == [(late_ns,), (SECOND_NS + 2 * MS,)]
    assert [strict.copies(at_ns) for at_ns in sends_ns] == [((late_ns - 2 * MS, late_ns),)] * 2


def test_a_partition_holds_back_what_would_arrive_meanwhile() -> None:
    cut = channel(faults=[fault("partition", groups=[["vm1"]], at_s=1, until_s=2)])
    assert cut.carry(SECOND_NS - 2 * MS - 1) == (SECOND_NS - 1,)
    # It was on its way when the network was cut, and is sent again.
    assert cut.copies(SECOND_NS - 2 * MS) == ((2 * SECOND_NS, 2 * SECOND_NS + 2 * MS),)
    assert cut.carry(2 * SECOND_NS - 1) == (2 * SECOND_NS + 2 * MS,)
    assert cut.carry(2 * SECOND_NS) == (2 * SECOND_NS + 2 * MS,)


def test_what_was_held_back_may_meet_the_next_partition() -> None:
    cuts = [
        fault("partition", groups=[["vm1"]], at_s=1, until_s=2),
        fault("partition", groups=[["vm2"]], at_s=2.001, until_s=3),
    ]
    assert channel(faults=cuts).carry(SECOND_NS) == (3 * SECOND_NS + 2 * MS,)


def test_a_partition_leaves_channels_within_a_group_alone_and_real_cuts_to_others() -> None:
    within = fault("partition", groups=[["vm1", "vm2"]])
    assert channel(faults=[within]).carry(0) == (2 * MS,)
    between = Spec.parse({"faults": [fault("partition", groups=[["vm1"]])]})
    assert Channel(between, "vm1", "vm2", AS_IT_IS, partitions=False).carry(7) == (7,)


def test_the_draws_of_a_seed_stay_what_they_are() -> None:
    everything = channel(
        in_virtual_time(None),
        fifo=False,
        faults=[
            fault("loss", probability=0.3),
            fault("duplication", probability=0.3),
            fault("delay", extra_s=0.1, jitter_s=0.1),
        ],
    )
    assert [everything.carry(ms * MS) for ms in range(8)] == [
        (127487626,),
        (),
        (193325340,),
        (115345711,),
        (114758183,),
        (152356869, 148893425),
        (),
        (181305414, 187230509),
    ]
