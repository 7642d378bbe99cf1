"""The wall clock is read once, and the epoch goes with the monotonic clock."""

import time

from vm.host.epoch import READINGS, Epoch, WallClock

HOUR_NS = 3600 * 10**9


def test_setting_the_wall_clock_has_no_effect() -> None:
    ahead_ns = 0
    clock = WallClock(lambda: time.time_ns() + ahead_ns)
    ahead_ns = -HOUR_NS
    assert abs(clock.now_unix_ns() - time.time_ns()) < HOUR_NS // 2


def test_a_reading_is_as_exact_as_the_quickest() -> None:
    """A process that is interrupted between its readings still knows the time."""
    delays_ns = iter([0, 10**8, *[0] * READINGS])

    def interrupted() -> int:
        ends_ns = time.monotonic_ns() + next(delays_ns)
        unix_ns = time.time_ns()
        while time.monotonic_ns() < ends_ns:
            pass
        return unix_ns

    assert abs(WallClock(interrupted).now_unix_ns() - time.time_ns()) < 10**7


def test_wall_and_monotonic_times_are_translated() -> None:
    clock = WallClock(lambda: time.time_ns() + HOUR_NS)
    assert clock.monotonic_ns(clock.unix_ns(5)) == 5
    early_ns, late_ns = time.time_ns(), clock.now_unix_ns()
    assert HOUR_NS - 10**7 < late_ns - early_ns < HOUR_NS + 10**9


def test_a_time_that_has_passed_has_passed() -> None:
    now_ns = time.monotonic_ns()
    assert Epoch(now_ns + HOUR_NS).now_ns < 0
    assert Epoch(now_ns + HOUR_NS, 0).now_ns >= 0
    assert Epoch(now_ns + HOUR_NS, 5 * HOUR_NS).now_ns >= 5 * HOUR_NS
    assert Epoch(now_ns - HOUR_NS, 5).now_ns >= HOUR_NS
    assert Epoch(now_ns).monotonic_ns(7) == now_ns + 7
