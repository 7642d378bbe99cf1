"""The server of one machine: its service, health and reflection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.settings import HostError
from vm.host.wire.accepting import registered_server
from vm.host.wire.authentication import add_port
from vm.host.wire.frames import server_options
from vm.host.wire.key import Key
from vm.host.wire.service import Service

SERVICE = vm_pb2.DESCRIPTOR.services_by_name["Machine"].full_name
#: How long open streams may continue when the server stops; enough to flush acknowledgements.
GRACE_S = 0.2


class Health(health.aio.HealthServicer):
    """SERVING once the machine is connected to all of its peers."""

    async def say(self, *, is_serving: bool) -> None:
        states = health_pb2.HealthCheckResponse
        for name in ("", SERVICE):
            await self.set(name, states.SERVING if is_serving else states.NOT_SERVING)


@asynccontextmanager
async def serving(service: Service, listen: str, port: int, key: Key) -> AsyncIterator[Health]:
    """Serve until the context ends. HostError if the port is taken."""
    server = registered_server(server_options(service.most_bytes))
    vm_pb2_grpc.add_MachineServicer_to_server(service, server)
    status = Health()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    await status.say(is_serving=False)
    reflection.enable_server_reflection(
        (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    try:
        add_port(server, f"{listen}:{port}", key)
    except RuntimeError:
        raise HostError(
            f"port {port} is taken: stop what listens there, or choose another port"
        ) from None
    await server.start()
    try:
        yield status
    finally:
        await server.stop(GRACE_S)
