"""A container's health check: is the machine on this port connected to all of its peers?

python -m vm.host.wire.health 50051
"""

import sys

import grpc
from grpc_health.v1 import health, health_pb2

LIMIT_S = 2


def main() -> int:
    options = (("grpc.enable_http_proxy", 0),)
    with grpc.insecure_channel(f"localhost:{sys.argv[1]}", options) as channel:
        check = channel.unary_unary(
            f"/{health.SERVICE_NAME}/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            reply = check(health_pb2.HealthCheckRequest(), timeout=LIMIT_S)
        except grpc.RpcError as error:
            print(error)
            return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))
    return 0 if reply.status == health_pb2.HealthCheckResponse.SERVING else 1


if __name__ == "__main__":
    sys.exit(main())
