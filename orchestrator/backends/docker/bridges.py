"""The networks of a run, laid out so that disconnecting machines creates each partition.

A segment is a maximal set of machines that no partition separates. There is a network for each
segment, and one for each pair of segments. Names of machines resolve on one network only: in the
same segment on the segment's network, in different segments on the network between the two. So a
partition disconnects machines from the networks between its groups: machines in one group keep
their connections, and machines in different groups have no route left.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from vm.faults import Partition


class Bridge(NamedTuple):
    """A network: of a segment (`one == other`), or between two segments."""

    one: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def machines(self) -> tuple[str, ...]:
        return self.one if self.one == self.other else self.one + self.other

    def name_of(self, machine: str) -> str:
        """Return the machine's alias on this network."""
        return machine if self.one == self.other else f"{machine}.across"

    def is_cut_by(self, partition: Partition) -> bool:
        return self.one != self.other and partition.separates(self.one[0], self.other[0])

    @property
    def unplugged(self) -> tuple[str, ...]:
        """The machines to disconnect to cut the network: its smaller side."""
        return min(self.one, self.other, key=len)


def segments(
    machines: Sequence[str], partitions: Sequence[Partition]
) -> tuple[tuple[str, ...], ...]:
    """Return the groups of machines that no partition separates, in order."""
    found: list[list[str]] = []
    for machine in machines:
        for segment in found:
            if not any(partition.separates(segment[0], machine) for partition in partitions):
                segment.append(machine)
                break
        else:
            found.append([machine])
    return tuple(map(tuple, found))


def bridges(machines: Sequence[str], partitions: Sequence[Partition]) -> tuple[Bridge, ...]:
    """Return the networks of a run. A segment of one machine needs none if there are others."""
    parts = segments(machines, partitions)
    own = [Bridge(part, part) for part in parts if len(part) > 1 or len(parts) == 1]
    return (*own, *(Bridge(one, other) for one, other in combinations(parts, 2)))


def address(networks: Sequence[Bridge], machine: str, peer: str) -> str:
    """Return the name by which a machine reaches a peer."""
    shared = [bridge for bridge in networks if {machine, peer} <= set(bridge.machines)]
    # Prefer the segment's network, which is never cut, to the networks to other segments.
    return next((bridge for bridge in shared if bridge.one == bridge.other), shared[0]).name_of(
        peer
    )
