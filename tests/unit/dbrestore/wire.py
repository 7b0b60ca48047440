"""A handler that keeps plain records, and an engine's side of the wire to it: real gRPC on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pydantic import Field, field_validator

from dbrestore.handler import Context, Handler, Inputs, State
from dbrestore.provider import Provider
from dbrestore.server import EngineLog, Servicer
from problem import Problem

TOKEN = "dbrestore:test:Record"
URN = f"urn:pulumi:test::reforge::{TOKEN}::one"


class Step(Inputs):
    """A value within a value, with a default of its own."""

    kind: str
    inclusive: bool = True
    at_most: int | None = None


class RecordInputs(Inputs):
    """One of every shape that inputs come in."""

    name: str
    size: int = Field(1, ge=1)
    ratio: float = 0.5
    step: Step = Step(kind="latest")
    tags: list[str] = Field(default_factory=list)
    note: str | None = None
    word: str = ""

    @field_validator("note")
    @classmethod
    def _spoken(cls, note: str | None) -> str | None:
        if note == "wrong":
            raise ValueError("a note says something")
        if note == "problem":
            raise Problem("note-problem", "The archive knows no such note.", "Write another.")
        return note


class Record(Handler):
    """Keeps what it was called with; ``failing`` is raised by the verb of that name."""

    resource_type = TOKEN
    inputs = RecordInputs
    secrets = frozenset({"word", "password"})
    fixed: ClassVar[Mapping[str, str]] = {"name": "add another", "step": "never rebuilt"}

    def __init__(self, **failing: Exception) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failing = failing
        self.gone = False
        self.cancelled: list[bool] = []
        """Of each create: whether it was asked to end when it began."""

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        self.cancelled.append(context.cancelled.is_set())
        self._called("create", inputs)
        context.progress("half way")
        return f"id-{inputs.name}", inputs.wire() | {"password": "hunter2", "count": 3}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        self._called("read", identity, state)
        return None if self.gone else state | {"count": 4}

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        self._called("update", identity, state, inputs)
        return state | inputs.wire()

    def delete(self, context: Context, identity: str, state: State) -> None:
        self._called("delete", identity, state)

    def examine(self, context: Context, inputs: Any) -> None:
        self._called("examine", context.urn, inputs)

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        return frozenset({"count"} if state.get("count", 3) != 3 else ())

    def _called(self, verb: str, *values: Any) -> None:
        self.calls.append((verb, *values))
        if verb in self.failing:
            raise self.failing[verb]


@dataclass
class Engine:
    """Asks a handler over the wire, one verb a call."""

    handler: Record = field(default_factory=Record)
    told: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, verb: str, **request: Any) -> Any:
        """The plugin's answer; grpc.aio.AioRpcError where it failed."""
        return self.ask_in_turn((verb, request))[-1]

    def ask_in_turn(self, *requests: tuple[str, dict[str, Any]]) -> list[Any]:
        """The same of one plugin for several verbs."""
        return asyncio.run(self._ask(requests))

    async def _ask(self, requests: tuple[tuple[str, dict[str, Any]], ...]) -> list[Any]:
        provider = Provider({TOKEN: self.handler}, lambda urn, text, _keep: self.told.append((urn, text)))
        servicer = Servicer([], "0.1.0", provider, "")
        servicer.log, servicer.serve_anew = EngineLog(""), provider.serve_anew
        server = grpc.aio.server()
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                return [await getattr(stub, verb)(_message(verb, request)) for verb, request in requests]
        finally:
            await server.stop(None)

    def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> tuple[Any, dict[str, str]]:
        """The inputs as checked, and the failures: property -> reason, "" for what is about all of them."""
        answer = self.ask("Check", urn=URN, news=news, olds=olds or {})
        return plain(answer.inputs), dict(_said(one) for one in answer.failures)

    def diff(self, state: dict[str, Any], news: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        """Whether there are changes, and of what kind each property's is."""
        answer = self.ask("Diff", urn=URN, id="id", olds=state, news=news)
        assert sorted(answer.diffs) == sorted(answer.detailedDiff)
        assert answer.hasDetailedDiff
        assert not answer.replaces
        kinds = {name: _KIND.Name(one.kind) for name, one in answer.detailedDiff.items()}
        return answer.changes == provider_pb2.DiffResponse.DIFF_SOME, kinds


def _said(failure: Any) -> tuple[str, str]:
    assert not failure.property, "the engine would print its value"
    name, colon, reason = failure.reason.partition(": ")
    return (name, reason) if colon else ("", name)


_KIND = provider_pb2.PropertyDiff.Kind
_REQUESTS = {"Configure": "ConfigureRequest", "GetSchema": "GetSchemaRequest"}


def _message(verb: str, request: dict[str, Any]) -> Any:
    fields = {name: _struct(value) if isinstance(value, dict) else value for name, value in request.items()}
    if verb == "Attach":
        return plugin_pb2.PluginAttach(**fields)
    if verb == "Cancel":
        return empty_pb2.Empty()
    return getattr(provider_pb2, _REQUESTS.get(verb, f"{verb}Request"))(**fields)


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


def plain(values: Any) -> Any:
    """A struct of the wire as Python values."""
    return json_format.MessageToDict(values)
