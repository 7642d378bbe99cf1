"""The networks of a run in the engine, and the partitions that disconnect machines from them."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Network
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from orchestrator.backends.docker.bridges import Bridge, address, bridges
from orchestrator.backends.docker.engine import if_there
from orchestrator.backends.fault_injection import Injection
from orchestrator.backends.outcome import EnvironmentProblem
from vm.faults import Partition
from vm.spec import Spec

#: Subnets for all networks, a /24 for each: the engine's own pools hold only about 30 networks.
SUBNETS = tuple(f"10.213.{third}.0/24" for third in range(256))


class Networks:
    """One network for each bridge of a run; `containers` maps machines to their containers.

    A machine keeps its address on each network, even after a disconnection or a restart: a peer
    that knows the old address would otherwise reach another machine.
    """

    def __init__(self, spec: Spec, containers: dict[str, Container]) -> None:
        partitions = [fault for fault in spec.faults if isinstance(fault, Partition)]
        self._bridges = bridges(spec.machines, partitions)
        self._containers = containers
        self._networks: dict[Bridge, Network] = {}
        self._subnets: dict[Bridge, IPv4Network] = {}
        self._active: list[Partition] = []

    def create(
        self, client: docker.DockerClient, stack: ExitStack, name: str, labels: dict[str, str]
    ) -> None:
        """Create all networks; put the removal of each on the stack first."""
        for number, bridge in enumerate(self._bridges):
            own_name = f"{name}-{number}" if number else name
            stack.callback(if_there, partial(client.api.remove_network, own_name))
            self._networks[bridge], self._subnets[bridge] = _create(client, own_name, labels)

    def first(self, machine: str) -> tuple[str, dict[str, Any]]:
        """Return a machine's first network, and the container's alias and address on it."""
        bridge = self._of(machine)[0]
        return self._networks[bridge].name or "", self._endpoint(bridge, machine)

    def connect_others(self, machine: str) -> None:
        """Connect a created container to its other networks."""
        for bridge in self._of(machine)[1:]:
            self._connect(bridge, machine)

    def address(self, machine: str, peer: str) -> str:
        return address(self._bridges, machine, peer)

    def separate(self, injection: Injection) -> None:
        """Cut the networks between a partition's groups."""
        for bridge in self._changed(self._active.append, injection):
            for machine in bridge.unplugged:
                if_there(partial(self._networks[bridge].disconnect, self._containers[machine]))

    def join(self, injection: Injection) -> None:
        """Reconnect the groups, unless another partition separates them."""
        for bridge in self._changed(self._active.remove, injection):
            for machine in bridge.unplugged:
                self._connect(bridge, machine)

    def _changed(self, change: Callable[[Partition], None], injection: Injection) -> set[Bridge]:
        """Change the active partitions; return the bridges that this cuts or restores."""
        assert isinstance(injection.fault, Partition)
        before = self._cut()
        change(injection.fault)
        return before ^ self._cut()

    def _of(self, machine: str) -> list[Bridge]:
        return [bridge for bridge in self._bridges if machine in bridge.machines]

    def _cut(self) -> set[Bridge]:
        return {bridge for bridge in self._bridges if any(map(bridge.is_cut_by, self._active))}

    def _connect(self, bridge: Bridge, machine: str) -> None:
        connect = self._networks[bridge].connect
        if_there(partial(connect, self._containers[machine], **self._endpoint(bridge, machine)))

    def _endpoint(self, bridge: Bridge, machine: str) -> dict[str, Any]:
        # The engine has the first address.
        address = self._subnets[bridge].network_address + 2 + bridge.machines.index(machine)
        return {"aliases": [bridge.name_of(machine)], "ipv4_address": str(address)}


def _create(
    client: docker.DockerClient, name: str, labels: dict[str, str]
) -> tuple[Network, IPv4Network]:
    """Create an internal network in the first free subnet of SUBNETS."""
    used = {
        pool.get("Subnet")
        for network in client.networks.list()
        for pool in (network.attrs.get("IPAM") or {}).get("Config") or ()
    }
    for subnet in SUBNETS:
        if subnet in used:
            continue
        pools = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
        try:
            network = client.networks.create(
                name, internal=True, ipam=pools, labels=labels, check_duplicate=True
            )
        except APIError as error:
            # Another run has just taken the subnet, or it overlaps with a foreign network.
            if "overlap" not in str(error.explanation):
                raise
        else:
            return network, IPv4Network(subnet)
    raise EnvironmentProblem(
        f"all {len(SUBNETS)} subnets from {SUBNETS[0]} on are taken: `vklocks clean` may help"
    )
