"""The combination of REV and K-Lamport."""

import pytest
from hypothesis import given

from examples import PAIRED_STEPS
from steps import Steps, claimed, histories
from vm.clocks import clock_of


@pytest.mark.parametrize(("entries", "depth"), [(1, 1), (2, 3), (3, 2)])
@given(history=histories(max_steps=PAIRED_STEPS))
def test_a_claim_is_one_of_both_clocks(entries: int, depth: int, history: Steps) -> None:
    both = claimed(clock_of(f"rev:{entries}"), history) & claimed(
        clock_of(f"k-lamport:{depth}"), history
    )
    assert claimed(clock_of(f"comb:{entries}:{depth}"), history) == both
