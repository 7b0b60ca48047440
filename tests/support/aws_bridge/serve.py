"""Serve the provider on loopback, print the port for the engine and end with it."""

import signal
import sys
import threading
from concurrent import futures

import grpc
from provider import Provider
from pulumi.runtime.proto import provider_pb2_grpc
from terraform_plugin import TerraformError


class ReadableErrors(grpc.ServerInterceptor):
    """Turn exceptions into plain messages instead of gRPC's "Exception calling application"."""

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def answer(request, context):
            try:
                return handler.unary_unary(request, context)
            except TerraformError as error:
                context.abort(grpc.StatusCode.UNKNOWN, str(error))
            except (LookupError, ImportError, RuntimeError, OSError) as error:
                context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )


def main():
    """Serve on a free port, print it for the engine and end with it."""
    provider = Provider(sys.argv[1] if len(sys.argv) > 1 else "")
    server = grpc.server(
        futures.ThreadPoolExecutor(16),
        interceptors=[ReadableErrors()],
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    print(port, flush=True)
    ended.wait()
    provider.stop()


if __name__ == "__main__":
    main()
