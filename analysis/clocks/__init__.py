"""Clocks of `vm.clocks` over arrays of timestamps: vectorised twins, one module per clock.

A test compares every twin with the clock of the same name. Clocks without a twin are computed
event by event.
"""

from functools import cache

from analysis.clocks.lamport import LamportTwin
from analysis.clocks.plain import PlainTwin
from analysis.clocks.twin import Twin
from analysis.clocks.vector import VectorTwin
from vm.clocks import clock_of


@cache
def twin_of(name: str) -> Twin:
    """Return the clock of this name over arrays."""
    return TWINS[name] if name in TWINS else PlainTwin(clock_of(name))


TWINS: dict[str, Twin] = {
    "lamport": LamportTwin(),
    "vector": VectorTwin(),
}
