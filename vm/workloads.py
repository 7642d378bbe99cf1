"""Workloads: the actions of a machine on idle ticks, when its inbox is empty."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Workload:
    """Relative weights of the three actions of an idle tick.

    Draws use only `Random.random`, the one method that guarantees the same sequence on every
    Python version.
    """

    one: int
    all: int
    internal: int

    def receivers(self, peers: Sequence[str], random: Random) -> tuple[str, ...]:
        """Return the receivers of an idle tick: one peer, all, or none (an internal event)."""
        roll = int(random.random() * (self.one + self.all + self.internal))
        if not peers or roll >= self.one + self.all:
            return ()
        if roll >= self.one:
            return tuple(peers)
        return (peers[int(random.random() * len(peers))],)


WORKLOADS: dict[str, Workload] = {
    "assignment": Workload(one=2, all=1, internal=7),
    "tight": Workload(one=3, all=3, internal=4),
}
