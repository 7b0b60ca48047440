"""Where large loads and validations are done: by default where the command is typed, else near the data."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from pydantic.alias_generators import to_camel

from stacks.clusters import ObjectName
from stacks.values import Strict, Text

Quantity = Annotated[str, Field(pattern=r"^[0-9.]+(m|k|[KMGTP]i?)?$", examples=["10Gi"])]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]


class Resources(Strict):
    """What each pod asks for and what it may use, in Kubernetes' quantities."""

    requests: dict[str, Quantity] = Field(
        {"cpu": "1", "memory": "1Gi"}, description="what a node must have free for a pod"
    )
    limits: dict[str, Quantity] | None = Field(None, description="what a pod may use at most")


class Kubernetes(Strict):
    """One namespace of one cluster."""

    context: Text | None = Field(None, description="the kubeconfig's context; by default its current one")
    namespace: ObjectName = Field(description="the namespace that the Jobs are in")
    image: Text = Field(description="the image that the repository's Dockerfile makes")
    shards: int = Field(4, ge=1, le=64, description="pods at work at the same time")
    service_account: ObjectName | None = Field(
        None, description="whose rights to an object store the pods have"
    )
    environment_from: list[ObjectName] = Field(
        [], description="Secrets of the namespace whose keys the pods get as variables"
    )
    image_pull_secrets: list[ObjectName] = Field([], description="Secrets for the registry")
    node_selector: dict[str, str] = Field({}, description="labels of the nodes that may take the pods")
    tolerations: list[dict[str, Any]] = Field([], description="taints that the pods tolerate")
    resources: Resources = Field(Resources(), description="what a pod asks for and may use")
    scratch: Quantity = Field("10Gi", description="room of each pod for what it fetches of a dump")
    timeout: Seconds = Field(6 * 3600.0, description="seconds for each Job")
    start_timeout: Seconds = Field(300.0, description="seconds within which a pod must be at work")


class Runner(Strict):
    """``runner: {kubernetes: {namespace: reforge, image: ...}}``"""

    kubernetes: Kubernetes = Field(description="by Jobs in a Kubernetes cluster")

    def plain(self) -> dict[str, Any]:
        """The same as our plugin takes it."""
        values = self.kubernetes.model_dump(exclude={"context"}, exclude_none=True)
        named = {to_camel(name): value for name, value in values.items()}
        return named | ({"cluster": self.kubernetes.context} if self.kubernetes.context else {})
