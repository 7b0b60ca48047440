"""The deployment that is copied, as it stands in its cluster: read by one GET, whatever state it is in.

pulumi_kubernetes could look it up as well, and waits for it to be healthy before it answers: in an incident
it may not be.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from problem import Problem
from stacks.clusters import InCluster

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_ONE_ANSWER = (5.0, 20.0)
"""Seconds for connecting, and for the answer."""
_AGAIN = "then run the same command again."


def read(place: InCluster) -> dict[str, Any]:
    """The Deployment as JSON. A Problem ``kubernetes-...`` says why it cannot be read."""
    try:
        import kubernetes
    except ImportError as error:
        what = "The config names a canary in Kubernetes, and the package for it is not installed."
        raise Problem(
            "kubernetes-missing-package", what, "Type: pip install 'reforge[kubernetes]'"
        ) from error
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    access = _access(place.context)
    try:
        answer: Any = kubernetes.client.AppsV1Api(access).read_namespaced_deployment(
            place.name,
            place.namespace,
            # As it came: the package's own model drops what is newer than the package.
            _preload_content=False,
            _request_timeout=_ONE_ANSWER,
        )
    except ApiException as error:
        raise _refused(error, place) from error
    except (HTTPError, OSError) as error:
        what = f"The Kubernetes API at {access.configuration.host} does not answer: {type(error).__name__}."
        raise Problem("kubernetes-unreachable", what, f"See `kubectl get --raw /readyz`, {_AGAIN}") from error
    found: dict[str, Any] = json.loads(answer.data)
    return found


def _access(context: str | None) -> ApiClient:
    """By the kubeconfig, else by the account of the pod that we run in; as the provider looks for them."""
    from kubernetes import client
    from kubernetes import config as untyped

    config: Any = untyped
    settings, files = client.Configuration(), os.environ.get("KUBECONFIG")
    try:
        try:
            config.load_kube_config(files, context, settings, persist_config=False)
        except config.ConfigException:
            if context or "KUBERNETES_SERVICE_HOST" not in os.environ:
                raise
            config.load_incluster_config(settings)
    except (config.ConfigException, OSError) as error:
        what = f"Kubernetes: no access by {f'context {context}' if context else 'any context'}: {error}"
        cure = "Name one that exists: kubectl config get-contexts; or set KUBECONFIG to another file."
        raise Problem("kubernetes-unconfigured", what, cure) from error
    return client.ApiClient(settings)


def _refused(error: Any, place: InCluster) -> Problem:
    where = f"the deployment {place.name} in namespace {place.namespace}"
    if error.status == 404:
        cure = f"Correct `reforge:canary`, or see what there is: kubectl -n {place.namespace} get deployments"
        return Problem("kubernetes-missing", f"There is no {where.removeprefix('the ')} to copy.", cure)
    if error.status == 401:
        what = f"Kubernetes does not know who we are (HTTP 401), asked about {where}."
        return Problem("kubernetes-unauthorized", what, f"Log in anew (kubectl auth whoami), {_AGAIN}")
    if error.status == 403:
        cure = f"Give the account the rules for a canary of docs/clouds/kubernetes.md, {_AGAIN}"
        return Problem("kubernetes-forbidden", f"Kubernetes forbids to read {where}.", cure)
    what = f"Kubernetes refuses (HTTP {error.status}) to read {where}: {error.reason}."
    return Problem("kubernetes-refused", what, f"See it by kubectl get -o yaml, {_AGAIN}")
