"""A machine's links to its peers: a stream to each, and one from each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from vm.host.generated import vm_pb2
from vm.host.wire.frames import Membership
from vm.host.wire.outgoing import Outgoing
from vm.host.wire.service import Service

#: How long a stream may take to send Leave.
LEAVING_S = 0.2


class Links:
    """All streams of a machine. Within `standing` they are open, and reopened after each cut."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        membership: Membership,
        seed: int,
        service: Service,
        changed: Callable[[], None],
    ) -> None:
        self.outgoing = {
            peer: Outgoing(addresses[peer], membership.hello(peer, seed), changed, membership.key)
            for peer in membership.peers
        }
        self._service = service

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[None]:
        tasks = {asyncio.create_task(one.run()): one for one in self.outgoing.values()}
        try:
            yield
        finally:
            for outgoing in self.outgoing.values():
                outgoing.leave()
            if connected := [task for task, outgoing in tasks.items() if outgoing.connected]:
                await asyncio.wait(connected, timeout=LEAVING_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def unconnected(self) -> list[str]:
        """Return the peers that are not connected both ways."""
        return [
            peer
            for peer, outgoing in self.outgoing.items()
            if not (outgoing.connected and self._service.incoming[peer].connected)
        ]

    def say(self, frame: vm_pb2.Frame) -> None:
        """Send a frame to every peer, before all messages."""
        for outgoing in self.outgoing.values():
            outgoing.say(frame)

    def finish(self) -> None:
        """Send Finish to every peer, after the last message."""
        for outgoing in self.outgoing.values():
            outgoing.finish()

    def are_done(self, crashed: Collection[str]) -> bool:
        """Return whether no peer has messages left to send or to get.

        A peer that is cut off without Leave may come back, unless it has `crashed`.
        """
        for peer, outgoing in self.outgoing.items():
            incoming = self._service.incoming[peer]
            is_gone = (incoming.left or peer in crashed) and not outgoing.connected
            if not (is_gone or (incoming.finished and (outgoing.finished or outgoing.refusal))):
                return False
        return True
