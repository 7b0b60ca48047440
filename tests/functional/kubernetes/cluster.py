"""A namespace of a real API server, and who else works in it: there is nobody but the tests."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from dbrestore.handler import Context
from tests.support.ground import wait_until
from tests.support.kubebox.server import Kubebox

ROOT = Path(__file__).parents[3]
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
PLURALS = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "Pod": ("v1", "pods"),
    "ConfigMap": ("v1", "configmaps"),
    "Secret": ("v1", "secrets"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "ScaledObject": ("keda.sh/v1alpha1", "scaledobjects"),
    "ExternalSecret": ("external-secrets.io/v1", "externalsecrets"),
}
_AT_ONCE = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
Body = dict[str, Any]


@dataclass
class Cluster:
    """What tests do in it, they do by plain HTTP and under a manager's name of their own."""

    server: Kubebox
    http: httpx.Client
    namespace: str
    told: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def anew(cls, server: Kubebox) -> Iterator[Cluster]:
        """A namespace of its own; a deleted one would stay, as nobody finishes it."""
        with server.client() as http:
            found = cls(server, http, f"test-{secrets.token_hex(4)}")
            body = {"metadata": {"name": found.namespace}}
            http.post("/api/v1/namespaces", json=body).raise_for_status()
            found.allow(documented_role())
            yield found

    def allow(self, role: Body) -> None:
        """Let the account under test do what a Role says, and nothing else in this namespace."""
        role = {**role, "metadata": {"name": "reforge"}}
        named = {"apiGroup": "rbac.authorization.k8s.io", "name": "reforge"}
        binding = {"metadata": {"name": "reforge"}, "roleRef": {**named, "kind": "Role"}}
        binding["subjects"] = [{**named, "kind": "User"}]
        for plural, body in (("roles", role), ("rolebindings", binding)):
            root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}/{plural}"
            if self.http.put(f"{root}/reforge", json=body).status_code == 404:
                self.http.post(root, json=body).raise_for_status()

    @property
    def context(self) -> Context:
        return Context("urn:test", self.told.append, self.cancelled, self.notes.append)

    def make(self, kind: str, name: str, by: str = "owner", **body: Any) -> Body:
        """Create an object plainly."""
        whole = {**_head(kind, name, body.pop("metadata", {})), **body}
        return _right(self.http.post(self.path(kind), params={"fieldManager": by}, json=whole))

    def apply(self, kind: str, name: str, by: str, force: bool = False, **body: Any) -> httpx.Response:
        """A server-side apply, as `kubectl apply --server-side` or Pulumi's patch resources do it."""
        whole = {**_head(kind, name, body.pop("metadata", {})), **body}
        parameters = {"fieldManager": by, "force": str(force).lower()}
        headers = {"Content-Type": APPLY}
        return self.http.patch(self.path(kind, name), params=parameters, json=whole, headers=headers)

    def give_up(self, kind: str, name: str, by: str) -> None:
        """What deleting a patch resource of Pulumi's does: apply nothing under the same manager's name."""
        uid = self.get(kind, name)["metadata"]["uid"]
        _right(self.apply(kind, name, by, metadata={"uid": uid}))

    def merge(self, kind: str, name: str, body: Any, part: str = "", by: str = "somebody") -> Body:
        """A merge patch, as kubectl edit and most controllers write."""
        headers = {"Content-Type": MERGE}
        path = self.path(kind, name, part)
        return _right(self.http.patch(path, params={"fieldManager": by}, json=body, headers=headers))

    def find(self, kind: str, name: str) -> Body | None:
        answer = self.http.get(self.path(kind, name))
        return None if answer.status_code == 404 else _right(answer)

    def get(self, kind: str, name: str) -> Body:
        return _right(self.http.get(self.path(kind, name)))

    def all(self, kind: str) -> list[Body]:
        found: list[Body] = _right(self.http.get(self.path(kind)))["items"]
        return found

    def remove(self, kind: str, name: str) -> None:
        self.http.request("DELETE", self.path(kind, name), json=_AT_ONCE).raise_for_status()

    def define(self, kind: str) -> None:
        """Make a kind of custom resource known, its schema open; once a server."""
        group, plural = PLURALS[kind]
        name, version = group.split("/")
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        offered = {"name": version, "served": True, "storage": True, "schema": schema}
        spec = {
            "group": name,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{**offered, "subresources": {"status": {}}}],
        }
        body = {"metadata": {"name": f"{plural}.{name}"}, "spec": spec}
        made = self.http.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=body)
        assert made.status_code in (201, 409), made.text
        wait_until(lambda: self.http.get(self.path(kind)).is_success, what=f"{kind} being served")

    def path(self, kind: str, name: str = "", part: str = "") -> str:
        group, plural = PLURALS[kind]
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        return "/".join(filter(None, (root, "namespaces", self.namespace, plural, name, part)))


def documented_role(page: str = "kubernetes") -> Body:
    """The Role that a page of the documentation asks for."""
    text = (ROOT / f"docs/clouds/{page}.md").read_text()
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    [role] = [one for one in shown if isinstance(one, dict) and one.get("kind") == "Role"]
    return dict(role)


def _head(kind: str, name: str, metadata: Body) -> Body:
    return {"apiVersion": PLURALS[kind][0], "kind": kind, "metadata": {"name": name, **metadata}}


def _right(answer: httpx.Response) -> Body:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    body: Body = answer.json()
    return body


def workload(name: str = "etl", replicas: int | None = 3, **pod: Any) -> Body:
    """The spec of a Deployment or StatefulSet; ``pod`` goes into its container."""
    container = {"name": "app", "image": "registry.invalid/starforge:1", **pod}
    labels = {"app": name}
    spec: Body = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return spec if replicas is None else {**spec, "replicas": replicas}
