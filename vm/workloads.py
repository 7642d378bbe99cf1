"""What a machine does on a tick that finds its inbox empty."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Workload:
    """Relative weights of the three things an idle tick can be.

    Only `Random.random` is drawn from: of all its methods it alone promises the same
    sequence on every Python version.
    """

    one: int
    all: int
    internal: int

    def receivers(self, peers: Sequence[str], random: Random) -> tuple[str, ...]:
        """Whom this idle tick sends to: one peer, all of them, or (an internal event) none."""
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
