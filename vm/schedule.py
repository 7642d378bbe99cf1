"""Due times of ticks: an absolute schedule that never drifts; missed ticks are not made up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SECOND_NS = 1_000_000_000
UNITS_NS = {"s": SECOND_NS, "ms": 1_000_000, "us": 1000, "ns": 1}


@dataclass(frozen=True)
class Schedule:
    """Tick k is due `phase_ns + k / rate` after the epoch; `phase_ns` is within one period."""

    tick_rate_hz: int
    phase_ns: int

    @property
    def period_ns(self) -> int:
        return SECOND_NS // self.tick_rate_hz

    def due_ns(self, tick: int) -> int:
        return self.phase_ns + tick * SECOND_NS // self.tick_rate_hz

    def dues_ns(self, ticks: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Return the ticks, each with its due time; for many ticks faster than `due_ns`."""
        phase_ns, rate = self.phase_ns, self.tick_rate_hz
        return ((tick, phase_ns + tick * SECOND_NS // rate) for tick in ticks)

    def ticks_before(self, time_ns: int) -> int:
        """Return the number of ticks that are due before `time_ns`."""
        since_first_ns = time_ns - self.phase_ns
        return max(0, -(-since_first_ns * self.tick_rate_hz // SECOND_NS))

    def skip_missed(self, tick: int, now_ns: int) -> int:
        """Return the first tick from `tick` on that is at most a period late; skip earlier ones."""
        return max(tick, self.ticks_before(now_ns - self.period_ns))
