"""A run of the program against a monitor that only writes down what the program asks of the engine."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import config, mocks, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key
from pulumi.runtime.stack import run_in_stack

from stacks.program import main

LEARNT: dict[str, dict[str, Any]] = {
    "aws:rds/instance:Instance": {"address": "r.example.us-east-1.rds.amazonaws.com"},
    "dbrestore:cloudsql:Promotion": {"host": "10.9.0.6", "boundPort": 5432, "promoted": False},
    "dbrestore:rds:Promotion": {"host": "starforge-read.example", "boundPort": 5432, "promoted": False},
    "dbrestore:loading:Load": {"status": "loaded"},
    "dbrestore:loading:Password": {"password": "drawn"},
    "gcp:sql/databaseInstance:DatabaseInstance": {
        "privateIpAddress": "10.9.0.90",
        "publicIpAddress": "203.0.113.90",
    },
    "dbrestore:postgres:Instance": {"boundPort": 5544, "host": "127.0.0.1", "status": "ready"},
}
"""What the plugin answers besides the inputs, once a resource is there."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts wherever it is kept."""

    value: Any


class Unknown:
    """A value that a preview cannot know; all are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "Unknown()"


@dataclass(frozen=True)
class Declared:
    """A resource as the engine is asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]
    after: tuple[str, ...]
    """Names of what must be done before it."""
    protect: bool
    secret_outputs: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    """Inputs that are not looked at again once it is there."""
    timeouts: dict[str, str] = field(default_factory=dict)


@dataclass
class Deployment:
    """All that a program declares, in the order of its asking."""

    resources: dict[str, Declared] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def one(self, type_: str) -> Declared:
        """The only resource of a type."""
        [found] = [one for one in self.resources.values() if one.type == type_]
        return found


class Monitor(mocks.MockMonitor):
    """Writes down, answers with the inputs and, outside a preview, with what the plugin would learn."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=_NoMocks())
        self.preview, self.deployment = preview, Deployment()

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        assert request.name not in self.deployment.resources, f"{request.name} is declared twice"
        self.deployment.resources[request.name] = Declared(
            request.type,
            request.name,
            read(request.object),
            tuple(sorted(dependency.rsplit("::", 1)[-1] for dependency in request.dependencies)),
            request.protect,
            tuple(sorted(request.additionalSecretOutputs)),
            tuple(sorted(request.ignoreChanges)),
            json_format.MessageToDict(request.customTimeouts),
        )
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if not self.preview:
            answer.update(LEARNT.get(request.type, {}))
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id="" if self.preview else f"id-of-{request.name}", object=answer
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.deployment.outputs = read(request.outputs)
        return empty_pb2.Empty()


class _NoMocks(mocks.Mocks):
    def call(self, args: Any) -> Any:
        raise AssertionError(f"the program calls {args.token}")

    def new_resource(self, args: Any) -> Any:
        raise AssertionError(f"the program reads {args.name}")


def read(values: Any) -> Any:
    """A struct of the wire as Python values, with the engine's marks for secret and unknown ones."""
    return _marked(json_format.MessageToDict(values))


def _marked(value: Any) -> Any:
    if value == UNKNOWN:
        return Unknown()
    if isinstance(value, dict):
        if value.get(_special_sig_key) == _special_secret_sig:
            return Secret(_marked(value["value"]))
        return {name: _marked(inner) for name, inner in value.items() if inner is not None}
    return [_marked(inner) for inner in value] if isinstance(value, list) else value


def deploy(raw: dict[str, Any], preview: bool = False) -> Deployment:
    """Run the program with a config as the engine hands it over: secrets decrypted, structures as JSON."""
    values = {
        f"reforge:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in raw.items()
    }
    monitor = Monitor(preview)
    # The runtime keeps everything in context variables, so that a task of its own is a runtime of its own.
    asyncio.run(_run(monitor, values))
    return monitor.deployment


async def _run(monitor: Monitor, values: dict[str, str]) -> None:
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project="reforge",
            stack="test",
            dry_run=monitor.preview,
            organization=None,
        )
    )
    config.set_all_config(values, ["reforge:source-url", "reforge:endpoints"])

    async def program() -> None:
        main()

    await run_in_stack(program)
