"""Vectorised twins of the clocks in `vm.clocks`. One module per clock.

A test compares every twin with the clock of the same name.
"""

from analysis.clocks.lamport import LamportTwin
from analysis.clocks.twin import Twin
from analysis.clocks.vector import VectorTwin

TWINS: dict[str, Twin] = {
    "lamport": LamportTwin(),
    "vector": VectorTwin(),
}
