"""A gRPC server with the health service, by Debian's python3-grpcio; prints its port.

usage: tocsin_grpc.py [KEY CERTIFICATE]
With a key, TLS, and whoever connects shows that same certificate.
Services: "" and "well" serve, "ill" does not, "silent" never answers; others are not known.
"""

import sys
import time
from concurrent import futures

import grpc

STATUS = {"": 1, "well": 1, "ill": 2, "silent": 1}


def check(request, context):
    name = request[2:].decode()  # HealthCheckRequest: field 1, its length, the name
    if name not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    if name == "silent":
        time.sleep(60)
    return bytes([0x08, STATUS[name]])


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(4))
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods),))
    if len(sys.argv) > 1:
        key, certificate = (open(path, "rb").read() for path in sys.argv[1:3])
        credentials = grpc.ssl_server_credentials([(key, certificate)], certificate, require_client_auth=True)
        print(server.add_secure_port("127.0.0.1:0", credentials), flush=True)
    else:
        print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()
