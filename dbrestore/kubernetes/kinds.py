"""The kinds of objects that are asked for, and an object as it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A kind by its place in the API."""

    word: str
    """As kubectl takes it: "deployment"."""
    group: str
    """"apps/v1"; "v1" is the core group."""
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """The URL's path of one object, or of all in a namespace."""
        root = f"/api/{self.group}" if self.group == "v1" else f"/apis/{self.group}"
        return f"{root}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")


POD = Kind("pod", "v1", "pods")
SECRET = Kind("secret", "v1", "secrets")
CONFIG_MAP = Kind("configmap", "v1", "configmaps")
DEPLOYMENT = Kind("deployment", "apps/v1", "deployments")
STATEFUL_SET = Kind("statefulset", "apps/v1", "statefulsets")
JOB = Kind("job", "batch/v1", "jobs")
CRON_JOB = Kind("cronjob", "batch/v1", "cronjobs")
AUTOSCALER = Kind("hpa", "autoscaling/v2", "horizontalpodautoscalers")
SCALED_OBJECT = Kind("scaledobject", "keda.sh/v1alpha1", "scaledobjects")

SCALED = {"Deployment": DEPLOYMENT, "StatefulSet": STATEFUL_SET}
"""What an autoscaler may have as its target, by the name that manifests call it."""


@dataclass(frozen=True)
class Found:
    """An object as the API gave it."""

    kind: Kind
    body: Mapping[str, Any]

    def at(self, *path: str, default: Any = None) -> Any:
        """The value at a path of names; ``default`` where any step of it is missing."""
        value: Any = self.body
        for step in path:
            if not isinstance(value, Mapping) or value.get(step) is None:
                return default
            value = value[step]
        return value

    @property
    def namespace(self) -> str:
        return str(self.at("metadata", "namespace", default=""))

    @property
    def name(self) -> str:
        return str(self.at("metadata", "name", default=""))

    @property
    def uid(self) -> str:
        return str(self.at("metadata", "uid", default=""))

    @property
    def revision(self) -> str:
        """Changes with every write to the object."""
        return str(self.at("metadata", "resourceVersion", default=""))

    @property
    def annotations(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.at("metadata", "annotations", default={})
        return found

    @property
    def where(self) -> str:
        """In words: "deployment etl-worker in namespace starforge"."""
        return told(self.kind, self.namespace, self.name)

    def owned_by(self, owner: Found) -> bool:
        """Whether ``owner`` stands among its owner references."""
        return any(one.get("uid") == owner.uid for one in self.at("metadata", "ownerReferences", default=[]))

    def owner_of(self, *path: str) -> str:
        """Which manager wrote the field at ``path`` last, as managed fields tell; "" where none does."""
        holders = [one for one in self.at("metadata", "managedFields", default=[]) if _holds(one, path)]
        newest = sorted(holders, key=lambda one: str(one.get("time", "")))
        return str(newest[-1].get("manager", "")) if newest else ""


def _holds(entry: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    fields = entry.get("fieldsV1", {})
    for step in path:
        if f"f:{step}" not in fields:
            return False
        fields = fields[f"f:{step}"]
    return True


def told(kind: Kind, namespace: str, name: str) -> str:
    """An object in words."""
    return f"{kind.word} {name} in namespace {namespace}"
