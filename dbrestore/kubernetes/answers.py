"""Answers of the API, and its refusals in our words: named by what the reader can do about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from problem import Problem

_PASSING = {429, 500, 502, 503, 504}
"""Statuses that a server gives which is starting, overloaded, or cut off from its etcd."""


class NoAnswer(Exception):
    """No answer, or one that says to come again."""


class Conflict(Exception):
    """The object has changed since it was read, and nothing of ours was written."""


@dataclass(frozen=True)
class Answer:
    """An HTTP status and the JSON that came with it."""

    status: int
    body: Mapping[str, Any]
    text: bytes = b""
    """As it came: logs are no JSON."""

    @classmethod
    def of(cls, status: int, text: bytes) -> Answer:
        """The answer; raises ``NoAnswer`` where it says to come again, ``Conflict`` for 409."""
        if status in _PASSING:
            raise NoAnswer(f"HTTP {status}")
        if status == 409:
            raise Conflict
        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        return cls(status, body if isinstance(body, dict) else {}, text)


def refused(answer: Answer, method: str, what: str) -> Problem:
    """The problem that a 4xx answer is. The server's words are kept only where they cannot quote a value."""
    if answer.status == 401:
        text = f"Kubernetes does not know who we are (HTTP 401), asked about {what}."
        cure = "Log in anew (kubectl auth whoami shows as whom), then run the same command again."
        return Problem("kubernetes-unauthorized", text, cure)
    if answer.status == 403:
        text = (
            f"Kubernetes forbids to {_verb(method)} {what}: {answer.body.get('message', 'no reason given')}."
        )
        cure = "Give the account the Role of docs/clouds/kubernetes.md, then run the same command again."
        return Problem("kubernetes-forbidden", text, cure)
    details = answer.body.get("details") or {}
    fields = ", ".join(f"{one.get('field')} ({one.get('reason')})" for one in details.get("causes", ()))
    reason = f"{answer.body.get('reason', 'no reason given')}{': ' + fields if fields else ''}"
    text = f"Kubernetes refuses (HTTP {answer.status}) to {_verb(method)} {what}: {reason}."
    cure = "See the object by kubectl get -o yaml; an admission policy may forbid this. Then run again."
    return Problem("kubernetes-refused", text, cure)


def _verb(method: str) -> str:
    return {"GET": "read", "PATCH": "change", "POST": "create", "DELETE": "delete"}[method]
