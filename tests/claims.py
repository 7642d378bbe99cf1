"""A clock's claims about a history, and its stamps on the wire."""

from typing import Any

from steps import Driven, Name, Steps
from vm.clocks.clock import Bounds, Clock


def claims(clock: Clock[Any], driven: Driven) -> set[tuple[Name, Name]]:
    """Return all pairs of events that the clock orders."""
    timestamps = driven.timestamps.items()
    return {(a, b) for a, x in timestamps for b, y in timestamps if clock.precedes(x, y)}


def check_wire(clock: Clock[Any], history: Steps, driven: Driven) -> None:
    """Check that each stamp passes the wire unchanged, under the bounds at its send."""
    counts = [0] * history.machines
    for step in history.steps:
        counts[step.machine] += 1
        for receiver in step.to:
            stamp = driven.stamps[step.name, receiver]
            bounds = Bounds(step.machine, receiver, tuple(counts))
            assert clock.decode(clock.encode(stamp), bounds) == stamp
