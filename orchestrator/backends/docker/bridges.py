"""The networks that turn every partition of a run into disconnecting machines.

A segment is a largest set of machines that no partition separates. Each segment has a network
of its own, and so has each pair of segments. Machines of one segment find each other by name on
their own network only, those of two segments only on the one between them. So a partition takes
machines off the networks between its groups: machines in one group keep their connections, and
those in different groups have no route left.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from vm.faults import Partition


class Bridge(NamedTuple):
    """A network: the one of a segment (`one == other`), or the one between two segments."""

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
        """The machines to take off the network to cut it: its smaller side."""
        return min(self.one, self.other, key=len)


def segments(
    machines: Sequence[str], partitions: Sequence[Partition]
) -> tuple[tuple[str, ...], ...]:
    """Group the machines that no partition separates, in their order."""
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
    """Return the networks of a run; a segment of one machine needs none, unless it is alone."""
    parts = segments(machines, partitions)
    own = [Bridge(part, part) for part in parts if len(part) > 1 or len(parts) == 1]
    return (*own, *(Bridge(one, other) for one, other in combinations(parts, 2)))


def address(networks: Sequence[Bridge], machine: str, peer: str) -> str:
    """Return the name by which a machine reaches a peer."""
    shared = [bridge for bridge in networks if {machine, peer} <= set(bridge.machines)]
    # A segment shares the networks to the others as well; its own is never cut.
    return next((bridge for bridge in shared if bridge.one == bridge.other), shared[0]).name_of(
        peer
    )
