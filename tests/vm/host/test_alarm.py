"""The alarm: the latest instant holds."""

import asyncio
import time

from vm.host.alarm import Alarm
from vm.schedule import SECOND_NS

HOUR_NS = 3600 * SECOND_NS


def test_an_earlier_instant_replaces_a_later_one() -> None:
    async def scenario() -> None:
        rung = asyncio.Event()
        alarm = Alarm(asyncio.get_running_loop(), rung.set)
        alarm.set(time.monotonic_ns() + HOUR_NS)
        alarm.set(time.monotonic_ns())
        async with asyncio.timeout(10):
            await rung.wait()
        alarm.close()

    asyncio.run(scenario())
