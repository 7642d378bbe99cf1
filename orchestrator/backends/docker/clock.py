"""The engine's clock, compared with this computer's."""

import re
import time
from datetime import datetime
from typing import NamedTuple

import docker

from vm.schedule import SECOND_NS

#: Exchanges with the engine, of which the fastest counts.
EXCHANGES = 5
#: A time in the engine's zone, with up to nine digits of a second.
TIMESTAMP = re.compile(r"([0-9T:-]+?)(?:[.]([0-9]{1,9}))?(Z|[+-][0-9:]{5})")


class ClockDifference(NamedTuple):
    """The difference of two clocks, and a bound for its error."""

    ahead_ns: int
    bound_ns: int


class Exchange(NamedTuple):
    """A question to another clock: the times at its begin and end, and the answer."""

    asked_ns: int
    answer_ns: int
    answered_ns: int

    @property
    def difference(self) -> ClockDifference:
        """The difference, if the other clock was read in the middle of the exchange.

        The error is at most half the duration.
        """
        bound_ns = (self.answered_ns - self.asked_ns + 1) // 2
        return ClockDifference(self.answer_ns - self.asked_ns - bound_ns, bound_ns)


def difference(client: docker.DockerClient) -> ClockDifference:
    """Return how far the engine's clock, which its machines have, is ahead of this computer's."""
    exchanges = (_exchange(client) for _ in range(EXCHANGES))
    return min((one.difference for one in exchanges), key=lambda found: found.bound_ns)


def _exchange(client: docker.DockerClient) -> Exchange:
    asked_ns, begun_ns = time.time_ns(), time.monotonic_ns()
    answer_ns = unix_ns(client.info()["SystemTime"])
    return Exchange(asked_ns, answer_ns, asked_ns + time.monotonic_ns() - begun_ns)


def unix_ns(timestamp: str) -> int:
    """Return a timestamp of the engine as nanoseconds since the epoch."""
    found = TIMESTAMP.fullmatch(timestamp)
    assert found, timestamp
    second, fraction, zone = found.groups()
    whole = datetime.fromisoformat(second + zone.replace("Z", "+00:00"))
    return int(whole.timestamp()) * SECOND_NS + int((fraction or "").ljust(9, "0"))
