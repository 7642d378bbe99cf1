"""A gRPC server that survives calls of unknown methods.

`grpc.aio` decodes the method name of such a call in the loop that accepts all calls: a name that is
not UTF-8 ends that loop, and with it the server.
"""

import asyncio
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]


class _Core(cygrpc.AioServer):  # type: ignore[misc]
    """Accepts calls of registered methods, which have queues of their own; refuses all others.

    Generated code registers each method that it adds to a server.
    """

    async def _request_call(self) -> None:
        """Refuse each call of another method, and never return one to be accepted."""
        refusals = set()
        while True:
            call = await super()._request_call()
            refusals.add(refusal := asyncio.create_task(_refuse(call)))
            refusal.add_done_callback(refusals.discard)


async def _refuse(call: Any) -> None:
    code, first = cygrpc.StatusCode.unimplemented, cygrpc.SendInitialMetadataOperation((), 0)
    loop = asyncio.get_running_loop()
    try:
        await cygrpc._send_error_status_from_server(call, code, "no such method", (), first, loop)
    except cygrpc.ExecuteBatchError:
        # The caller is gone.
        return


def registered_server(options: tuple[tuple[str, int], ...]) -> grpc.aio.Server:
    """Make a server that refuses calls of unknown methods, whatever their names."""
    server = grpc.aio.server(options=options)
    inner: Any = server
    inner._server = _Core(inner._loop, None, (), (), options, None)
    return server
