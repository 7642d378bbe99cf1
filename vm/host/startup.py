"""Start-up: from addresses to an agreement on machines, tick rates, seed and epoch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import SystemRandom

from vm.host.changes import Changes
from vm.host.epoch import WallClock
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.settings import HostError, Settings, TerminatedEarly
from vm.host.wire.authentication import channel_to
from vm.host.wire.frames import Membership, read_wall_offsets
from vm.host.wire.links import Links
from vm.host.wire.outgoing import Outgoing
from vm.host.wire.probing import RoundTrip, wall_offset
from vm.host.wire.service import Service
from vm.quoting import quoted
from vm.records import NO_OFFSET, WallOffset
from vm.spec import NAME, Spec, natural_order

#: How far in the future the epoch is set, so that Start reaches every machine before it.
EPOCH_MARGIN_NS = 50_000_000
EPOCH_MARGIN_PER_MACHINE_NS = 5_000_000
#: The number of peers whose wall clocks are measured at the same time.
MEASURED_AT_ONCE = 8


@dataclass(frozen=True)
class Agreement:
    """The values on which all machines of a run agree; `spec` has every tick rate.

    `epoch_unix_ns` is by the first machine's wall clock, `wall_offsets` are those of all machines.
    """

    membership: Membership
    spec: Spec
    epoch_unix_ns: int
    wall_offsets: Mapping[str, WallOffset]

    @property
    def my_epoch_unix_ns(self) -> int:
        """The epoch by this machine's wall clock."""
        return self.epoch_unix_ns + self.wall_offsets[self.membership.me].offset_ns

    @property
    def frame(self) -> vm_pb2.Frame:
        """The agreement as the first machine sends it."""
        offsets = [self.wall_offsets[machine] for machine in self.spec.machines]
        return vm_pb2.Frame(
            start=vm_pb2.Start(
                epoch_unix_ns=self.epoch_unix_ns,
                tick_rates_hz=map(self.spec.tick_rate_hz, self.spec.machines),
                wall_offsets_ns=[offset.offset_ns for offset in offsets],
                wall_bounds_ns=[offset.bound_ns for offset in offsets],
            )
        )


class Startup:
    """The steps `meet`, `connect` (while links are `standing`) and `agree`, in this order.

    No step has a time limit of its own. HostError if a peer refuses, TerminatedEarly after a
    signal.
    """

    def __init__(
        self, settings: Settings, service: Service, changes: Changes, clock: WallClock
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._service = service
        self._changes = changes
        self._peers = dict(settings.peers)
        self._spec = settings.spec
        #: The address that is being asked for its machine's name; then `meet` makes the links.
        self._unnamed = ""
        self._links: Links

    async def meet(self) -> Links:
        """Get the names of all peers, and admit the peers."""
        await self._identify_peers()
        self._membership = membership = self._make_membership()
        self._service.open(membership, self._spec)
        self._links = Links(
            self._peers, membership, self._spec.seed, self._service, self._changes.note
        )
        return self._links

    async def connect(self) -> None:
        """Wait until links stand to and from all peers."""
        await self._changes.until(self._is_connected)

    async def agree(self) -> Agreement:
        """Get the agreement from the first machine, which makes it and sends it to all."""
        me, first = self._membership.me, self._membership.first
        if me == first:
            return await self._decide()
        if self._settings.seed is None:
            self._spec = replace(self._spec, seed=self._service.incoming[first].seed)
        ready = vm_pb2.Ready(tick_rate_hz=self._spec.tick_rate_hz(me))
        self._links.outgoing[first].say(vm_pb2.Frame(ready=ready))
        await self._changes.until(self._is_started)
        start = self._service.start
        assert start is not None
        rates_hz = dict(zip(self._spec.machines, start.tick_rates_hz, strict=True))
        offsets = read_wall_offsets(start, self._membership)
        return self._agreement(rates_hz, start.epoch_unix_ns, offsets)

    async def _decide(self) -> Agreement:
        await self._changes.until(self._is_ready)
        rates_hz = {
            peer: incoming.tick_rate_hz for peer, incoming in self._service.incoming.items()
        }
        me, machines = self._membership.me, self._membership.machines
        rates_hz[me] = self._spec.tick_rate_hz(me)
        offsets = await self._measure_offsets()
        margin_ns = EPOCH_MARGIN_NS + EPOCH_MARGIN_PER_MACHINE_NS * len(machines)
        # The bound is half of a round trip at least.
        margin_ns += 2 * max(offset.bound_ns for offset in offsets.values())
        agreement = self._agreement(rates_hz, self._clock.now_unix_ns() + margin_ns, offsets)
        self._links.say(agreement.frame)
        return agreement

    async def _measure_offsets(self) -> dict[str, WallOffset]:
        """Measure the wall clocks of the peers, a few at a time: more would delay each other."""
        peers, offsets = list(self._links.outgoing), {self._membership.me: NO_OFFSET}
        for first in range(0, len(peers), MEASURED_AT_ONCE):
            links = {p: self._links.outgoing[p] for p in peers[first : first + MEASURED_AT_ONCE]}
            for link in links.values():
                link.measure()
            await self._changes.until(partial(self._are_measured, links.values()))
            offsets |= {peer: self._offset(link.trips) for peer, link in links.items()}
        return offsets

    def _offset(self, trips: Iterable[RoundTrip]) -> WallOffset:
        unix_ns = self._clock.unix_ns
        return wall_offset(
            [RoundTrip(unix_ns(t.asked_ns), t.peer_ns, unix_ns(t.answered_ns)) for t in trips]
        )

    def _agreement(
        self, rates_hz: Mapping[str, int], epoch_unix_ns: int, offsets: Mapping[str, WallOffset]
    ) -> Agreement:
        spec = replace(self._spec, tick_rates_hz=rates_hz)
        return Agreement(self._membership, spec, epoch_unix_ns, offsets)

    def who_is_missing(self) -> str:
        """Return the reason for a timeout, with the missing peers."""
        if len(self._peers) < len(self._settings.addresses):
            missing = [f"the machine at {self._unnamed}"]
        else:
            missing = [
                f"{peer} at {self._peers[peer]}"
                + (f" ({obstacle})" if (obstacle := self._links.outgoing[peer].obstacle) else "")
                for peer in self._links.unconnected()
            ]
        waited = f"after {self._settings.startup_s:g} s"
        if missing:
            key = " or --key" if self._settings.key.is_given else ""
            return (
                f"{waited} not connected: {', '.join(missing)}; start it, or correct --peers{key}"
            )
        return f"{waited} all peers are connected, but the start was not agreed"

    async def _identify_peers(self) -> None:
        for address in self._settings.addresses:
            self._unnamed = address
            async with channel_to(address, self._settings.key) as channel:
                stub: vm_pb2_grpc.MachineAsyncStub = vm_pb2_grpc.MachineStub(channel)
                identity = await stub.Identify(vm_pb2.IdentifyRequest(), wait_for_ready=True)
            if not NAME.fullmatch(identity.machine):
                raise HostError(
                    f"the machine at {address} is called {quoted(identity.machine)}, which is not a"
                    " machine's name: correct --peers"
                )
            if identity.machine in (self._settings.name, *self._peers):
                raise HostError(f"two machines are called {identity.machine!r}: rename one of them")
            self._peers[identity.machine] = address

    def _make_membership(self) -> Membership:
        me = self._settings.name
        machines = tuple(sorted((me, *self._peers), key=natural_order))
        membership = Membership(
            self._settings.run, me, machines, self._spec.clocks, self._settings.key
        )
        seed = self._settings.seed
        if seed is None:
            seed = SystemRandom().randrange(2**31) if me == membership.first else 0
        self._spec = replace(self._spec, machines=machines, seed=seed)
        return membership

    def _check(self) -> None:
        if self._changes.terminated:
            raise TerminatedEarly
        for peer, outgoing in self._links.outgoing.items():
            if outgoing.refusal:
                raise HostError(f"{peer} at {self._peers[peer]} refuses: {outgoing.refusal}")

    def _is_connected(self) -> bool:
        self._check()
        return not self._links.unconnected()

    def _are_measured(self, links: Iterable[Outgoing]) -> bool:
        self._check()
        return all(link.is_measured for link in links)

    def _is_started(self) -> bool:
        self._check()
        return self._service.start is not None

    def _is_ready(self) -> bool:
        self._check()
        return all(incoming.tick_rate_hz for incoming in self._service.incoming.values())
