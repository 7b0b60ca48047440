"""The way into a cluster: kubeconfig or the pod's own account, as the official client looks for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from problem import Problem

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"


def client(cluster: str | None) -> ApiClient:
    """A client of the kubeconfig's context ``cluster``, or of its current one, or of the cluster we run in.

    Problem "kubernetes-missing-package" or "kubernetes-unconfigured". Nothing is asked of the API yet.
    """
    try:
        import kubernetes  # only stacks that name a cluster pay for the import
    except ImportError as error:
        what = "The config names something in Kubernetes, and the package for it is not installed."
        raise Problem(
            "kubernetes-missing-package", what, "Type: pip install 'reforge[kubernetes]'"
        ) from error
    settings = kubernetes.client.Configuration()
    _load(settings, cluster)
    settings.retries = False  # ours say what they wait for
    return kubernetes.client.ApiClient(settings)


def _load(settings: object, cluster: str | None) -> None:
    from kubernetes import config as untyped

    config: Any = untyped

    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    try:
        if cluster is None and _IN_CLUSTER in os.environ and not _any_exists(files):
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(files, cluster, settings, persist_config=False)
    except (config.ConfigException, OSError) as error:
        which = f"context {cluster}" if cluster else "any context"
        what = f"Kubernetes: {files} gives no access by {which}: {error}"
        cure = "Name one that exists: kubectl config get-contexts; or set KUBECONFIG to another file."
        raise Problem("kubernetes-unconfigured", what, cure) from error


def _any_exists(files: str) -> bool:
    return any(Path(one).exists() for one in files.split(os.pathsep))
