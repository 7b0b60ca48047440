"""Progress on its way to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from dbrestore.server import EngineLog


class Listening(engine_pb2_grpc.EngineServicer):
    """The engine's end of the log."""

    def __init__(self) -> None:
        self.lines: Queue[Any] = Queue()

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.lines.put(request)
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[Listening, str]]:
    listening, server = Listening(), grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(listening, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield listening, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_line_of_progress_appears_beside_its_resource_and_is_not_kept(engine: Any) -> None:
    listening, address = engine
    EngineLog(address).tell("urn:one", "copying 45 %")
    line = listening.lines.get(timeout=10)
    assert (line.urn, line.message, line.ephemeral) == ("urn:one", "copying 45 %", True)
    assert line.severity == engine_pb2.INFO


def test_a_note_is_kept_after_the_work(engine: Any) -> None:
    listening, address = engine
    EngineLog(address).tell("urn:one", "needs 3 GiB", keep=True)
    assert not listening.lines.get(timeout=10).ephemeral


def test_an_engine_that_attaches_later_gets_the_lines_from_then_on(engine: Any) -> None:
    listening, address = engine
    log = EngineLog("")
    log.tell("urn:one", "nobody listens")
    log.attach(address)
    log.tell("urn:one", "somebody does")
    assert listening.lines.get(timeout=10).message == "somebody does"


def test_an_engine_that_is_gone_does_not_stop_the_work() -> None:
    EngineLog("127.0.0.1:1").tell("urn:one", "still copying")
