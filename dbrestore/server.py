"""The plugin's process: gRPC in front of ``Provider``, progress to the engine, an end with the engine."""

from __future__ import annotations

# isort: off
import dbrestore.protobuf  # noqa: F401 - before anything of Pulumi's or Google's

# isort: on
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from dbrestore.handler import PartlyMade
from dbrestore.provider import Provider
from dbrestore.registry import Handlers
from dbrestore.values import wire
from problem import Problem, unusable

VERSION = "0.1.0"
POLL_SECONDS = 0.25
GRACE_SECONDS = 3.0
"""How long work may take to reach a safe point once the engine is gone."""
INTERRUPTED_SECONDS = 90.0
"""How long it may take while the engine waits for it."""
ANSWER_SECONDS = 0.5
"""How long the answers of interrupted calls may take to the engine."""


class EngineLog:
    """Sends one line of progress to the engine, which shows it beside the resource."""

    def __init__(self, address: str) -> None:
        self._under_way: set[Any] = set()
        """Calls not answered yet: gRPC cancels one that nobody holds."""
        self.attach(address)

    def attach(self, address: str) -> None:
        self._address = address
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    @property
    def heard(self) -> bool:
        """Whether the engine is there: its own server listens until it ends."""
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except (OSError, ValueError):
            return False
        return True

    def tell(self, urn: str, text: str, keep: bool = False) -> None:
        if self._stub is None:
            return
        line = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=not keep)
        # The engine may be gone already; progress is never worth failing for.
        call = self._stub.Log.future(line, timeout=5)
        self._under_way.add(call)
        call.add_done_callback(self._under_way.discard)


def _spoken(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Problems cross to the engine in their own words, half-made resources with their state."""

    @wraps(method)
    async def call(self: Any, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await method(self, request, context)
        except PartlyMade as problem:
            await context.abort(grpc.StatusCode.UNKNOWN, problem.message, _kept(problem))
        except Problem as problem:
            await context.abort(grpc.StatusCode.UNKNOWN, problem.message)
        except Exception as error:
            # gRPC would log a traceback into the middle of the engine's display.
            await context.abort(grpc.StatusCode.UNKNOWN, _unforeseen(error))

    return call


def _unforeseen(error: Exception) -> str:
    """What no handler foresaw, with the place for whoever mends it; what the system refuses has words."""
    if isinstance(error, OSError):
        return unusable(error).message
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"This was not foreseen, in {place.filename}:{place.lineno}."
    return Problem("unknown", f"{type(error).__name__}: {error}", where).message


def _kept(problem: PartlyMade) -> tuple[tuple[str, bytes], ...]:
    """The engine's ErrorResourceInitFailed: the resource exists and this is what is known of it."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=problem.identity,
        properties=PropertyValue.marshal_map(wire(problem.state)),
        reasons=[problem.message],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=problem.message)
    status.details.add().Pack(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)


class Servicer(ProviderServicer):
    """The SDK's servicer with our errors, and Attach: an engine that did not start us takes us over."""

    log: EngineLog
    serve_anew: Callable[[], None]

    async def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.log.attach(request.address)
        self.serve_anew()
        return empty_pb2.Empty()

    @_spoken
    async def Check(self, request: Any, context: Any) -> Any:
        """Beside a property's name the engine would print its value, as a Go map; the reason says enough."""
        answer = await super().Check(request, context)
        for failure in answer.failures:
            failure.reason = f"{failure.property}: {failure.reason}" if failure.property else failure.reason
            failure.property = ""
        return answer

    Diff = _spoken(ProviderServicer.Diff)
    Create = _spoken(ProviderServicer.Create)
    Read = _spoken(ProviderServicer.Read)
    Update = _spoken(ProviderServicer.Update)
    Delete = _spoken(ProviderServicer.Delete)


async def _end_in_order(provider: Provider, parent: int, log: EngineLog) -> None:
    """Serve until we are told by SIGINT, or whoever started us and the engine are gone without a goodbye.

    An engine goes on with its update when the command that started it and us was killed. Calls at work
    come to a safe point, and the engine hears of it before we end.
    """
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, told.set)
    while not told.is_set() and (os.getppid() == parent or log.heard):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), POLL_SECONDS)
    provider.stop()
    patience = GRACE_SECONDS if os.getppid() != parent else INTERRUPTED_SECONDS
    deadline = time.monotonic() + patience
    while provider.busy and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    if provider.was_busy:
        await asyncio.sleep(ANSWER_SECONDS)
    os._exit(0)


async def _serve(engine_address: str) -> None:
    parent = os.getppid()
    log = EngineLog(engine_address)
    provider = Provider(Handlers(), log.tell)
    servicer = Servicer([], VERSION, provider, engine_address)
    servicer.log, servicer.serve_anew = log, provider.serve_anew
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32))
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine reads the first line of stdout as the port: nothing may be written before it.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await _end_in_order(provider, parent, log)


def main() -> None:
    """Serve until the engine ends. The engine's address is the last word of the command line."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal's end is no end of the engine's work
    address = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), "")
    asyncio.run(_serve(address))


if __name__ == "__main__":
    main()
