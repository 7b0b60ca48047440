"""A cluster in memory for quick tests: objects by path, merge patches by revision, labels by equality.

What an API server really does is seen on one, in ``tests/functional/kubernetes``.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from dbrestore.handler import Context

Body = dict[str, Any]
ROOTS = {"deployments": "/apis/apps/v1", "statefulsets": "/apis/apps/v1", "cronjobs": "/apis/batch/v1"}
ROOTS |= {"jobs": "/apis/batch/v1", "horizontalpodautoscalers": "/apis/autoscaling/v2"}
ROOTS |= {"scaledobjects": "/apis/keda.sh/v1alpha1", "externalsecrets": "/apis/external-secrets.io/v1"}


@dataclass
class Memory:
    """Stands in for the official client's ``ApiClient``; ``calls`` keeps what it was asked."""

    objects: dict[str, Body] = field(default_factory=dict)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: deque[tuple[int, Any] | Exception] = field(default_factory=deque)
    """What it answers first, whatever it is asked."""
    after: Callable[[], None] = lambda: None
    """Called after each change: what controllers do."""
    configuration: Any = field(default_factory=lambda: SimpleNamespace(host="https://memory"))
    _revision: int = 0

    def put(self, plural: str, name: str, **body: Any) -> None:
        """Lay an object down, in the namespace ``ns``."""
        self._revision += 1
        metadata = {"name": name, "namespace": "ns", "uid": f"u{self._revision}", "resourceVersion": "1"}
        metadata |= body.pop("metadata", {})
        self.objects[path(plural, name)] = {"metadata": metadata, **body}

    def one(self, plural: str, name: str) -> Body:
        return self.objects[path(plural, name)]

    def param_serialize(self, method: str, path: str, query_params: Any, body: Any, **_more: Any) -> Any:
        return method, path, dict(query_params), body

    def call_api(self, method: str, path: str, query: dict[str, str], body: Any, **_more: Any) -> Any:
        self.calls.append((method, path, body))
        status, answer = self._answer(method, path, query, body)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return SimpleNamespace(status=status, read=lambda: text)

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.answers:
            first = self.answers.popleft()
            if isinstance(first, Exception):
                raise first
            return first
        if method == "PATCH":
            return self._patched(path, body)
        if path in self.objects:
            return 200, self.objects[path]
        within = [one for at, one in self.objects.items() if at.rpartition("/")[0] == path]
        wanted = [pair.split("=") for pair in unquote(query.get("labelSelector", "")).split(",") if pair]
        fitting = [one for one in within if all(_labels(one).get(name) == value for name, value in wanted)]
        known = within or path.rpartition("/")[2] in ("pods", "jobs", "deployments", "statefulsets")
        return (200, {"items": fitting}) if known else (404, {})

    def _patched(self, path: str, body: Body) -> tuple[int, Any]:
        if path not in self.objects:
            return 404, {}
        if body["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
            return 409, {}
        self._revision += 1
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": f"r{self._revision}"}}
        self.objects[path] = _merged(self.objects[path], body)
        answer = self.objects[path]
        self.after()
        return 200, answer


def path(plural: str, name: str) -> str:
    return f"{ROOTS.get(plural, '/api/v1')}/namespaces/ns/{plural}/{name}"


def _labels(one: Body) -> Body:
    return dict(one["metadata"].get("labels", {}))


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    new = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = _merged(new.get(name), value)
    return new


def context(told: list[str] | None = None) -> Context:
    return Context("urn:test", (told if told is not None else []).append)


def workload(replicas: int) -> Body:
    return {"replicas": replicas, "selector": {"matchLabels": {"app": "etl"}}, "template": {"spec": {}}}
