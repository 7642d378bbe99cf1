"""Laws of the timestamps, states and names of all clocks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import Steps, drive, histories
from vm.clocks import CLOCKS, clock_of, full_name, name_of
from vm.clocks.clock import has_form_of, parameters
from vm.fields import SpecError
from vm.records import Timestamp

every_clock = pytest.mark.parametrize("name", list(map(full_name, CLOCKS)))
COLUMNS = {"number": int, "list": tuple, "lists": tuple, "text": str}


def drawn(data: st.DataObject, name: str) -> Steps:
    """Draw a history that the clock bears."""
    history: Steps = data.draw(histories(fifo=clock_of(name).needs_fifo, max_steps=100))
    return history


@every_clock
@given(data=st.data())
def test_timestamps_are_of_the_declared_column(name: str, data: st.DataObject) -> None:
    clock, history = clock_of(name), drawn(data, name)
    for timestamp in drive(clock, history).timestamps.values():
        assert clock.is_timestamp(timestamp, history.machines)
        assert type(timestamp) is COLUMNS[clock.column]
        assert all(0 <= number < 2**63 for number in _numbers(timestamp))


def _numbers(timestamp: Timestamp) -> list[int]:
    if isinstance(timestamp, tuple):
        return [number for part in timestamp for number in _numbers(part)]
    return [timestamp] if isinstance(timestamp, int) else []


@every_clock
@pytest.mark.parametrize(
    "value", [None, True, 1.5, (), (1,) * 9, ((1,),), ("1",), "", "x", "-1", "[1,2]", "[" * 9999]
)
def test_values_of_no_event_are_no_timestamps(name: str, value: Any) -> None:
    assert not clock_of(name).is_timestamp(value, 3)


@every_clock
@given(data=st.data())
def test_rules_change_no_state_in_place(name: str, data: st.DataObject) -> None:
    clock, history = clock_of(name), drawn(data, name)
    driven = drive(clock, history)
    again = drive(clock, history)
    assert (driven.timestamps, driven.stamps) == (again.timestamps, again.stamps)
    # Each timestamp is still that of the state after its event.
    sends = {step.name for step in history.steps if step.to}
    for event, state in driven.states.items():
        if clock.is_flat or event not in sends:
            assert clock.timestamp(state) == driven.timestamps[event]


@pytest.mark.parametrize("kind", CLOCKS)
def test_a_name_has_all_parameters(kind: str) -> None:
    name, clock = full_name(kind), clock_of(kind)
    assert full_name(name) == name
    given = {known: getattr(clock, known) for known in parameters(CLOCKS[kind])}
    assert name_of(kind, given) == name
    with pytest.raises(SpecError, match="parameters"):
        clock_of(f"{name}:1")


@pytest.mark.parametrize(
    ("value", "model", "has"),
    [
        (1, 0, True),
        (True, 0, False),
        ((1, 2), (0, 0), True),
        ((1,), (0, 0), False),
        (((1,), (2,)), ((0,), (0,)), True),
        (((1,), 2), ((0,), (0,)), False),
        ("a", "", True),
        (1, "", False),
    ],
)
def test_forms(value: Any, model: Any, has: bool) -> None:
    assert has_form_of(value, model) is has
