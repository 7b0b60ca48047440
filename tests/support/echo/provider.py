"""A provider that makes nothing: it serves the tokens of a real package and answers with the inputs.

The engine, the program and the real SDK work as they do with the real provider; only the cloud is not there.
What a cloud learns (an address, an id) comes from ``answers.py``, and so does which change replaces what.
Every call that would have changed something is kept by ``calls.py``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.echo import answers
from tests.support.echo.calls import keep, name_of, type_of

Kind = provider_pb2.PropertyDiff.Kind


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one package."""

    def __init__(self, package: str) -> None:
        self.package = package

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=answers.VERSIONS[self.package])

    def GetSchema(self, request: Any, context: Any) -> Any:
        schema = {"name": self.package, "version": answers.VERSIONS[self.package]}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=_changes(request.olds != request.news))

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        """A look-up by its fixture; one without is an error, so that nothing is looked up unnoticed."""
        asked = json_format.MessageToDict(request.args)
        answer = answers.INVOKES.get(request.tok)
        if answer is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"the echo has no answer to {request.tok} {asked}")
        found: Any = {"return": as_struct({**asked, **(answer or {})})}  # a word that Python has taken
        return provider_pb2.InvokeResponse(**found)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        """Each input that differs, and whether the real provider would replace for it."""
        old, new = (json_format.MessageToDict(one) for one in (request.old_inputs, request.news))
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        replaces = [name for name in changed if name in answers.REPLACES.get(type_of(request.urn), ())]
        detailed = {name: provider_pb2.PropertyDiff(kind=_kind(name, old, new, replaces)) for name in changed}
        return provider_pb2.DiffResponse(
            changes=_changes(bool(changed)),
            diffs=changed,
            replaces=replaces,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        inputs, name = json_format.MessageToDict(request.properties), name_of(request.urn)
        keep("create", request.urn, inputs)
        learnt = answers.learnt(type_of(request.urn), name, inputs)
        identity = str(learnt.pop("id", name))
        return provider_pb2.CreateResponse(id=identity, properties=as_struct({**learnt, **inputs}))

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:
        old, new = json_format.MessageToDict(request.olds), json_format.MessageToDict(request.news)
        if not request.preview:
            keep("update", request.urn, new)
        return provider_pb2.UpdateResponse(properties=as_struct({**old, **new}))

    def Delete(self, request: Any, context: Any) -> Any:
        """Refused as the clouds do, where the state says that it is protected there."""
        state = json_format.MessageToDict(request.properties)
        if state.get("deletionProtection"):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Cannot delete: deletion protection is on")
        keep("delete", request.urn, state)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _changes(any_: bool) -> Any:
    response = provider_pb2.DiffResponse
    return response.DIFF_SOME if any_ else response.DIFF_NONE


def _kind(name: str, old: dict[str, Any], new: dict[str, Any], replaces: list[str]) -> Any:
    kind = "ADD" if name not in old else "UPDATE" if name in new else "DELETE"
    return Kind.Value(f"{kind}_REPLACE" if name in replaces else kind)


def as_struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """Values as the wire has them."""
    return json_format.ParseDict(values, struct_pb2.Struct())


def main() -> None:
    """Serve the package named on a free port of loopback, print it for the engine, and end with it."""
    parent, ended = os.getppid(), threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(sys.argv[1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(0.25) and os.getppid() == parent:
        pass
    server.stop(None)


if __name__ == "__main__":
    main()
