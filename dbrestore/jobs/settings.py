"""Where Jobs run, and with what: the config's ``runner``, in plain values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from dbrestore.handler import Inputs

LONGEST_SECONDS = 7 * 86400
Resources = dict[str, dict[str, str]]


class Cluster(Inputs):
    """``runner.kubernetes``: one namespace of one cluster."""

    cluster: str | None = None
    """The kubeconfig's context; None is the current one."""
    namespace: str = Field(min_length=1)
    image: str = Field(min_length=1)
    shards: Annotated[int, Field(ge=1, le=64)] = 4
    """Pods at work at the same time."""
    service_account: str | None = None
    """Whose rights to the object store the pods have, where the cloud gives rights to service accounts."""
    environment_from: list[str] = Field(default_factory=list)
    """Secrets of the namespace whose keys the pods get as variables: credentials of an object store."""
    image_pull_secrets: list[str] = Field(default_factory=list)
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[dict[str, Any]] = Field(default_factory=list)
    resources: Resources = Field(default_factory=lambda: {"requests": {"cpu": "1", "memory": "1Gi"}})
    scratch: str = "10Gi"
    """Room of each pod for what it fetches of a dump."""
    timeout: float = Field(default=6 * 3600, gt=0, le=LONGEST_SECONDS)
    """Seconds for each Job."""
    start_timeout: float = Field(default=300, gt=0, le=LONGEST_SECONDS)
    """Seconds within which a pod has to be at work."""
