"""The one boundary to a cluster's API: requests, patience with a server that is away, failures in our words.

Objects are plain JSON (https://kubernetes.io/docs/reference/using-api/api-concepts/). Writing is a JSON merge
patch that carries the revision it was made for, so that a write which was repeated, or came late, is refused
by the server and not by luck.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, stop_after_delay
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from dbrestore.handler import Context
from dbrestore.kubernetes.answers import Answer, Conflict, NoAnswer, refused
from dbrestore.kubernetes.connection import client
from dbrestore.kubernetes.kinds import Found, Kind, told
from problem import Problem

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

PATIENCE = 120.0
"""Seconds that a server may be away, or busy, before the work ends in a named state."""
_ONE_ANSWER = (5.0, 20.0)
"""Seconds for connecting, and for one answer."""
_ROUNDS = 8
MANAGER = "reforge"
"""By this name managed fields tell what we wrote."""


class Api:
    """One cluster, for one piece of work; it ends early when ``context`` is cancelled."""

    def __init__(self, access: ApiClient, context: Context) -> None:
        self._access, self.context, self._patience = access, context, PATIENCE

    def find(self, kind: Kind, namespace: str, name: str) -> Found | None:
        """The object, or None where there is none."""
        answer = self._ask("GET", kind.path(namespace, name), told(kind, namespace, name))
        return Found(kind, answer.body) if answer.status != 404 else None

    def get(self, kind: Kind, namespace: str, name: str) -> Found:
        """The object; Problem "kubernetes-missing" where there is none."""
        found = self.find(kind, namespace, name)
        if found is None:
            what = f"There is no {told(kind, namespace, name)}."
            cure = f"Correct the config, or see what there is: kubectl -n {namespace} get {kind.word}"
            raise Problem("kubernetes-missing", what, cure)
        return found

    def all(self, kind: Kind, namespace: str, labels: str = "") -> list[Found]:
        """The objects of a namespace that bear ``labels``; none where the cluster has no such kind."""
        query = {"labelSelector": labels} if labels else {}
        answer = self._ask("GET", kind.path(namespace), f"the {kind.plural} of namespace {namespace}", query)
        return [Found(kind, item) for item in answer.body.get("items", ())]

    def preferred(self, group: str) -> str:
        """The version that the cluster prefers of an API group: "external-secrets.io/v1"; "" without it."""
        answer = self._ask("GET", f"/apis/{group}", f"the API group {group}")
        version: Mapping[str, str] = answer.body.get("preferredVersion", {})
        return version.get("groupVersion", "")

    def change(self, found: Found, change: Callable[[Found], Mapping[str, Any] | None]) -> Found:
        """Merge into an object what ``change`` makes of it, None being nothing; the object afterwards.

        Where somebody else writes between, ``change`` is asked again with what they left. Problem
        "kubernetes-contended" when that does not end.
        """
        for _ in range(_ROUNDS):
            patch = change(found)
            if patch is None:
                return found
            try:
                return self.patch(found, patch)
            except Conflict:
                found = self.get(found.kind, found.namespace, found.name)
        what = f"Others write to the {found.where} all the time, so that our change never got its turn."
        who = found.owner_of("metadata") or "somebody"
        cure = f"Find out who does (last: {who}), then run the same command again."
        raise Problem("kubernetes-contended", what, cure)

    def patch(self, found: Found, patch: Mapping[str, Any]) -> Found:
        """Merge ``patch`` into exactly the revision that was found; raise ``Conflict`` where that is past."""
        metadata = {**patch.get("metadata", {}), "resourceVersion": found.revision, "uid": found.uid}
        path = found.kind.path(found.namespace, found.name)
        body = {**patch, "metadata": metadata}
        answer = self._ask("PATCH", path, f"the {found.where}", {"fieldManager": MANAGER}, body)
        if answer.status == 404:
            raise Conflict
        return Found(found.kind, answer.body)

    def create(self, kind: Kind, body: Mapping[str, Any]) -> Found:
        """Make an object; raise ``Conflict`` where there is one of its name."""
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        answer = self._ask(
            "POST",
            kind.path(namespace),
            f"the {told(kind, namespace, name)}",
            {"fieldManager": MANAGER},
            body,
        )
        if answer.status == 404:
            what = f"There is no namespace {namespace}."
            raise Problem("kubernetes-missing", what, "Correct the config, or see: kubectl get namespaces")
        return Found(kind, answer.body)

    def delete(self, found: Found) -> None:
        """Remove exactly this object and what belongs to it. Gone already is fine."""
        body = {"preconditions": {"uid": found.uid}, "propagationPolicy": "Background"}
        with suppress(Conflict):  # another one of its name, which is not ours
            self._ask(
                "DELETE", found.kind.path(found.namespace, found.name), f"the {found.where}", None, body
            )

    def log(self, pod: Found, last: int | None = None) -> str | None:
        """A pod's log, or its last lines; None where its kubelet does not give it, or we may not have it.

        Asked once: a log is not worth much patience.
        """
        path, query = (
            f"{pod.kind.path(pod.namespace, pod.name)}/log",
            {"tailLines": str(last)} if last else {},
        )
        try:
            answer = self._once("GET", path, query, None)
        except (NoAnswer, Conflict):
            return None
        return answer.text.decode(errors="replace") if answer.status == 200 else None

    def _ask(
        self, method: str, path: str, what: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """An answer, 404 included; every other failure as its Problem."""
        attempts = Retrying(
            retry=retry_if_exception_type(NoAnswer),
            stop=stop_after_delay(self._patience) | stop_when_event_set(self.context.cancelled),
            wait=wait_exponential_jitter(multiplier=0.1, max=5, jitter=0.2),
            sleep=sleep_using_event(self.context.cancelled),
            before_sleep=self._tell,
        )
        try:
            answer = attempts(self._once, method, path, dict(query or {}), body)
        except RetryError as error:
            raise self._away(error.last_attempt.exception(), what) from None
        if answer.status >= 400 and answer.status != 404:
            raise refused(answer, method, what)
        return answer

    def _once(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        import urllib3
        from kubernetes.client.exceptions import ApiException

        headers = {"Accept": "application/json, */*"}
        if body is not None:
            headers["Content-Type"] = (
                "application/merge-patch+json" if method == "PATCH" else "application/json"
            )
        request = self._access.param_serialize(
            method, path, query_params=list(query.items()), header_params=headers, body=body,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        try:
            response = self._access.call_api(*request, _request_timeout=_ONE_ANSWER)
            text: bytes = response.read()  # type: ignore[no-untyped-call] # the package has no types there
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        except ApiException as error:  # what the client makes of a connection that TLS ends
            raise NoAnswer(" ".join(str(error.reason).split())) from error
        return Answer.of(response.status, text)

    def _tell(self, state: RetryCallState) -> None:
        why = state.outcome.exception() if state.outcome else None
        self.context.progress(f"the Kubernetes API at {self._access.configuration.host} is away ({why})")

    def _away(self, why: BaseException | None, what: str) -> Problem:
        if self.context.cancelled.is_set():
            return interrupted(what)
        host = self._access.configuration.host
        text = f"The Kubernetes API at {host} did not answer for {self._patience:.0f} s about {what}: {why}."
        cure = "When `kubectl get --raw /readyz` says ok, run the same command again; it goes on from there."
        return Problem("kubernetes-unreachable", text, cure)


def interrupted(what: str) -> Problem:
    """The operator asked to end while we waited for something."""
    return Problem(
        "interrupted", f"Interrupted at {what}.", "Run the same command again; it goes on from there."
    )


def connect(cluster: str | None, context: Context) -> Api:
    """The API of the kubeconfig's context ``cluster``; None is the current one."""
    return Api(client(cluster), context)


def as_labels(selector: Mapping[str, Any]) -> str:
    """A selector of a manifest as a query takes it."""
    wanted = [f"{name}={value}" for name, value in selector.get("matchLabels", {}).items()]
    words = {"In": "in", "NotIn": "notin", "Exists": "", "DoesNotExist": "!"}
    for one in selector.get("matchExpressions", ()):
        word, values = words[one["operator"]], ",".join(one.get("values") or ())
        wanted.append(f"{one['key']} {word} ({values})" if values else f"{word}{one['key']}")
    return ",".join(wanted)


def compact(value: Any) -> str:
    """A value as one line of JSON that is the same every time."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
