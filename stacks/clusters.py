"""What settings of Kubernetes objects have in common: which cluster, which namespace, which object."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from stacks.endpoints import Target
from stacks.held import HeldValue
from stacks.values import Strict, Text
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi

    from stacks.plugin import KubernetesKey, KubernetesWriter

ObjectName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253, examples=["etl-worker"]),
]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class InCluster(Strict):
    """One object of one cluster; the credentials are the kubeconfig's or the pod's own."""

    context: Text | None = Field(None, description="the kubeconfig's context; by default its current one")
    namespace: ObjectName = Field(description="the namespace that it is in")
    name: ObjectName = Field(description="its name")
    timeout: Seconds = Field(300.0, description="seconds for all that is waited for")

    def labelled(self, kind: str) -> str:
        """A resource's name: "deployment:starforge/etl-worker", the context before it where one is given."""
        return f"{kind}:" + "/".join(filter(None, (self.context, self.namespace, self.name)))

    @property
    def place(self) -> dict[str, Any]:
        """The object as our plugin takes it."""
        return {
            "cluster": self.context,
            "namespace": self.namespace,
            "name": self.name,
            "timeout": self.timeout,
        }


class ClusterKey(InCluster):
    """Base of what is one key of an object that pods read."""

    key: str = Field("DATABASE_URL", pattern=r"^[-._a-zA-Z0-9]+$", description="the key in its data")
    rollout: list[ObjectName] | None = Field(
        None,
        description="deployments or stateful sets to start anew; by default those whose pods refer to it",
    )

    @property
    def read_by(self) -> dict[str, Any]:
        """The key and its readers as our plugin takes them."""
        return {**self.place, "key": self.key, "rollout": self.rollout}


class ClusterEndpoint(ClusterKey, HeldValue):
    """Base of the endpoints that are a key of an object."""

    KIND: ClassVar[str]
    """As the config spells it."""

    @property
    def label(self) -> str:
        return f"{self.labelled(self.KIND)}#{self.key}"

    @abstractmethod
    def resource(self) -> type[KubernetesKey]:
        """Our plugin's resource; imports pulumi."""

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        return self.resource()(self.label, {**self.read_by, **self.value(target)}, options)


class ClusterWriter(InCluster, Writer):
    """Base of the writers that are one object of a cluster."""

    KIND: ClassVar[str]
    """As the config spells it."""

    @property
    def label(self) -> str:
        return self.labelled(self.KIND)

    @abstractmethod
    def resource(self) -> type[KubernetesWriter]:
        """Our plugin's resource; imports pulumi."""

    def more(self) -> dict[str, Any]:
        """What the resource takes besides its place."""
        return {}

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        properties = {**self.place, **self.more(), "desired": writing}
        return self.resource()(self.label, properties, options)


class ScaledWriter(ClusterWriter):
    """A writer that is so many replicas of something."""

    replicas: int | None = Field(
        None, ge=0, description="what comes back after a pause; by default as many as there were"
    )

    def resource(self) -> type[KubernetesWriter]:
        from stacks.plugin import KubernetesScale

        return KubernetesScale

    def more(self) -> dict[str, Any]:
        return {"kind": self.KIND, "replicas": self.replicas}
