"""In place of pulumi-kubernetes: applies what is declared to a real API server, as its documentation says.

Server-side apply by a field manager of its own, an object that is given up is deleted, and a Deployment is
waited for: its rollout must be over and its pods ready within the time limit, else the resource
is there with errors of its initialization. Credentials are the kubeconfig's. Calls are kept as by the echo.
https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import yaml
from google.protobuf import empty_pb2, json_format
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.echo import provider
from tests.support.echo.calls import keep, type_of
from tests.support.echo.provider import Echo, as_struct

MANAGER = "pulumi-kubernetes-1f2e3d4c"
KINDS = {
    "kubernetes:apps/v1:Deployment": ("apps/v1", "Deployment", "/apis/apps/v1", "deployments"),
    "kubernetes:core/v1:Secret": ("v1", "Secret", "/api/v1", "secrets"),
}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
_POLL_SECONDS = 0.1


class Applied(Echo):
    """The echo with a cluster behind it."""

    def Create(self, request: Any, context: Any) -> Any:
        inputs = json_format.MessageToDict(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        keep("create", request.urn, inputs)
        identity = "{namespace}/{name}".format(**inputs["metadata"])
        self._apply(request, inputs, identity, context)
        return provider_pb2.CreateResponse(id=identity, properties=as_struct(inputs))

    def Update(self, request: Any, context: Any) -> Any:
        inputs = json_format.MessageToDict(request.news)
        if not request.preview:
            keep("update", request.urn, inputs)
            self._apply(request, inputs, request.id, context)
        return provider_pb2.UpdateResponse(properties=as_struct(inputs))

    def Delete(self, request: Any, context: Any) -> Any:
        keep("delete", request.urn, {})
        with _client() as http:
            gone = http.delete(_path(type_of(request.urn), request.id))
        if gone.status_code not in (200, 202, 404):
            context.abort(grpc.StatusCode.UNKNOWN, gone.text)
        return empty_pb2.Empty()

    def _apply(self, request: Any, inputs: dict[str, Any], identity: str, context: Any) -> None:
        kind = type_of(request.urn)
        group, name, _, _ = KINDS[kind]
        body = {**inputs, "apiVersion": group, "kind": name}
        with _client() as http:
            parameters = {"fieldManager": MANAGER, "force": "true"}
            path = _path(kind, identity)
            answer = http.patch(path, params=parameters, json=body, headers=APPLY)
            if not answer.is_success:
                context.abort(grpc.StatusCode.UNKNOWN, answer.text)
            if name == "Deployment" and not _is_ready_in_time(http, path, request.timeout):
                _half_made(context, identity, inputs)


def _is_ready_in_time(http: httpx.Client, path: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = http.get(path).json()
        status, wanted = found.get("status", {}), found["spec"].get("replicas", 1)
        counts = (status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas"))
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        if seen and all(count == wanted for count in counts):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _half_made(context: Any, identity: str, inputs: dict[str, Any]) -> None:
    """What the real one says; the engine keeps the resource with these errors."""
    reasons = [
        f"'{identity.rpartition('/')[2]}' timed out waiting to be Ready",
        "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
    ]
    said = f'the Kubernetes API server reported that "{identity}" failed to fully initialize or become live: '
    detail = provider_pb2.ErrorResourceInitFailed(
        id=identity, properties=as_struct(inputs), inputs=as_struct(inputs), reasons=reasons
    )
    words = "2 errors occurred:\n\t* " + said + "\n\t* ".join(reasons)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=words)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, words)


def _path(kind: str, identity: str) -> str:
    _, _, root, plural = KINDS[kind]
    namespace, name = identity.split("/")
    return f"{root}/namespaces/{namespace}/{plural}/{name}"


def _client() -> httpx.Client:
    found = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
    headers = {"Authorization": f"Bearer {user['token']}"}
    return httpx.Client(
        base_url=cluster["server"], verify=trusted, headers=headers, trust_env=False, timeout=20
    )


if __name__ == "__main__":
    vars(provider)["Echo"] = Applied  # what the echo's own main serves
    provider.main()
